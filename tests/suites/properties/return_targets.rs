//! A return target never leads off the origins that a provider serves, by what a browser makes of it.

use outpost_tests::{Browser, World};
use proptest::prelude::*;
use url::Url;

use super::{for_all, kept, one_of};

/// What nasty return targets are made of.
const PIECES: &[&str] = &[
    "http://",
    "https://",
    "HTTPS:",
    "//",
    "/",
    "\\",
    "/\\",
    "\t",
    "\n",
    "%09",
    "%0a",
    "%5c",
    "%2f",
    "%2F%2F",
    "%00",
    "@",
    ":",
    ":80",
    ":443",
    "?",
    "#",
    "&",
    ".",
    "..",
    "/../",
    "%2e%2e",
    "app.test",
    "single.test",
    "auth.domain.test",
    "wiki.domain.test",
    "domain.test",
    "evil.test",
    "evildomain.test",
    "domain.test.evil.test",
    "user:pass@",
    "[::1]",
    "127.0.0.1",
    "0x7f.1",
    "xn--a",
    "。",
    "javascript:",
    "data:",
    "page",
    "X-authentik-logout=true",
    "outpost.goauthentik.io/sign_out",
    "rd=",
    " ",
    "é",
];

fn target() -> impl Strategy<Value = String> {
    let pieces = || proptest::collection::vec(one_of(PIECES), 1..8).prop_map(|all| all.concat());
    let own = one_of(&["http://app.test", "http://single.test", "http://wiki.domain.test", "/"]);
    let near = (own, pieces()).prop_map(|(own, rest)| own + &rest);
    prop_oneof![2 => pieces(), 2 => near, 1 => "\\PC{0,30}"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_return_target_leads_a_browser_elsewhere() {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single(), world.forward_domain()]).await;
    let port = world.port();
    let hosts = ["app.test", "single.test", "auth.domain.test", "wiki.domain.test"];
    let cases = (target(), 0..hosts.len(), any::<bool>());
    for_all(kept!("return_targets"), 120, cases, async |(target, host, escaped)| {
        let host = hosts[host];
        let rd = match escaped {
            true => url::form_urlencoded::byte_serialize(target.as_bytes()).collect(),
            // As far as it can stand in a request line.
            false => target.replace(|c: char| !c.is_ascii_graphic(), ""),
        };
        let browser = Browser::new();
        let start = world.url(host, &format!("/outpost.goauthentik.io/start?rd={rd}"));
        let begun = browser.get(&start).await;
        // What is no target at all is refused or replaced; what is begun is finished.
        let Some(authorize) = begun.redirect() else { return Ok(()) };
        let Ok(callback) = world.core.sign_in(&authorize, "bob") else {
            return Err(format!("{start} leads to {authorize}"));
        };
        let done = browser.get(&callback).await;
        let location = done.header("location").to_owned();
        let there = Url::parse(&callback).unwrap().join(&location);
        let there = there.map_err(|error| format!("{location:?}: {error}"))?;
        let own = Url::parse(&world.url(host, "/")).unwrap();
        let is_within = |domain: &str| {
            let host = there.host_str().unwrap_or_default();
            host == domain || host.ends_with(&format!(".{domain}"))
        };
        let permitted = match host.strip_suffix("domain.test") {
            Some(_) => is_within("domain.test") && matches!(there.scheme(), "http" | "https"),
            None => there.origin() == own.origin(),
        };
        let is_bare = there.username().is_empty() && there.password().is_none();
        let is_ours = there.path().starts_with("/outpost.goauthentik.io/")
            && !there.path().starts_with("/outpost.goauthentik.io/static");
        if done.status == 302 && permitted && is_bare && !is_ours && !location.is_empty() {
            return Ok(());
        }
        Err(format!("{target:?} at {host}:{port} leads to {location:?}: {done:?}"))
    })
    .await;
}
