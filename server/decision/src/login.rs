//! Signing in with the authorization code flow (contract 8; RFC 6749, RFC 7636).
//!
//! Nothing is kept on the server while a sign-in is under way. The **state** travels signed
//! through core; a **cookie of the flow's own** binds it to the browser; the PKCE verifier and
//! the nonce are derived from both under the provider's cookie secret, so that no secret travels
//! and any replica can finish what another began. Each tab has a flow of its own, so that any
//! number can finish in any order, and anonymous requests write nothing.

mod callback;
mod carried;
mod markers;
mod pkce;
mod state;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use thiserror::Error;

pub use self::callback::{Callback, parse_callback};
pub use self::carried::carried_callback;
pub use self::markers::{
    form_browser_cookie, form_browser_name, form_user_cookie, form_user_name, remembered_cookie,
    remembered_name, retry_cookie, retry_name,
};
pub use self::pkce::code_challenge;
pub use self::state::{FlowProof, StateError, StateRecord, read_state};
use crate::OUTPOST_PREFIX;
use crate::cookie::{SetCookie, flow_name};
use crate::crypto::{base64url, derive, hmac_sha256};
use crate::path;
use crate::provider::Provider;
use crate::time::Timestamp;

/// How long a flow may take, in seconds, where nothing else is configured: long enough for a
/// forgotten password.
pub const DEFAULT_FLOW_SECONDS: i64 = 30 * 60;

/// Longest target that is remembered, in bytes. The state is part of a URL, and servers in front
/// of core take 8 KiB of it, rarely more. A longer target is replaced by the application's root.
pub const MAX_RETURN_TO: usize = 4096;

/// A sign-in that has begun: what to answer the browser.
#[derive(Debug)]
pub struct Begun {
    /// Where to send the browser: core's authorize URL.
    pub location: String,
    /// Binds the flow to the browser; must be set together with the redirect.
    pub flow_cookie: SetCookie,
}

/// Why no sign-in can begin.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BeginError {
    /// Anybody can sign with an empty key.
    #[error("the provider has no cookie secret")]
    NoCookieSecret,
}

/// What a new flow is made of.
#[derive(Clone, Copy, Debug)]
pub struct NewFlow<'a> {
    /// Where to go after signing in, found safe already ([`crate::redirect`]).
    pub return_to: &'a str,
    /// How many flows towards this target have failed before this one.
    pub tries: u8,
    /// The present.
    pub now: Timestamp,
    /// How long it may take, in seconds.
    pub lifetime: i64,
}

/// Begins a sign-in. `random` must be fresh for each call: one half names the flow, the other
/// half binds it to the browser.
///
/// # Errors
/// When the provider has no cookie secret.
pub fn begin(
    provider: &Provider,
    flow: &NewFlow<'_>,
    random: &[u8; 32],
) -> Result<Begun, BeginError> {
    let secret = provider.cookie_secret.expose_secret().as_bytes();
    if secret.is_empty() {
        return Err(BeginError::NoCookieSecret);
    }
    let (id, binding) = halves(random);
    let proof = FlowProof { id, binding };
    let return_to = below_cookie_path(flow.return_to, &provider.cookie.path);
    let return_to = if return_to.len() > MAX_RETURN_TO {
        format!("{}{}/", provider.external.origin(), provider.external.path)
    } else {
        return_to.into_owned()
    };
    let record = StateRecord {
        flow: id,
        return_to,
        tries: flow.tries,
        issued: flow.now,
        expires: flow.now.plus(flow.lifetime),
        binding_hash: proof.binding_hash(secret),
    };
    let location = authorize_url(
        provider,
        &state::sign(provider, &record),
        &code_challenge(&proof.pkce_verifier(provider)),
        &proof.nonce(provider),
    );
    let flow_cookie = SetCookie::flow(
        &provider.cookie,
        record.cookie_name(provider),
        &base64url(&binding),
        callback_directory(provider),
        flow.lifetime,
    );
    Ok(Begun { location, flow_cookie })
}

/// `url` with the first segments of its path spelled as in `cookie_path`, where they are the same
/// once decoded. Routes are found by decoded paths, but browsers compare bytes (RFC 6265 section
/// 5.1.4): on `/%7Ebob/` they would not send the cookie of `/~bob`, and sign in for ever.
fn below_cookie_path<'a>(url: &'a str, cookie_path: &str) -> Cow<'a, str> {
    let segments = cookie_path.matches('/').count();
    let Some(host) = url.find("://").map(|at| at + 3).filter(|_| cookie_path != "/") else {
        return Cow::Borrowed(url);
    };
    let Some(start) = url[host..].find(['/', '?', '#']).map(|at| host + at) else {
        return Cow::Borrowed(url);
    };
    let path_end = url[start..].find(['?', '#']).map_or(url.len(), |at| start + at);
    let path = &url[start..path_end];
    let end = path.match_indices('/').nth(segments).map_or(path.len(), |(at, _)| at);
    let (own, rest) = (&path[..end], &url[start + end..]);
    let is_same = percent_decode_str(own).eq(percent_decode_str(cookie_path));
    if own == cookie_path || !is_same || !path::view(own).is_plain() {
        return Cow::Borrowed(url);
    }
    Cow::Owned(format!("{}{cookie_path}{rest}", &url[..start]))
}

/// Core's authorize URL for a flow. Parameters the endpoint has already are kept.
fn authorize_url(provider: &Provider, state: &str, challenge: &str, nonce: &str) -> String {
    let mut url = provider.endpoints.authorization.clone();
    url.query_pairs_mut()
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", &provider.redirect_uri)
        .append_pair("response_type", "code")
        .append_pair("scope", &provider.scope)
        .append_pair("state", state)
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("nonce", nonce);
    url.into()
}

/// Where to send a browser that has signed out. `None` when core serves no such endpoint.
#[must_use]
pub fn end_session_url(provider: &Provider, id_token_hint: Option<&str>) -> Option<String> {
    let mut url = provider.endpoints.end_session.clone()?;
    if let Some(token) = id_token_hint {
        url.query_pairs_mut().append_pair("id_token_hint", token);
    }
    Some(url.into())
}

/// Removes the cookie of a flow, by its name.
#[must_use]
pub fn remove_flow_cookie(provider: &Provider, name: &str) -> SetCookie {
    SetCookie::flow(&provider.cookie, name.to_owned(), "", callback_directory(provider), 0)
}

/// The directory of the redirect URI: flow cookies travel nowhere else. Where core calls back at
/// a path of the application, that of the session cookie; and `/` where the callback may come to
/// the 2021.5 path.
fn callback_directory(provider: &Provider) -> &str {
    if provider.akprox {
        return "/";
    }
    let uri = provider.redirect_uri.split(['?', '#']).next().unwrap_or_default();
    let path = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let path = path.find('/').map_or("/", |at| &path[at..]);
    if !path.contains(OUTPOST_PREFIX) {
        return &provider.cookie.path;
    }
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

fn halves(random: &[u8; 32]) -> ([u8; 16], [u8; 16]) {
    let (mut id, mut binding) = ([0; 16], [0; 16]);
    id.copy_from_slice(&random[..16]);
    binding.copy_from_slice(&random[16..]);
    (id, binding)
}

/// First half of a flow's id as it stands in the cookie's name.
fn tag(id: &[u8; 16]) -> String {
    hex::encode(&id[..4])
}

/// One of the values that hang on a flow and its browser: each under a key of its own.
fn flow_value(secret: &[u8], label: &str, id: &[u8; 16], binding: &[u8; 16]) -> [u8; 32] {
    hmac_sha256(&derive(secret, label), &[id, binding])
}

fn flow_cookie_name(provider: &Provider, id: &[u8; 16]) -> String {
    flow_name(&provider.cookie.name, &tag(id))
}
