//! HAProxy: an action in Lua that asks the outpost, since HAProxy has no subrequests of its own.
//!
//! Lua's failures do not stop a request by themselves: only what the action has marked as let
//! through goes on to the application.

mod script;

use outpost_decision::target::Scheme;

use crate::front::{self, Front, HOP_HEADERS, HTTP2_SETTINGS, Part, Role};
use crate::input::Input;
use crate::lines::Lines;
use crate::quote::Address;
use crate::rendered::{File, RenderError, Rendered};

/// Where the configuration expects the script.
const SCRIPT: &str = "outpost.lua";

/// Writes the configuration and the script.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let fronts = front::of(input)?;
    let outpost = front::outpost(input)?;
    let (upstream, is_example) = front::upstream(input)?;
    let tls = front::tls(input)?;
    let asks = front::asks(&fronts);

    let mut out = Lines::default();
    out.comment(&format!(
        "HAProxy (2.6 or later, with Lua) in front of applications that an authentik outpost guards.\n\
         Save it as /etc/haproxy/haproxy.cfg, and {SCRIPT} beside it; or take its sections over.\n\
         HAProxy looks for the script in the folder it is started in: name the whole path there.\n\
         Applications:"
    ));
    out.comment(&front::about(input));
    out.gap();
    section(&mut out, "global", |out| {
        out.comment("Tokens and groups make headers large.");
        out.put("tune.bufsize 131072");
        out.put("tune.maxrewrite 65536");
        out.put("tune.http.maxhdr 256");
        if asks {
            out.put(format!("lua-load-per-thread {SCRIPT}"));
        }
    });
    out.gap();
    section(&mut out, "defaults", |out| {
        out.put("mode http");
        out.put("timeout connect 5s");
        out.put("timeout http-request 30s");
        out.put("timeout http-keep-alive 60s");
        out.comment("Uploads, downloads and websockets take the time they take.");
        out.put("timeout client 1h");
        out.put("timeout server 1h");
        out.put("timeout tunnel 1h");
    });
    for listener in group(&fronts, input) {
        out.gap();
        frontend(&mut out, &listener, tls);
    }
    out.gap();
    backend(&mut out, "outpost", &outpost, false);
    if asks {
        out.gap();
        backend(&mut out, "application", &upstream, is_example);
    }
    let mut files = vec![File { name: "haproxy.cfg", text: out.finish() }];
    if asks {
        files.push(File { name: SCRIPT, text: script::text(&fronts, &outpost) });
    }
    Ok(Rendered { files })
}

/// A section: its lines are indented, and nothing ends it.
fn section(out: &mut Lines, head: &str, body: impl FnOnce(&mut Lines)) {
    out.put(head);
    out.inner(body);
}

/// Fronts behind one port.
struct Listener<'a> {
    at: String,
    name: String,
    tls: bool,
    /// With their places among all fronts.
    fronts: Vec<(usize, &'a Front<'a>)>,
}

fn group<'a>(fronts: &'a [Front<'a>], input: &Input) -> Vec<Listener<'a>> {
    let mut listeners: Vec<Listener<'a>> = Vec::new();
    for (index, front) in fronts.iter().enumerate() {
        let (at, port) = match input.site.listen {
            Some(listen) => (listen.to_string(), listen.port()),
            None => (format!(":::{} v4v6", front.port), front.port),
        };
        let files = input.site.tls.is_some() || input.site.listen.is_none();
        let tls = front.scheme == Scheme::Https && files;
        match listeners.iter_mut().find(|known| known.at == at) {
            Some(known) => known.fronts.push((index, front)),
            None => {
                let name = format!("web-{port}");
                listeners.push(Listener { at, name, tls, fronts: vec![(index, front)] });
            }
        }
    }
    listeners
}

fn frontend(out: &mut Lines, listener: &Listener<'_>, tls: Option<(&str, &str)>) {
    section(out, &format!("frontend {}", listener.name), |out| {
        match (listener.tls, tls) {
            (false, _) => out.put(format!("bind {}", listener.at)),
            (true, Some((certificate, key))) => {
                out.comment(&format!(
                    "HAProxy reads the key from {certificate}.key: link it to {key}."
                ));
                out.put(format!("bind {} ssl crt {certificate} alpn h2,http/1.1", listener.at));
            }
            (true, None) => {
                out.comment(
                    "An example: the certificate of the host, with its key in the same file.",
                );
                out.put(format!(
                    "bind {} ssl crt /etc/haproxy/host.pem alpn h2,http/1.1",
                    listener.at
                ));
            }
        }
        out.comment(
            "x_authentik_username is X-authentik-username to many applications: such names are\n\
             dropped.",
        );
        out.put("option http-restrict-req-hdr-names delete");
        out.comment("What clients say of themselves, and outpost and applications believe.");
        for name in HOP_HEADERS.into_iter().chain(["X-Forwarded-For", "X-Real-IP", HTTP2_SETTINGS])
        {
            out.put(format!("http-request del-header {name}"));
        }
        let mut names: Vec<&String> = Vec::new();
        let parts = listener.fronts.iter().flat_map(|(_, front)| &front.parts);
        for name in parts.flat_map(|part: &Part<'_>| &part.headers) {
            if name != "Authorization" && !names.contains(&name) {
                names.push(name);
            }
        }
        for name in names {
            out.put(format!("http-request del-header {name}"));
        }
        out.comment(
            "Only websockets are upgraded: within a tunnel nobody asks the outpost any more.",
        );
        let websocket = "{ req.hdr(upgrade) -i -m str websocket }";
        out.put(format!("http-request del-header Upgrade unless {websocket}"));
        out.put(format!("http-request set-header Upgrade websocket if {websocket}"));
        out.put("http-request set-header X-Forwarded-For %[src]");
        out.put("http-request set-header X-Real-IP %[src]");
        for (index, front) in &listener.fronts {
            out.gap();
            host(out, front, *index);
        }
        out.gap();
        out.comment("Nothing else is served here.");
        out.put("http-request return status 404 unless { var(txn.outpost_to) -m found }");
        if listener.fronts.iter().flat_map(|(_, front)| &front.parts).any(|p| p.role == Role::Ask) {
            out.put("http-response lua.outpost_cookies");
        }
        out.put("use_backend %[var(txn.outpost_to)]");
    });
}

/// The host that the client named, without its port.
const HOST: &str = "req.hdr(host),field(1,:),lower";

fn host(out: &mut Lines, front: &Front<'_>, index: usize) {
    if front.is_example {
        out.comment("An example: name the hosts of your applications below the domain.");
    }
    for name in &front.names {
        match name.strip_prefix('*') {
            Some(below) => out.put(format!("acl host_{index} {HOST} -m end {below}")),
            None => out.put(format!("acl host_{index} {HOST} -m str {name}")),
        }
    }
    // The first host that fits is it.
    let unset = "!{ var(txn.outpost_host) -m found }";
    out.put(format!("http-request set-var(txn.outpost_host) str({index}) if host_{index} {unset}"));
    let here = format!("here_{index}");
    out.put(format!("acl {here} var(txn.outpost_host) -m str {index}"));
    let authority = match front.only_name() {
        Some(name) => format!("{name}{}", front.port_suffix()),
        None => format!("%[{HOST}]{}", front.port_suffix()),
    };
    for (name, value) in [
        ("Host", authority.as_str()),
        ("X-Forwarded-Host", authority.as_str()),
        ("X-Forwarded-Proto", front.scheme.as_str()),
        ("X-Forwarded-Port", &front.port.to_string()),
    ] {
        out.put(format!("http-request set-header {name} {value} if {here}"));
    }
    let own: Vec<String> = front.own_prefixes().iter().map(|prefix| format!("{prefix}/")).collect();
    out.comment("The outpost's own paths: sign-in, sign-out, and what core tells it.");
    let undecided = "!{ var(txn.outpost_to) -m found }";
    let own = own.join(" ");
    out.put(format!(
        "http-request set-var(txn.outpost_to) str(outpost) if {here} {{ path_beg {own} }}"
    ));
    for part in front.parts.iter().filter(|part| part.role != Role::SignIn) {
        let at = format!("{here} {undecided}");
        let at = match part.base {
            "" => at,
            base => {
                let acl = format!("path_{index}_{}", part.id);
                out.put(format!("acl {acl} path -m str {base}"));
                out.put(format!("acl {acl} path_beg {base}/"));
                format!("{at} {acl}")
            }
        };
        if part.role == Role::Pass {
            out.comment("The outpost forwards by itself.");
            out.put(format!("http-request set-var(txn.outpost_to) str(outpost) if {at}"));
            continue;
        }
        out.comment("The check; it marks what it lets through.");
        out.put(format!("http-request lua.outpost_check {} if {at}", part.id));
        let marked = "{ var(txn.outpost_let_through) -m str yes }";
        out.put(format!("http-request deny deny_status 503 if {at} !{marked}"));
        out.put(format!("http-request set-var(txn.outpost_to) str(application) if {at}"));
    }
}

fn backend(out: &mut Lines, name: &str, at: &Address, is_example: bool) {
    if is_example {
        out.comment("An example: where your application is.");
    }
    section(out, &format!("backend {name}"), |out| {
        out.put("http-reuse safe");
        let tls = match at.tls {
            true => format!(" ssl verify required ca-file @system-ca sni str({})", at.host),
            false => String::new(),
        };
        out.put(format!("server {name} {}{tls}", at.authority()));
    });
}
