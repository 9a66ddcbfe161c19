//! Facts of one request, gathered before anything is decided.

use std::net::IpAddr;

use serde::Serialize;

use crate::dialect::Dialect;

mod found;

pub(crate) use found::{Found, Known};

/// Read access to request headers, whatever library holds them. Names are compared without case.
pub trait Headers {
    /// Name and value of each; those of one name in the order received.
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])>;

    /// The `index`-th value of `name`, in the order received.
    fn nth(&self, name: &str, index: usize) -> Option<&[u8]> {
        let mut named = self.each().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.nth(index).map(|(_, value)| value)
    }

    /// The only value of `name`, as text.
    fn single(&self, name: &str) -> Single<'_> {
        match self.nth(name, 0) {
            None => Single::Missing,
            Some(_) if self.nth(name, 1).is_some() => Single::Repeated,
            Some(value) => Single::only(value),
        }
    }

    /// The only value of `name`, or `None` when it is missing, repeated or not text.
    fn text(&self, name: &str) -> Option<&str> {
        self.single(name).text()
    }
}

/// What [`Headers::single`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single<'a> {
    /// No such header.
    Missing,
    /// Exactly one, readable.
    One(&'a str),
    /// More than one.
    Repeated,
    /// Not UTF-8, or with control characters.
    NotText,
}

impl<'a> Single<'a> {
    /// The value of a header that there is one of.
    fn only(value: &'a [u8]) -> Self {
        // Nearly every one is this plain. All bytes are looked at, many at a time: not one by one until
        // there is one that is not.
        let is_plain = value.iter().fold(true, |all, byte| all & (b' '..=b'~').contains(byte));
        match std::str::from_utf8(value) {
            Ok(text) if is_plain || !text.chars().any(char::is_control) => Self::One(text),
            _ => Self::NotText,
        }
    }

    /// What is readable.
    fn text(self) -> Option<&'a str> {
        match self {
            Self::One(text) => Some(text),
            Self::Missing | Self::Repeated | Self::NotText => None,
        }
    }
}

/// A list of pairs is a set of headers: for tests, `explain`, and tools.
impl Headers for [(&str, &str)] {
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|(name, value)| (*name, value.as_bytes()))
    }
}

/// What kind of client asks: one that can follow a redirect to a sign-in page, or a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// A page navigation.
    Navigation,
    /// `X-Requested-With: XMLHttpRequest`.
    XmlHttpRequest,
    /// `Sec-Fetch-Mode` other than `navigate`.
    Fetch,
    /// `Accept` wants JSON, an event stream, an image or another part of a page, and no HTML.
    WantsData,
    /// A CORS preflight.
    Preflight,
    /// A method other than GET and HEAD.
    UnsafeMethod,
    /// A form that may be kept over a sign-in ([`crate::form::keepable`]).
    Form,
    /// A websocket handshake.
    Websocket,
}

impl ClientKind {
    /// Whether a redirect to a sign-in page makes sense.
    #[must_use]
    pub const fn is_navigation(self) -> bool {
        matches!(self, Self::Navigation)
    }

    /// Works out the kind from the method and headers of the **original** request. Behind a
    /// forward-auth proxy `method` is what the proxy reports of it.
    #[must_use]
    pub fn of(method: &str, headers: &(impl Headers + ?Sized)) -> Self {
        Self::told(method, &Found::among(headers))
    }

    /// The same by headers that are found already.
    pub(crate) fn told(method: &str, headers: &Found<'_, impl Headers + ?Sized>) -> Self {
        let is = |known, word: &str| {
            headers.text(known).is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        if method.eq_ignore_ascii_case("OPTIONS") && headers.has(Known::PreflightMethod) {
            return Self::Preflight;
        }
        // Traefik asks without `Upgrade`, and passes the handshake's other headers on.
        if is(Known::Upgrade, "websocket") || headers.has(Known::SecWebsocketKey) {
            return Self::Websocket;
        }
        if !(method.eq_ignore_ascii_case("GET") || method.eq_ignore_ascii_case("HEAD")) {
            return Self::UnsafeMethod;
        }
        if is(Known::XRequestedWith, "XMLHttpRequest") {
            return Self::XmlHttpRequest;
        }
        let mode = headers.text(Known::SecFetchMode);
        if mode.is_some_and(|mode| !mode.eq_ignore_ascii_case("navigate")) {
            return Self::Fetch;
        }
        if headers.text(Known::Accept).is_some_and(wants_data) {
            return Self::WantsData;
        }
        Self::Navigation
    }
}

/// What scripts ask for.
const DATA: [&str; 3] = ["text/event-stream", "application/json", "text/css"];

/// What a page loads by itself. Browsers send no `Sec-Fetch-Mode` over plain HTTP; a favicon is
/// told by its `Accept` alone.
const PAGE_PARTS: [&str; 4] = ["image/", "audio/", "video/", "font/"];

fn wants_data(accept: &str) -> bool {
    // Browsers that navigate begin so.
    if accept.starts_with("text/html,") {
        return false;
    }
    let mut data = false;
    for part in accept.split(',') {
        let kind = part.split(';').next().unwrap_or_default().trim();
        let is = |known: &&str| kind.eq_ignore_ascii_case(known);
        if ["text/html", "application/xhtml+xml"].iter().any(is) {
            return false;
        }
        let begins = |part: &&str| {
            kind.get(..part.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(part))
        };
        let end = kind.len().checked_sub("+json".len()).and_then(|at| kind.get(at..));
        data |= DATA.iter().any(is)
            || PAGE_PARTS.iter().any(begins)
            || end.is_some_and(|end| end.eq_ignore_ascii_case("+json"));
    }
    data
}

/// Which of our own jobs a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `/outpost.goauthentik.io/ping`.
    Ping,
    /// `/outpost.goauthentik.io/static/`.
    Static,
    /// `/outpost.goauthentik.io/start`.
    Start,
    /// `/outpost.goauthentik.io/callback`, or any path with the callback query.
    Callback,
    /// `/outpost.goauthentik.io/sign_out`, or any path with the logout query.
    SignOut,
    /// `/outpost.goauthentik.io/backchannel_logout`: core tells of ended sessions.
    BackchannelLogout,
    /// `/outpost.goauthentik.io/auth/<dialect>`.
    Auth(Dialect),
    /// Anything else under the prefix: not found.
    Unknown,
    /// The application itself.
    Application,
}

/// The connection a request came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Peer {
    /// Address of the other end, IPv4-mapped addresses as IPv4.
    pub address: IpAddr,
    /// Whether the connection to us is TLS.
    pub tls: bool,
}
