//! Requests that are really sent, and the same ones only asked about.

use std::net::SocketAddr;

use outpost_tests::program::run;
use outpost_tests::{Browser, World};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// `outpost explain <arguments>` against the world's outpost.
pub(crate) fn explain(world: &World, arguments: &[&str]) -> Said {
    let listen = world.outpost.addresses.dashboard[0].to_string();
    let (host, token) = (world.core.url(), world.core.token());
    let variables = [
        ("AUTHENTIK_HOST", host.as_str()),
        ("AUTHENTIK_TOKEN", &token),
        ("OUTPOST__DASHBOARD__LISTEN", &listen),
    ];
    let output = run(&[&["explain"], arguments].concat(), &variables);
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An outpost with a provider of each mode.
pub(crate) async fn world() -> World {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single(), world.forward_domain()]).await;
    world
}

/// Sends a request as it is explained, line by line, and gives the id of its decision. `cookie`
/// is that of somebody who is signed in.
async fn send(address: SocketAddr, lines: &[String], cookie: Option<&str>) -> String {
    let mut head = lines.join("\r\n");
    if let Some(cookie) = cookie {
        head.push_str("\r\nCookie: ");
        head.push_str(cookie);
    }
    head.push_str("\r\nConnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let is_whole = |answer: &[u8]| answer.windows(4).any(|end| end == b"\r\n\r\n");
    while !is_whole(&answer) && stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {}
    let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let id = text.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap_or_default();
    assert!(!id.is_empty(), "{head}\n{text}");
    id.to_owned()
}

/// Host and path, method, headers, who is signed in, by way of whom.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str], bool, &'static str);

const HTML: &str = "Accept: text/html";
const PROXIES: [&str; 4] = ["nginx", "traefik", "caddy", "envoy"];

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = vec![
        ("app.test", "/private", "GET", &[HTML], false, "direct"),
        ("app.test", "/private", "GET", &[HTML], true, "direct"),
        ("app.test", "/public/logo.png", "GET", &[], false, "direct"),
        ("app.test", "/public/%2e%2e/private", "GET", &[], false, "direct"),
        ("app.test", "/private", "GET", &["Accept: application/json"], false, "direct"),
        ("app.test", "/private", "POST", &["Content-Length: 0"], false, "direct"),
        ("app.test", "/outpost.goauthentik.io/start?rd=/x", "GET", &[], false, "direct"),
        ("app.test", "/outpost.goauthentik.io/nothing", "GET", &[], false, "direct"),
        ("app.test", "/x", "GET", &["X-Forwarded-Proto: gopher"], false, "direct"),
        ("app.test", "/x", "GET", &["X-Forwarded-Host: other.test"], false, "direct"),
        ("app.test", "/x", "GET", &["Forwarded: for=192.0.2.7"], false, "direct"),
        ("nobody.test", "/", "GET", &[], false, "direct"),
        ("single.test", "/private", "GET", &[HTML], false, "direct"),
    ];
    for via in PROXIES {
        cases.extend([
            ("single.test", "/private?a=b", "GET", &[HTML][..], false, via),
            ("single.test", "/private", "GET", &[HTML], true, via),
            ("single.test", "/public/logo.png", "GET", &[], false, via),
            ("single.test", "/private", "POST", &["Accept: application/json"], false, via),
            ("single.test", "/outpost.goauthentik.io/start", "GET", &[], false, via),
            ("wiki.domain.test", "/page", "GET", &[HTML], false, via),
            ("wiki.domain.test", "/public/x?y=z", "GET", &[], false, via),
            ("nobody.test", "/", "GET", &[], false, via),
            ("app.test", "/", "GET", &[], false, via),
        ]);
    }
    cases.push(("single.test", "/x", "GET", &["X-Forwarded-Uri: /a b"], false, "traefik"));
    cases.push(("single.test", "/x", "GET", &["X-Original-URL: single.test/x"], false, "nginx"));
    cases.push(("single.test", "/x", "GET", &["X-Forwarded-Proto: ftp"], false, "caddy"));
    cases
}

/// Who said what, by name.
fn seen(page: &Value) -> Vec<Value> {
    let mut seen = page["reasoning"]["headers"].as_array().unwrap().clone();
    seen.sort_by_key(|header| header["name"].as_str().unwrap().to_owned());
    seen
}

#[actix_rt::test]
async fn what_is_explained_is_what_is_decided() {
    let world = world().await;
    let browser = Browser::new();
    for host in ["app.test", "single.test"] {
        browser.sign_in(&world.url(host, "/outpost.goauthentik.io/start"), "alice").await;
    }
    for case in cases() {
        let (host, path, method, headers, signed_in, via) = case;
        let url = world.url(host, path);
        let mut arguments = vec![url.as_str(), "--method", method, "--via", via, "--json"];
        for header in headers {
            arguments.extend(["--header", header]);
        }
        if signed_in {
            arguments.extend(["--user", "alice"]);
        }
        let said = explain(&world, &arguments);
        let page: Value = serde_json::from_str(&said.out)
            .unwrap_or_else(|error| panic!("{case:?}: {error}: {}{}", said.out, said.err));
        let explained = &page["explained"];
        let lines = explained["request"].as_array().unwrap();
        let lines: Vec<String> =
            lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect();
        let cookie = signed_in.then(|| browser.cookie_header(&url.parse().unwrap()).unwrap());

        let id = send(world.http(), &lines, cookie.as_deref()).await;
        let decided = world.decision(&id).await;

        for part in ["action", "outcome", "reason", "provider", "explanation", "remedy", "steps"] {
            let (asked, sent) = (&explained["reasoning"][part], &decided["reasoning"][part]);
            assert_eq!(asked, sent, "{case:?}: {part}\n{lines:#?}");
        }
        let near = |page: &Value| page["reasoning"]["near"].clone();
        assert_eq!(near(explained), near(&decided), "{case:?}");
        // In which order headers of different names come means nothing, and is not kept.
        assert_eq!(seen(explained), seen(&decided), "{case:?}");
    }
}
