//! No request comes to an application, and no check is answered with 200, but by a decision that says
//! so: the journal's entry of the very request is the witness.

use std::sync::atomic::{AtomicUsize, Ordering};

use outpost_demo::core::ProviderSpec;
use outpost_tests::{Capture, World};
use proptest::prelude::*;

use super::{for_all, kept, one_of};
use crate::ask::{self, DIALECTS};
use crate::proxy_mode::support::{browser_of, cookies, raw};

/// What requests are made of beside their path.
#[derive(Clone, Debug)]
struct Request {
    method: String,
    path: String,
    headers: Vec<String>,
    cookie: u8,
    /// Which dialect asks; past the last one, nobody does.
    way: usize,
}

const PATHS: &[&str] = &[
    "/",
    "/public/",
    "public/",
    "private",
    "/../",
    "/./",
    "//",
    "%2e%2e",
    "%2f",
    "%5c",
    ";x",
    "%3f",
    "%23",
    "%00",
    "?",
    "?x=1",
    "?X-authentik-auth-callback=true",
    "&X-authentik-logout=true",
    "?code=a&state=b",
    "/outpost.goauthentik.io",
    "/start",
    "/callback",
    "/sign_out",
    "/ping",
    "/auth/nginx",
    "/auth/envoy",
    "/static/",
    "/backchannel_logout",
    "akprox",
];

const HEADERS: &[&str] = &[
    "Accept: text/html",
    "Accept: application/json",
    "X-Requested-With: XMLHttpRequest",
    "Sec-Fetch-Mode: cors",
    "Upgrade: h2c",
    "X-Forwarded-Host: single.test",
    "X-Forwarded-Host: app.test",
    "X-Forwarded-Uri: /public/",
    "X-Forwarded-Proto: https",
    "X-Original-URL: http://single.test/public/",
    "X-Original-URI: /public/",
    "X-Original-URI: /outpost.goauthentik.io/",
    "Authorization: Bearer x.y.z",
    "Authorization: Basic Ym9iOmJvYg==",
    "User-Agent: kube-probe/1.30",
    "Origin: https://evil.test",
    "X-authentik-username: alice",
    "Forwarded: for=127.0.0.1;host=single.test",
    "Content-Length: 0",
    "Access-Control-Request-Method: GET",
    "X-HTTP-Method-Override: GET",
    "X-Forwarded-Method: OPTIONS",
];

fn request() -> impl Strategy<Value = Request> {
    let path = proptest::collection::vec(one_of(PATHS), 0..4).prop_map(|all| {
        let path = all.concat();
        if path.starts_with('/') { path } else { format!("/{path}") }
    });
    let method = one_of(&["GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "DELETE", "PURGE"]);
    let headers = proptest::collection::vec(one_of(HEADERS), 0..4);
    (method, path, headers, 0..4_u8, 0..DIALECTS.len() + 2).prop_map(
        |(method, path, headers, cookie, way)| Request { method, path, headers, cookie, way },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_let_through_without_a_decision_that_lets_it_through() {
    let world = World::start().await;
    let capture = Capture::start().await;
    let proxy = ProviderSpec { internal_host: capture.url(), ..world.proxy() };
    world.serve([proxy, world.forward_single(), world.forward_domain()]).await;
    let browser = browser_of(&world, "bob").await;
    let own = cookies(&world, &browser);
    let single = ask::cookie(&world, "single.test", "bob").await;
    capture.take();
    let (passed, held) = (AtomicUsize::new(0), AtomicUsize::new(0));

    for_all(kept!("decisions"), 250, request(), async |request| {
        let Request { method, path, headers, cookie, way } = &request;
        let port = world.port();
        let mut lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        match cookie {
            0 => lines += &format!("Cookie: {own}\r\n"),
            1 => lines += &format!("Cookie: {single}\r\n"),
            2 => lines += &format!("Cookie: {}\r\n", own.to_uppercase()),
            _ => {}
        }
        let is_check = DIALECTS.get(*way);
        let (head, host) = match is_check {
            Some(dialect) => {
                let url = format!("http://single.test:{port}{path}");
                let head = ask::head(dialect, &url, &[]);
                (String::from_utf8(head).unwrap(), "single.test")
            }
            None => (format!("{method} {path} HTTP/1.1\r\nHost: app.test:{port}\r\n"), "app.test"),
        };
        let text = format!("{head}{lines}Connection: close\r\n\r\n");
        let answer = raw(world.http(), text.as_bytes()).await;
        let reached = capture.take();
        let status = answer.split(' ').nth(1).unwrap_or("0").to_owned();
        let is_yes = is_check.is_some() && status.starts_with('2');
        if reached.is_empty() && !is_yes {
            held.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        passed.fetch_add(1, Ordering::Relaxed);
        let wrong = |what: &str| Err(format!("{what}: {text}\n{answer}\nreached {reached:?}"));
        if reached.len() > 1 {
            return wrong("one request became several");
        }
        let id = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("x-request-id").then(|| value.trim().to_owned())
        });
        let Some(id) = id else { return wrong("an answer without an id") };
        let decision = world.decision(&id).await;
        let action = decision["row"]["action"].as_str().unwrap_or_default().to_owned();
        let text_of = decision.to_string();
        let is_own_path = is_check.is_some() && action == "pass_own_path";
        if !(["allow", "skip"].contains(&action.as_str()) || is_own_path) {
            return wrong(&format!("let through by {text_of} at {host}"));
        }
        // Nobody is allowed without a session of this very application, or by a skip rule without
        // the path that it names.
        let has_session = matches!((host, cookie), ("app.test", 0) | ("single.test", 1));
        let readings =
            outpost_fuzz::naive::path::readings(path.split('?').next().unwrap().as_bytes());
        let is_public =
            readings.len() == 1 && readings.iter().all(|path| path.starts_with(b"/public/"));
        let user = decision["row"]["user"].as_str();
        match action.as_str() {
            "allow" if user != Some("bob") => wrong(&format!("nobody's: {text_of}")),
            "allow" if !has_session => wrong(&format!("allowed by {text_of}")),
            "skip" if !is_public => wrong(&format!("public by {text_of}")),
            _ => Ok(()),
        }
    })
    .await;
    let (passed, held) = (passed.into_inner(), held.into_inner());
    println!("{passed} requests were let through, {held} were not");
    assert!(passed > 20 && held > 20);
}
