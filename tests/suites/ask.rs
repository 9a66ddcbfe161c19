//! Asking as a reverse proxy does, byte for byte: no client library tidies the request up.

use std::net::SocketAddr;

use outpost_tests::{Browser, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The four ways of asking.
pub(crate) const DIALECTS: [&str; 4] = ["nginx", "traefik", "caddy", "envoy"];

/// Names of the identity headers, as the application's operator knows them.
pub(crate) use outpost_decision::headers::IDENTITY_NAMES as IDENTITY;

/// What the outpost said to the proxy.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The status; zero where the connection ended without an answer.
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Verdict {
    /// Reads an answer; the first, where there are several.
    pub(crate) fn read(answer: &[u8]) -> Self {
        let text = String::from_utf8_lossy(answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or("0");
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self { status: status.parse().unwrap_or_default(), headers, body: body.to_owned() }
    }

    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The only value of a header, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() <= 1, "{name} is there {} times", values.len());
        values.first().copied()
    }

    /// Whether the set of identity headers is complete and says nobody.
    pub(crate) fn is_for_nobody(&self) -> bool {
        IDENTITY.iter().all(|name| self.header(name) == Some(""))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a request line, `Host` and header lines as they are.
pub(crate) async fn raw(address: SocketAddr, head: &[u8]) -> Verdict {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head).await.unwrap();
    stream.write_all(b"Connection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Not to the end: after a question about an upgrade the connection may stay open. A refusal
    // may come with a reset, once all of it has been said.
    while !is_whole(&answer) && stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {}
    Verdict::read(&answer)
}

/// Whether an answer has as many bytes as it says.
pub(crate) fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

/// What a proxy asks when its client sent this method and target: request line, `Host` and the
/// proxy's own header lines.
pub(crate) fn question(
    dialect: &str,
    scheme: &str,
    host: &str,
    (method, target): (&str, &str),
) -> String {
    let at = "/outpost.goauthentik.io/auth";
    match dialect {
        "nginx" => {
            let url = format!("{scheme}://{host}{target}");
            let mut text =
                format!("GET {at}/nginx HTTP/1.1\r\nHost: {host}\r\nX-Original-URL: {url}\r\n");
            // Without it, GET is meant.
            if method != "GET" {
                text += &format!("X-Original-Method: {method}\r\n");
            }
            text
        }
        "envoy" => format!("{method} {at}/envoy{target} HTTP/1.1\r\nHost: {host}\r\n"),
        other => format!(
            "GET {at}/{other} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: {scheme}\r\n\
             X-Forwarded-Host: {host}\r\nX-Forwarded-Uri: {target}\r\n\
             X-Forwarded-Method: {method}\r\n"
        ),
    }
}

/// What a proxy asks when its client asked for `url` (with scheme, host and path), with more
/// header lines. A value may hold any bytes.
pub(crate) fn head(dialect: &str, url: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let (scheme, rest) = url.split_once("://").expect("an absolute URL");
    let (host, target) = rest.split_at(rest.find('/').expect("a path"));
    let mut text = question(dialect, scheme, host, ("GET", target));
    for (name, value) in more {
        text += &format!("{name}: {value}\r\n");
    }
    text.into_bytes()
}

/// [`head`], sent to the world's outpost.
pub(crate) async fn ask(world: &World, dialect: &str, url: &str, more: &[(&str, &str)]) -> Verdict {
    raw(world.http(), &head(dialect, url, more)).await
}

/// A world with a provider in each forward mode.
pub(crate) async fn world() -> World {
    let world = World::start().await;
    world.serve([world.forward_single(), world.forward_domain()]).await;
    world
}

/// The `Cookie` header of somebody who has signed in at `host`.
pub(crate) async fn cookie(world: &World, host: &str, user: &str) -> String {
    let browser = Browser::new();
    signed_in(world, &browser, host, user).await
}

/// Signs a browser in at `host`; the answer is its `Cookie` header there.
pub(crate) async fn signed_in(world: &World, browser: &Browser, host: &str, user: &str) -> String {
    let start =
        format!("/outpost.goauthentik.io/start?rd=http%3A%2F%2F{host}%3A{}%2F", world.port());
    browser.sign_in(&world.url(host, &start), user).await;
    let url = world.url(host, "/").parse().unwrap();
    browser.cookie_header(&url).expect("a session cookie")
}
