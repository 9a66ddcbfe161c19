//! A form that a person sends when their session has just ended: may it be kept until they are
//! back? And what is kept of it.
//!
//! Only what a page of the application itself sends in a navigation may be kept: a form that a page
//! of another site sends would else wait for the person's sign-in and be sent in their name.

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::crypto::{base64url, constant_time_eq, derive, hmac_sha256};
use crate::facts::{Headers, Single};
use crate::login;
use crate::provider::Provider;
use crate::target::{Authority, Scheme, Target};
use crate::time::Timestamp;

/// Query parameter under which a kept form comes back.
pub const RESEND_PARAMETER: &str = "X-authentik-resend";

/// The end of a query that has it.
const RESEND: &str = "X-authentik-resend=true";

/// Kinds of bodies that are kept: what forms without files send.
const KINDS: [&str; 2] = ["application/x-www-form-urlencoded", "text/plain"];

/// Longest `Content-Type`, `Origin` or `Referer` of a form that is kept, in bytes.
const MAX_HEADER_BYTES: usize = 4096;

/// What the head of a request says of a form that may be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// `Content-Type`, as sent.
    pub content_type: String,
    /// `Origin`, as sent, if it was.
    pub origin: Option<String>,
    /// `Referer`, as sent, if it was.
    pub referer: Option<String>,
    /// Bytes of the body.
    #[serde(skip)]
    pub length: usize,
}

/// What comes with the body when a form is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptForm {
    /// Tells this form from every other, so that it is sent once.
    pub id: String,
    /// Path and query that it was sent to.
    pub path_and_query: String,
    /// Whose session had ended, by [`user_mark`]. A form of nobody known is never sent.
    pub user: Option<String>,
    /// When it is no longer sent.
    pub until: Timestamp,
    /// Its head.
    pub form: Form,
}

/// Whether a request is such a form, with a body of at most `limit` bytes. `None` also when
/// anything about it is unclear.
#[must_use]
pub fn keepable(
    method: &str,
    headers: &(impl Headers + ?Sized),
    target: &Target,
    limit: usize,
) -> Option<Form> {
    let text = |name| match headers.single(name) {
        Single::Missing => Some(None),
        Single::One(text) if text.len() <= MAX_HEADER_BYTES => Some(Some(text)),
        _ => None,
    };
    if method != "POST" || !is_navigation(headers) {
        return None;
    }
    for name in ["content-encoding", "transfer-encoding", "expect"] {
        if headers.nth(name, 0).is_some() {
            return None;
        }
    }
    let content_type = text("content-type")??;
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !KINDS.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return None;
    }
    let length = text("content-length")??;
    let length: usize = length.parse().ok().filter(|length| *length <= limit)?;
    let (origin, referer) = (text("origin")?, text("referer")?);
    let site = text("sec-fetch-site")?;
    let own = |url: &str| is_of_origin(url, target);
    let same = match (site, origin, referer) {
        (Some(site), _, _) if site != "same-origin" => false,
        (_, Some(origin), _) => own(origin),
        (Some(_), None, _) => true,
        (None, None, Some(referer)) => own(referer),
        (None, None, None) => false,
    };
    same.then(|| Form {
        content_type: content_type.to_owned(),
        origin: origin.map(ToOwned::to_owned),
        referer: referer.map(ToOwned::to_owned),
        length,
    })
}

/// What sealing, base64 and the head of a form add to a body, beyond the third that base64 does.
const OVERHEAD: usize = 20 * 1024;

/// Largest form that is kept for `provider` where the settings say `keep` bytes; zero: none is. A
/// provider without a secret has nothing to seal with.
#[must_use]
pub fn bytes_kept(provider: &Provider, keep: usize) -> usize {
    if provider.cookie_secret.expose_secret().is_empty() { 0 } else { keep }
}

/// Largest body of a request that may be a form for keeping, or one that comes back; zero where
/// forms are not kept.
#[must_use]
pub fn body_limit(keep: usize, resent: bool) -> usize {
    match (keep, resent) {
        (0, _) => 0,
        (keep, false) => keep,
        (keep, true) => keep.saturating_mul(4) / 3 + OVERHEAD,
    }
}

/// Whether a request may be a form for keeping, or one that comes back, by its head. A form of
/// nobody known is not kept: whoever signs in next would send it.
#[must_use]
pub fn may_keep(
    method: &str,
    headers: &(impl Headers + ?Sized),
    target: &Target,
    provider: &Provider,
    keep: usize,
    has_cookie: &dyn Fn(&str) -> bool,
) -> bool {
    let keep = bytes_kept(provider, keep);
    let resent = is_resent(target.query.as_deref());
    keep > 0
        && (resent || has_cookie(&login::form_user_name(provider)))
        && keepable(method, headers, target, body_limit(keep, resent)).is_some()
}

/// A page that a person sees comes of it: by `Sec-Fetch-*`, and for browsers (and connections)
/// without these by what they accept.
fn is_navigation(headers: &(impl Headers + ?Sized)) -> bool {
    let is = |name, wanted: &str| match headers.single(name) {
        Single::Missing => None,
        Single::One(text) => Some(text == wanted),
        _ => Some(false),
    };
    match is("sec-fetch-mode", "navigate") {
        Some(navigates) => navigates && is("sec-fetch-dest", "document").unwrap_or(true),
        None => {
            headers.nth("x-requested-with", 0).is_none()
                && headers.text("accept").is_some_and(|accept| accept.contains("text/html"))
        }
    }
}

/// Whether a URL (or an `Origin`) is of the target's own scheme, host and port.
fn is_of_origin(url: &str, target: &Target) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let Some(scheme) = Scheme::parse(url.scheme()) else { return false };
    let Some(authority) = url.host_str().and_then(Authority::parse) else { return false };
    let port = url.port().unwrap_or(scheme.default_port());
    scheme == target.scheme
        && authority.host == target.authority.host
        && port == target.authority.port_or_default(target.scheme)
}

/// Where a form that was sent to this path and query comes back to.
#[must_use]
pub fn resend_path(path_and_query: &str) -> String {
    let joint = if path_and_query.contains('?') { '&' } else { '?' };
    format!("{path_and_query}{joint}{RESEND}")
}

/// Whether a query says that the request is a kept form coming back.
#[must_use]
pub fn is_resent(query: Option<&str>) -> bool {
    query.is_some_and(|query| {
        query.strip_suffix(RESEND).is_some_and(|rest| rest.is_empty() || rest.ends_with('&'))
    })
}

/// What a browser remembers of who was signed in: tells two users apart and names neither.
#[must_use]
pub fn user_mark(cookie_secret: &[u8], sub: &str) -> String {
    let key = derive(cookie_secret, "kept form user");
    base64url(&hmac_sha256(&key, &[sub.as_bytes()])[..16])
}

/// Why a form that comes back is not sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// It belongs to another address.
    OtherTarget,
    /// It was kept too long ago.
    TooLate,
    /// Somebody else was signed in when it was written, or nobody knows who.
    OtherUser,
}

impl KeptForm {
    /// Whether it may be sent on now, by this user, to where it has come back. Whether it was sent
    /// before is for the caller to look up.
    ///
    /// # Errors
    /// See [`NotSent`].
    pub fn check(&self, path_and_query: &str, user: &str, now: Timestamp) -> Result<(), NotSent> {
        if resend_path(&self.path_and_query) != path_and_query {
            return Err(NotSent::OtherTarget);
        }
        if now >= self.until {
            return Err(NotSent::TooLate);
        }
        let same = |kept: &String| constant_time_eq(kept.as_bytes(), user.as_bytes());
        if !self.user.as_ref().is_some_and(same) {
            return Err(NotSent::OtherUser);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
