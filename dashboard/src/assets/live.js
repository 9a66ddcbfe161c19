// Keeps a page up to date while somebody looks at it. Every page works without this script.
//
// What the markup says:
//   <main data-live="/live?page=..." data-now="1795314913">  the page's feed; the server's clock
//   #feed > .feed-state                where to say how the feed is
//   [data-live-pause]                  button: stop and go on; hidden until the script runs
//   [data-live-new="<id of a list>"]   button: show the lines that wait; hidden while none does
//   <pre data-copy>                    text to take along: gets a button that copies it
//   <time datetime title>              moments; relative to now in the text or in the title
//
// The feed: each message is JSON {regions: [{id, html}], lines: {id, html, count, keep}} and is
// answered with "next"; the server sends nothing more before. HTML comes from our own pages, which
// escape what others wrote; it is never run, and the Content-Security-Policy sees to that as well.
"use strict";

(() => {
  const main = document.querySelector("main");

  // Parsing

  /** The nodes of a piece of HTML. What stands in a template is inert. */
  function parse(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    for (const script of template.content.querySelectorAll("script")) script.remove();
    return template.content;
  }

  // Patching: changes what differs and leaves every other node alone, so that focus, selection,
  // scroll positions and opened <details> stay.

  const isElement = (node) => node.nodeType === Node.ELEMENT_NODE;
  const keyOf = (node) =>
    isElement(node) ? node.getAttribute("data-key") || node.getAttribute("id") || "" : "";
  const sameKind = (one, other) =>
    one.nodeType === other.nodeType && one.nodeName === other.nodeName;

  /** What the reader or this script has set, not the server. */
  const isTheirs = (element, name) => element.localName === "details" && name === "open";

  function patch(element, wanted) {
    if (element.isEqualNode(wanted)) return;
    if (!isElement(element)) {
      element.nodeValue = wanted.nodeValue;
      return;
    }
    for (const { name, value } of [...wanted.attributes]) {
      if (element.getAttribute(name) !== value && !isTheirs(element, name)) {
        element.setAttribute(name, value);
      }
    }
    for (const { name } of [...element.attributes]) {
      if (!wanted.hasAttribute(name) && !isTheirs(element, name)) element.removeAttribute(name);
    }
    patchChildren(element, wanted);
  }

  function patchChildren(parent, wanted) {
    const kept = new Set([...wanted.childNodes].map(keyOf).filter(Boolean));
    const keyed = new Map();
    for (const child of [...parent.childNodes]) {
      const key = keyOf(child);
      if (kept.has(key)) keyed.set(key, child);
      else if (key) child.remove();
    }
    let at = parent.firstChild;
    for (const next of [...wanted.childNodes]) {
      const key = keyOf(next);
      const same = key ? keyed.get(key) : firstUnkeyed(at, next);
      if (same && sameKind(same, next)) {
        keyed.delete(key);
        if (same === at) at = at.nextSibling;
        else move(parent, same, at);
        patch(same, next);
      } else {
        parent.insertBefore(next, at);
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  function firstUnkeyed(from, like) {
    let node = from;
    while (node && (keyOf(node) || !sameKind(node, like))) node = node.nextSibling;
    return node;
  }

  /** Moves a node; browsers that can do so keep its focus. */
  function move(parent, node, before) {
    if (parent.moveBefore) parent.moveBefore(node, before);
    else parent.insertBefore(node, before);
  }

  function showRegion({ id, html }) {
    const region = document.getElementById(id);
    if (!region) return;
    const focused = region.contains(document.activeElement) ? document.activeElement : null;
    const wanted = region.cloneNode(false);
    wanted.append(parse(html));
    patchChildren(region, wanted);
    if (focused && focused.isConnected && document.activeElement !== focused) {
      focused.focus({ preventScroll: true });
    }
  }

  // Lines of a list that grows at its head. While somebody reads it they wait, so that nothing
  // moves under their eyes.

  /** By id of the list: the lines that wait, newest first, and how many the list holds. */
  const waiting = new Map();

  function takeLines({ id, html, keep }) {
    const list = document.getElementById(id);
    if (!list) return;
    const { rows } = waiting.get(id) || { rows: [] };
    // After a new connection the feed begins with lines that may be here already.
    const known = new Set([...list.children, ...rows].map(keyOf));
    const fresh = [...parse(html).children].filter((row) => !known.has(keyOf(row)));
    waiting.set(id, { rows: [...fresh, ...rows].slice(0, keep), keep });
    settle(id);
  }

  /** Shows lines that wait unless somebody reads the list; says how many wait. */
  function settle(id) {
    const list = document.getElementById(id);
    const { rows } = waiting.get(id);
    if (list && rows.length && !isRead(list)) showWaiting(id);
    const count = waiting.get(id).rows.length;
    for (const button of document.querySelectorAll("[data-live-new]")) {
      if (button.dataset.liveNew !== id) continue;
      button.hidden = count === 0;
      if (count) button.textContent = `Show ${count} new`;
    }
  }

  function showWaiting(id) {
    const list = document.getElementById(id);
    const { rows, keep } = waiting.get(id);
    list.prepend(...rows);
    while (list.children.length > keep) list.lastElementChild.remove();
    waiting.set(id, { rows: [], keep });
  }

  function isRead(list) {
    const focus = document.activeElement;
    if (focus && focus !== list && list.contains(focus)) return true;
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && selection.containsNode(list, true)) return true;
    if (matchMedia("(hover: hover)").matches && list.matches(":hover")) return true;
    return list.getBoundingClientRect().top < 0;
  }

  for (const button of document.querySelectorAll("[data-live-new]")) {
    button.addEventListener("click", () => {
      const list = document.getElementById(button.dataset.liveNew);
      if (!list || !waiting.has(list.id)) return;
      showWaiting(list.id);
      // The button goes: whoever uses the keyboard goes on in the list.
      list.focus({ preventScroll: true });
      list.scrollIntoView({ block: "start" });
      settle(list.id);
    });
  }

  // Text to copy. Browsers let pages do so over https, and on the machine itself.

  for (const text of document.querySelectorAll("pre[data-copy]")) {
    const bar = text.previousElementSibling;
    if (!bar || !navigator.clipboard) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = "Copy";
    const label = text.getAttribute("aria-label");
    if (label) button.setAttribute("aria-label", `Copy ${label}`);
    const said = document.createElement("span");
    said.setAttribute("role", "status");
    said.className = "copied";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        said.textContent = "Copied";
      } catch {
        // What is selected can be copied by hand.
        document.getSelection().selectAllChildren(text);
        said.textContent = "Not allowed: selected instead";
      }
      setTimeout(() => (said.textContent = ""), 4000);
    });
    bar.append(said, button);
  }

  // Moments

  /** The server's clock less the browser's, in milliseconds. */
  const ahead =
    main && main.dataset.now ? Math.round(Number(main.dataset.now) * 1000 - Date.now()) : 0;

  /** How long ago, or how soon: the words of time.rs. */
  function distance(from, now) {
    const past = Math.trunc(now / 1000) - Math.trunc(from / 1000);
    const seconds = Math.abs(past);
    if (seconds === 0) return "now";
    let span = `${Math.trunc(seconds / 86400)} days`;
    if (seconds < 120) span = `${seconds} s`;
    else if (seconds < 7200) span = `${Math.trunc(seconds / 60)} min`;
    else if (seconds < 172800) span = `${Math.trunc(seconds / 3600)} h`;
    return past > 0 ? `${span} ago` : `in ${span}`;
  }

  function showTimes() {
    if (document.hidden) return;
    const now = Date.now() + ahead;
    for (const time of document.querySelectorAll("time[datetime][title]")) {
      const at = Date.parse(time.dateTime);
      if (Number.isNaN(at)) continue;
      const text = distance(at, now);
      if (!time.title.endsWith(" UTC")) time.title = text;
      else if (time.textContent !== text) time.textContent = text;
    }
  }

  // The feed

  const place = document.getElementById("feed");
  const state = place && place.querySelector(".feed-state");
  /** Longest wait between two attempts to connect, in milliseconds. */
  const PATIENCE = 30_000;
  /** How long a lost feed goes without saying so, and a hidden page with its connection. */
  const QUIET = 1_500;
  const STALE = 60_000;

  const pauses = [...document.querySelectorAll("[data-live-pause]")];
  let socket = null;
  let failures = 0;
  let timer = 0;
  let shown = "";
  let paused = false;
  /** A message that came while paused. */
  let held = null;
  /** Whether the server waits for our "next". */
  let owed = false;
  let over = false;
  let hiddenSince = 0;

  const TEXTS = { live: "Live", waiting: "Not live: reconnecting", paused: "Paused" };

  /** Says how the feed is, once per change: screen readers speak it. */
  function say(name) {
    if (!state || shown === name) return;
    shown = name;
    place.dataset.state = name;
    if (name !== "closed") {
      state.textContent = TEXTS[name];
      return;
    }
    for (const button of pauses) button.hidden = true;
    const link = document.createElement("a");
    link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = "sign in again";
    state.replaceChildren("Signed out: ", link);
  }

  function show(frame) {
    for (const region of frame.regions || []) showRegion(region);
    if (frame.lines) takeLines(frame.lines);
    showTimes();
  }

  /** Asks for the next message, unless nobody looks. */
  function ask() {
    if (!owed || paused || document.hidden || !socket || socket.readyState !== 1) return;
    owed = false;
    socket.send("next");
  }

  function feed(scheme) {
    const url = new URL(main.dataset.live, location.href);
    url.protocol = scheme + (location.protocol === "https:" ? "s:" : ":");
    return url;
  }

  function connect() {
    clearTimeout(timer);
    if (socket || over || document.hidden) return;
    let opened = false;
    const current = new WebSocket(feed("ws"));
    socket = current;
    owed = false;
    current.addEventListener("open", () => {
      opened = true;
      if (!paused) say("live");
    });
    current.addEventListener("message", ({ data }) => {
      if (current !== socket) return;
      failures = 0;
      owed = true;
      if (paused) held = JSON.parse(data);
      else show(JSON.parse(data));
      ask();
    });
    current.addEventListener("close", ({ code }) => {
      if (current !== socket) return;
      socket = null;
      lost(code, opened);
    });
  }

  async function lost(code, opened) {
    // 1008: the session that the feed belongs to has ended.
    if (code === 1008 || (!opened && (await isSignedOut()))) {
      over = true;
      say("closed");
      return;
    }
    if (document.hidden || socket) return;
    failures += 1;
    const longest = Math.min(PATIENCE, 500 * 2 ** Math.min(failures, 10));
    setTimeout(() => isAway() && say("waiting"), QUIET);
    timer = setTimeout(connect, longest * (0.5 + Math.random() / 2));
  }

  const isAway = () => (!socket || socket.readyState !== 1) && !over && !paused && !document.hidden;

  /** A browser does not tell why a websocket was refused: asks in a way that it tells about. */
  async function isSignedOut() {
    try {
      const answer = await fetch(feed("http"), { redirect: "manual", cache: "no-store" });
      return answer.status === 401 || answer.type === "opaqueredirect";
    } catch {
      return false;
    }
  }

  function disconnect() {
    clearTimeout(timer);
    const old = socket;
    socket = null;
    if (old) old.close();
  }

  function pause(wanted) {
    paused = wanted;
    for (const button of pauses) button.textContent = paused ? "Resume" : "Pause";
    if (paused) {
      say("paused");
      return;
    }
    say(socket && socket.readyState === 1 ? "live" : "waiting");
    if (held) show(held);
    held = null;
    ask();
  }

  if (main && main.dataset.live) {
    if (place) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.textContent = "Pause";
      place.append(button);
      pauses.push(button);
    }
    for (const button of pauses) {
      button.hidden = false;
      button.addEventListener("click", () => pause(!paused));
    }
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        hiddenSince = Date.now();
        return;
      }
      showTimes();
      // A machine that has slept may not know yet that its connections are gone.
      if (Date.now() - hiddenSince > STALE) disconnect();
      connect();
      ask();
    });
    addEventListener("online", () => {
      disconnect();
      connect();
    });
    addEventListener("pagehide", disconnect);
    addEventListener("pageshow", connect);
    setInterval(() => waiting.forEach((_, id) => settle(id)), 1000);
  }
  showTimes();
  setInterval(showTimes, 5000);
})();
