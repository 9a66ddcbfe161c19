//! Who may use the operators' pages and API.
//!
//! With a token: whoever brings it, from anywhere and under any name. Without one: programs on
//! this machine, and nobody who merely makes one of them ask. A browser on this machine is such a
//! program; three checks keep web pages from using it: the `Host` must be loopback (against names
//! that are made to resolve to this machine, DNS rebinding), the request must not come from
//! another site (`Origin`, `Sec-Fetch-Site`), and what changes something must be JSON, which no
//! page may send across sites without asking first (CORS preflight). A reverse proxy on this
//! machine is another; requests that it marks as forwarded are refused. Forwarding headers are
//! never believed.

use std::fmt;
use std::net::IpAddr;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use outpost_dashboard::model::{Role, Viewer};
use outpost_decision::crypto::{base64url, constant_time_eq, derive, sha256};
use outpost_decision::target::Authority;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::ops::host::{is_loopback_address, only_host};
use crate::randomness;

/// Marks of a proxy in between.
const FORWARDED: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Decides who may ask.
pub struct Access {
    /// Hash of the token, so that a comparison tells nothing of its length either.
    token: Option<[u8; 32]>,
    /// Of this process alone: forms of browsers without a session are bound to it.
    local_secret: Option<[u8; 32]>,
}

/// Somebody who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// How they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Goes with every form of theirs.
    csrf: String,
}

impl Operator {
    /// As pages see them.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        Viewer {
            name: self.name.clone(),
            role: self.role,
            csrf: self.csrf.clone(),
            signed_in: false,
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.token.is_some() { "Access(token)" } else { "Access(local)" })
    }
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No token, or another one.
    #[error("the Authorization header does not carry the token of admin.token")]
    Token,
    /// It comes from elsewhere.
    #[error("without a token, only requests from this machine are answered")]
    Peer,
    /// A proxy has passed it on.
    #[error("without a token, no request that was passed on by a proxy is answered")]
    Forwarded,
    /// It asks for a name that is not this machine's own.
    #[error("without a token, the Host must be localhost, 127.0.0.1 or [::1]")]
    Host,
    /// A page of another site makes a browser send it.
    #[error("without a token, no request of a web page of another site is answered")]
    Site,
    /// It could come from a form.
    #[error("without a token, the Content-Type must be application/json")]
    ContentType,
}

impl Refusal {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Token => {
                "Send `Authorization: Bearer <token>`; the commands take it from \
                admin.token (OUTPOST__ADMIN__TOKEN)."
            }
            _ => {
                "Ask on the outpost's own machine, or set admin.token (OUTPOST__ADMIN__TOKEN) and \
                send it as `Authorization: Bearer <token>`."
            }
        }
    }
}

impl Access {
    /// Asks for `token`, or for requests of this machine where there is none.
    #[must_use]
    pub fn new(token: Option<&SecretString>) -> Self {
        Self {
            token: token.map(|token| sha256(token.expose_secret().as_bytes())),
            // Without it no form is taken.
            local_secret: randomness::bytes().ok(),
        }
    }

    /// Decides on a request for a page. A link on another site may lead to one: nothing can be read
    /// across sites, and following it changes nothing.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn page(
        &self,
        peer: Option<IpAddr>,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Operator, Refusal> {
        let host = nearby(peer, headers)?;
        let reads = *method == Method::GET || *method == Method::HEAD;
        if !(reads && is_navigation(headers) || same_site(headers, &host)) {
            return Err(Refusal::Site);
        }
        let csrf = self.local_secret.map(|secret| base64url(&derive(&secret, "csrf")));
        Ok(Operator {
            name: "this machine".to_owned(),
            role: Role::Act,
            csrf: csrf.unwrap_or_default(),
        })
    }

    /// Decides on a request from `peer`.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn check(
        &self,
        peer: Option<IpAddr>,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return local(peer, method, headers) };
        let given = bearer(headers).ok_or(Refusal::Token)?;
        constant_time_eq(&sha256(given.as_bytes()), token).then_some(()).ok_or(Refusal::Token)
    }
}

fn local(peer: Option<IpAddr>, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let host = nearby(peer, headers)?;
    if !same_site(headers, &host) {
        return Err(Refusal::Site);
    }
    if *method != Method::GET && *method != Method::HEAD && !is_json(headers) {
        return Err(Refusal::ContentType);
    }
    Ok(())
}

/// The `Host` of a request that a program on this machine sends by itself.
fn nearby(peer: Option<IpAddr>, headers: &HeaderMap) -> Result<Authority, Refusal> {
    if !peer.is_some_and(|peer| peer.to_canonical().is_loopback()) {
        return Err(Refusal::Peer);
    }
    if FORWARDED.iter().any(|name| headers.contains_key(*name)) {
        return Err(Refusal::Forwarded);
    }
    let host = only_host(headers).ok_or(Refusal::Host)?;
    if host.host != "localhost" && !is_loopback_address(&host.host) {
        return Err(Refusal::Host);
    }
    Ok(host)
}

/// Whether a browser goes to the page itself, in a window: no page of another site sees it then.
fn is_navigation(headers: &HeaderMap) -> bool {
    let only = |name: &str, value: &str| {
        let mut all = headers.get_all(name);
        matches!((all.next(), all.next()), (Some(only), None) if only == value)
    };
    !headers.contains_key(header::ORIGIN)
        && only("sec-fetch-mode", "navigate")
        && only("sec-fetch-dest", "document")
}

/// The one `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION);
    let (Some(given), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = given.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether no browser says that the request is another site's. Other ports of this machine are
/// other sites: anybody may serve pages there.
fn same_site(headers: &HeaderMap, host: &Authority) -> bool {
    let own = |origin: &str| {
        let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        rest.and_then(Authority::parse).as_ref() == Some(host)
    };
    headers.get_all(header::ORIGIN).all(|origin| origin.to_str().is_ok_and(own))
        && headers.get_all("sec-fetch-site").all(|site| site == "same-origin" || site == "none")
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE);
    let (Some(named), None) = (types.next(), types.next()) else { return false };
    let essence = named.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests;
