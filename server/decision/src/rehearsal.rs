//! A request that was never sent, as the outpost would get it: directly, or as a check of a
//! reverse proxy that is configured as we document it.
//!
//! What somebody says of the request in headers of their own wins over what the reverse proxy
//! would set, so that other configurations can be tried, too.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use thiserror::Error;

use crate::OUTPOST_PREFIX;
use crate::dialect::{Dialect, is_token};
use crate::facts::{Headers, Peer};
use crate::gather::Received;
use crate::target::{Authority, Scheme};

/// Longest URL, in bytes.
const URL_BYTES: usize = 16 * 1024;

/// Most headers.
const MOST_HEADERS: usize = 100;

/// Host of a check that a reverse proxy sends to the outpost under the outpost's own name.
const OWN_HOST: &str = "outpost:9000";

/// What browsers encode in a path or query, and people paste as it is shown.
const AS_BROWSERS: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');

/// A question about a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// The URL as a browser would show it.
    pub url: &'a str,
    /// The method; empty: GET.
    pub method: &'a str,
    /// Headers, one `Name: value` a line.
    pub headers: &'a str,
    /// Address of whoever connects to the outpost; empty: 127.0.0.1.
    pub peer: &'a str,
    /// Which reverse proxy asks; `None`: the request comes by itself.
    pub via: Option<Dialect>,
}

/// What is wrong with a question, and what to do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Mistake {
    /// No scheme.
    #[error("The URL has to begin with https:// or http://, as the browser shows it.")]
    Scheme,
    /// No host.
    #[error("The URL names no host that could be read: write https://host/path.")]
    Host,
    /// A user or password in the URL.
    #[error("The URL holds a user name or password; leave them out, browsers do not send them.")]
    UserInfo,
    /// No path that could stand in a request.
    #[error("The path holds a blank, a line break or a backslash; write it as the browser does.")]
    Path,
    /// Too long.
    #[error("The URL is longer than {URL_BYTES} bytes.")]
    Long,
    /// No method.
    #[error("{0:?} is no method; GET and POST are.")]
    Method(String),
    /// No header.
    #[error("Line {0} of the headers is not of the form `Name: value`.")]
    Header(usize),
    /// Too many headers.
    #[error("There are more than {MOST_HEADERS} headers.")]
    ManyHeaders,
    /// No address.
    #[error("{0:?} is no address; 192.0.2.7 and 2001:db8::7 are.")]
    Peer(String),
}

/// The request as the outpost would get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query.
    pub query: Option<String>,
    /// Its headers.
    pub headers: Fields,
    /// Who sends it.
    pub peer: Peer,
}

/// Headers that own their texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Cow<'static, str>, String)>);

impl Headers for Fields {
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|(name, value)| (name, value.as_bytes()))
    }
}

impl Fields {
    /// Name and value of each, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    /// Adds a header that a reverse proxy sets, unless somebody has said what it is.
    fn set(&mut self, name: &'static str, value: String) {
        if !self.has(name) {
            self.0.push((Cow::Borrowed(name), value));
        }
    }
}

impl Rehearsal {
    /// The request that a question is about.
    ///
    /// # Errors
    /// See [`Mistake`].
    pub fn of(question: &Question<'_>) -> Result<Self, Mistake> {
        let Url { scheme, authority, path, query } = read_url(question.url.trim())?;
        let method = match question.method.trim() {
            "" => "GET",
            method if is_token(method) && method.len() <= 32 => method,
            other => return Err(Mistake::Method(other.chars().take(40).collect())),
        };
        let peer: IpAddr = match question.peer.trim() {
            "" => Ipv4Addr::LOCALHOST.into(),
            text => text.parse().map_err(|_| Mistake::Peer(text.chars().take(60).collect()))?,
        };
        let given = read_headers(question.headers)?;
        let uri = match &query {
            Some(query) => format!("{path}?{query}"),
            None => path.clone(),
        };
        let asked = Asked { scheme, authority: authority.as_str(), uri: &uri, method };
        let (method, path, query, headers) = match question.via {
            None => {
                let mut headers = given;
                headers.set("Host", authority.clone());
                (method.to_owned(), path, query, headers)
            }
            Some(Dialect::Envoy) => {
                let path = format!("{OUTPOST_PREFIX}/auth/envoy{path}");
                (method.to_owned(), path, query, by_envoy(&asked, given))
            }
            Some(dialect) => {
                let path = format!("{OUTPOST_PREFIX}/auth/{}", dialect.as_str());
                ("GET".to_owned(), path, None, by_proxy(dialect, &asked, given))
            }
        };
        // A proxy speaks plain HTTP to the outpost, as the documented ones do.
        let tls = question.via.is_none() && scheme == Scheme::Https;
        let peer = Peer { address: peer.to_canonical(), tls };
        Ok(Self { method, path, query, headers: headers.host_first(), peer })
    }

    /// The same, to be looked at.
    #[must_use]
    pub fn received(&self) -> Received<'_, Fields> {
        Received {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            authority: None,
            headers: &self.headers,
            peer: self.peer,
        }
    }

    /// Path and query as they stand in the request line.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

impl Fields {
    fn host_first(mut self) -> Self {
        self.0.sort_by_key(|(name, _)| !name.eq_ignore_ascii_case("host"));
        self
    }
}

/// The request that a reverse proxy asks about.
struct Asked<'a> {
    scheme: Scheme,
    authority: &'a str,
    uri: &'a str,
    method: &'a str,
}

/// A check by nginx, Traefik or Caddy: the client's headers, and those that tell the original URL.
fn by_proxy(dialect: Dialect, asked: &Asked<'_>, mut headers: Fields) -> Fields {
    let Asked { scheme, authority, uri, method } = asked;
    let host = authority.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    match dialect {
        Dialect::Nginx | Dialect::NginxAkprox => {
            // `$host` has no port.
            headers.set("Host", host.map_or(*authority, |(host, _)| host).to_owned());
            headers.set("X-Original-URL", format!("{}://{authority}{uri}", scheme.as_str()));
        }
        Dialect::Traefik | Dialect::Caddy | Dialect::Envoy => {
            let own = if dialect == Dialect::Caddy { authority } else { OWN_HOST };
            headers.set("Host", own.to_owned());
            headers.set("X-Forwarded-Method", (*method).to_owned());
            headers.set("X-Forwarded-Proto", scheme.as_str().to_owned());
            headers.set("X-Forwarded-Host", (*authority).to_owned());
            headers.set("X-Forwarded-Uri", (*uri).to_owned());
        }
    }
    headers
}

/// A check by Envoy: of the client's headers only those that it is told to send.
fn by_envoy(asked: &Asked<'_>, given: Fields) -> Fields {
    const SENT: [&str; 7] = [
        "authorization",
        "cookie",
        "accept",
        "user-agent",
        "x-requested-with",
        "upgrade",
        "origin",
    ];
    let is_sent = |name: &str| {
        let name = name.to_ascii_lowercase();
        SENT.contains(&name.as_str())
            || name == "host"
            || name.starts_with("sec-fetch-")
            // What the proxies before it said of the request, or what is being tried.
            || name.starts_with("x-forwarded-")
    };
    let mut headers = Fields(given.0.into_iter().filter(|(name, _)| is_sent(name)).collect());
    headers.set("Host", asked.authority.to_owned());
    headers
}

struct Url {
    scheme: Scheme,
    authority: String,
    path: String,
    query: Option<String>,
}

/// Takes a URL apart without changing it: what a parser would tidy up may be what is asked about.
fn read_url(text: &str) -> Result<Url, Mistake> {
    if text.len() > URL_BYTES {
        return Err(Mistake::Long);
    }
    let (scheme, rest) = text.split_once("://").ok_or(Mistake::Scheme)?;
    let scheme = Scheme::parse(scheme).ok_or(Mistake::Scheme)?;
    // Browsers keep the fragment to themselves.
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, uri) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(Mistake::UserInfo);
    }
    let authority = Authority::parse(authority).ok_or(Mistake::Host)?;
    let (path, query) = match uri.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (uri, None),
    };
    if uri.contains(char::is_control) || path.contains('\\') {
        return Err(Mistake::Path);
    }
    let encoded = |text: &str| utf8_percent_encode(text, AS_BROWSERS).to_string();
    let path = if path.is_empty() { "/".to_owned() } else { encoded(path) };
    // Browsers leave the default port out.
    let authority = authority.without_default_port(scheme).to_string();
    Ok(Url { scheme, authority, path, query: query.map(encoded) })
}

fn read_headers(text: &str) -> Result<Fields, Mistake> {
    let mut fields = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(Mistake::Header(number))?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || !is_token(name) || value.contains(char::is_control) {
            return Err(Mistake::Header(number));
        }
        fields.push((Cow::Owned(name.to_owned()), value.to_owned()));
    }
    if fields.len() > MOST_HEADERS { Err(Mistake::ManyHeaders) } else { Ok(Fields(fields)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rehearsal: &Rehearsal) -> Vec<String> {
        let first = format!("{} {}", rehearsal.method, rehearsal.path_and_query());
        let headers = rehearsal.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        std::iter::once(first).chain(headers).collect()
    }

    fn of(url: &'static str, via: Option<Dialect>) -> Question<'static> {
        Question { url, via, ..Question::default() }
    }

    #[test]
    fn each_proxy_asks_as_we_document_it() {
        let url = "https://app.test:8443/a/../b?c=d#e";
        for (via, expected) in [
            (None, vec!["POST /a/../b?c=d", "Host: app.test:8443", "Accept: */*", "Date: now"]),
            (
                Some(Dialect::Nginx),
                vec![
                    "GET /outpost.goauthentik.io/auth/nginx",
                    "Host: app.test",
                    "Accept: */*",
                    "Date: now",
                    "X-Original-URL: https://app.test:8443/a/../b?c=d",
                ],
            ),
            (
                Some(Dialect::Traefik),
                vec![
                    "GET /outpost.goauthentik.io/auth/traefik",
                    "Host: outpost:9000",
                    "Accept: */*",
                    "Date: now",
                    "X-Forwarded-Method: POST",
                    "X-Forwarded-Proto: https",
                    "X-Forwarded-Host: app.test:8443",
                    "X-Forwarded-Uri: /a/../b?c=d",
                ],
            ),
            (
                Some(Dialect::Caddy),
                vec![
                    "GET /outpost.goauthentik.io/auth/caddy",
                    "Host: app.test:8443",
                    "Accept: */*",
                    "Date: now",
                    "X-Forwarded-Method: POST",
                    "X-Forwarded-Proto: https",
                    "X-Forwarded-Host: app.test:8443",
                    "X-Forwarded-Uri: /a/../b?c=d",
                ],
            ),
            (
                Some(Dialect::Envoy),
                vec![
                    "POST /outpost.goauthentik.io/auth/envoy/a/../b?c=d",
                    "Host: app.test:8443",
                    "Accept: */*",
                ],
            ),
        ] {
            let headers = "Accept: */*\r\n\nDate:now";
            let question = Question { method: "POST", headers, ..of(url, via) };
            assert_eq!(lines(&Rehearsal::of(&question).unwrap()), expected, "{via:?}");
        }
    }

    #[test]
    fn headers_that_are_given_win() {
        let headers = "x-forwarded-proto: http\nhost: other";
        let question = Question { headers, ..of("https://app.test/", Some(Dialect::Traefik)) };
        let rehearsal = Rehearsal::of(&question).unwrap();
        assert_eq!(rehearsal.headers.text("X-Forwarded-Proto"), Some("http"));
        assert_eq!(rehearsal.headers.text("Host"), Some("other"));
    }

    #[test]
    fn urls_are_taken_as_browsers_send_them() {
        for (url, path, host, tls) in [
            ("https://app.test", "/", "app.test", true),
            ("http://app.test:80?a=b", "/?a=b", "app.test", false),
            ("HTTPS://App.Test:443/é x", "/%C3%A9%20x", "app.test", true),
            ("https://[::1]:9443/%2e%2e/;x", "/%2e%2e/;x", "[::1]:9443", true),
        ] {
            let rehearsal = Rehearsal::of(&of(url, None)).unwrap();
            assert_eq!(rehearsal.path_and_query(), path, "{url}");
            assert_eq!(rehearsal.headers.text("host"), Some(host), "{url}");
            assert_eq!(rehearsal.peer.tls, tls, "{url}");
        }
    }

    #[test]
    fn mistakes_say_what_to_do() {
        let url = "https://app.test/";
        let asked = Question { url, ..Question::default() };
        for (question, expected) in [
            (of("app.test", None), Mistake::Scheme),
            (of("ftp://app.test", None), Mistake::Scheme),
            (of("https:///x", None), Mistake::Host),
            (of("https://a b/x", None), Mistake::Host),
            (of("https://me:secret@app.test/", None), Mistake::UserInfo),
            (of("https://app.test/a\\b", None), Mistake::Path),
            (of("https://app.test/a\nb", None), Mistake::Path),
            (Question { method: "GET /", ..asked }, Mistake::Method("GET /".to_owned())),
            (Question { headers: "Accept: a\nnonsense", ..asked }, Mistake::Header(2)),
            (Question { headers: "a b: c", ..asked }, Mistake::Header(1)),
            (Question { peer: "10.0.0.0/8", ..asked }, Mistake::Peer("10.0.0.0/8".to_owned())),
        ] {
            assert_eq!(Rehearsal::of(&question), Err(expected), "{question:?}");
        }
        let long = format!("https://app.test/{}", "a".repeat(URL_BYTES));
        assert_eq!(Rehearsal::of(&Question { url: &long, ..asked }), Err(Mistake::Long));
        let many = "A: b\n".repeat(MOST_HEADERS + 1);
        let crowded = Question { headers: &many, ..asked };
        assert_eq!(Rehearsal::of(&crowded), Err(Mistake::ManyHeaders));
    }
}
