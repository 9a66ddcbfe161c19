//! Cookies: reading what browsers send, writing ours, and keeping ours from the application
//! (contract 9; RFC 6265).
//!
//! Reading never fails. Headers are bytes, walked once; names and the number of values taken are
//! bounded, whatever a client sends (CVE-2023-28625, CVE-2024-24814).

use std::borrow::Cow;
use std::fmt;

use crate::provider::CookieSpec;

#[cfg(test)]
mod tests;

/// Begin of the name of every cookie of an outpost, stock ones included.
pub const OWN_PREFIX: &str = "authentik_proxy_";

/// Values of one name that are tried. A browser sends several when a parent domain or another
/// path has a cookie of the name, too.
pub const MAX_VALUES: usize = 8;

/// Longest value that can be one of ours: browsers keep no longer ones.
const MAX_VALUE_BYTES: usize = 4096;

/// Most flow cookies that are removed by one answer.
const MAX_REMOVED_FLOWS: usize = 64;

/// The values of `name` in the `Cookie` headers of a request, in the order sent, the first
/// [`MAX_VALUES`]. What is empty, too long for one of ours or not plain text is left out.
pub fn values<'a>(headers: impl IntoIterator<Item = &'a [u8]>, name: &str) -> Vec<&'a str> {
    let parts = headers.into_iter().flat_map(|header| header.split(|byte| *byte == b';'));
    // Most others are told by how they begin.
    parts
        .filter(|part| part.trim_ascii_start().starts_with(name.as_bytes()))
        .filter_map(pair)
        .filter(|(key, _)| *key == name.as_bytes())
        .filter_map(|(_, value)| plain(value))
        .take(MAX_VALUES)
        .collect()
}

/// Name of the cookie of the flow whose id begins with `tag`.
#[must_use]
pub fn flow_name(session_name: &str, tag: &str) -> String {
    format!("{session_name}_f_{tag}")
}

/// Names of flow cookies beyond the newest `most`: those to remove. Each is a sign-in begun and not
/// finished. Browsers send older cookies first (RFC 6265 section 5.4), so that these are the oldest.
pub fn surplus_flows<'a>(
    headers: impl IntoIterator<Item = &'a [u8]>,
    session_name: &str,
    most: usize,
) -> Vec<String> {
    let prefix = flow_name(session_name, "");
    let mut names: Vec<&str> = pairs(headers)
        .filter_map(|(key, _)| std::str::from_utf8(key).ok())
        .filter(|key| {
            key.strip_prefix(&prefix)
                .is_some_and(|tag| tag.len() == 8 && tag.bytes().all(|b| b.is_ascii_hexdigit()))
        })
        .collect();
    let surplus = names.len().saturating_sub(most).min(MAX_REMOVED_FLOWS);
    names.truncate(surplus);
    names.into_iter().map(str::to_owned).collect()
}

/// A `Cookie` header's value without our cookies: what the application may see. `None` when
/// nothing remains. What stays, stays byte for byte.
///
/// A session cookie in the hands of an application (or of whoever reads its logs) would be a
/// session in its hands.
#[must_use]
pub fn strip_own_cookies(header: &[u8]) -> Option<Cow<'_, [u8]>> {
    let is_own = |part: &&[u8]| {
        let name = trim(part).get(..OWN_PREFIX.len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(OWN_PREFIX.as_bytes()))
    };
    if !header.split(|byte| *byte == b';').any(|part| is_own(&part)) {
        return Some(Cow::Borrowed(header));
    }
    let mut kept: Vec<u8> = Vec::with_capacity(header.len());
    for part in header.split(|byte| *byte == b';').filter(|part| !is_own(part)) {
        if trim(part).is_empty() {
            continue;
        }
        if kept.is_empty() {
            kept.extend_from_slice(part.trim_ascii_start());
        } else {
            kept.push(b';');
            kept.extend_from_slice(part);
        }
    }
    (!kept.is_empty()).then_some(Cow::Owned(kept))
}

/// A cookie to set. Its value does not print in debug output; [`fmt::Display`] gives the
/// `Set-Cookie` header's value.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie {
    name: String,
    value: String,
    domain: Option<String>,
    path: String,
    secure: bool,
    max_age: i64,
}

impl SetCookie {
    /// The session cookie. `max_age` is in seconds.
    #[must_use]
    pub fn session(spec: &CookieSpec, value: &str, max_age: i64) -> Self {
        Self::new(spec, spec.name.clone(), value, &spec.path, max_age)
    }

    /// Removes the session cookie.
    #[must_use]
    pub fn remove_session(spec: &CookieSpec) -> Self {
        Self::session(spec, "", 0)
    }

    /// The cookie `name` of a flow, for the directory `path`.
    #[must_use]
    pub(crate) fn flow(spec: &CookieSpec, name: String, value: &str, path: &str, age: i64) -> Self {
        Self::new(spec, name, value, path, age)
    }

    fn new(spec: &CookieSpec, name: String, value: &str, path: &str, max_age: i64) -> Self {
        let octets = value.bytes().filter(|byte| IS_COOKIE_OCTET[usize::from(*byte)]);
        Self {
            name,
            // Values are base64url and names, domains and paths come from core: this is the
            // last place where an odd one could become another attribute or another header.
            value: octets.map(char::from).collect(),
            domain: spec.domain.clone().filter(|domain| domain.chars().all(is_attribute_char)),
            path: path.chars().filter(|c| is_attribute_char(*c)).collect(),
            secure: spec.secure,
            max_age: max_age.max(0),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}; Path={}", self.name, self.value, self.path)?;
        if let Some(domain) = &self.domain {
            write!(f, "; Domain={domain}")?;
        }
        write!(f, "; Max-Age={}", self.max_age)?;
        if self.max_age == 0 {
            // For clients that do not know Max-Age.
            f.write_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT")?;
        }
        if self.secure {
            f.write_str("; Secure")?;
        }
        f.write_str("; HttpOnly; SameSite=Lax")
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetCookie({}, max-age {})", self.name, self.max_age)
    }
}

/// Every `name=value` in the headers, blanks around both removed. Parts without `=` are nothing.
fn pairs<'a>(
    headers: impl IntoIterator<Item = &'a [u8]>,
) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    headers.into_iter().flat_map(|header| header.split(|byte| *byte == b';')).filter_map(pair)
}

/// Name and value.
fn pair(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = part.iter().position(|byte| *byte == b'=')?;
    Some((trim(&part[..at]), trim(&part[at + 1..])))
}

/// A value that may be one of ours, a pair of quotes around it removed.
fn plain(value: &[u8]) -> Option<&str> {
    let value = match value {
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    };
    if value.is_empty() || value.len() > MAX_VALUE_BYTES {
        return None;
    }
    let is_plain = value.iter().all(|byte| IS_COOKIE_OCTET[usize::from(*byte)]);
    std::str::from_utf8(value).ok().filter(|_| is_plain)
}

fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// RFC 6265 section 4.1.1.
const IS_COOKIE_OCTET: [bool; 256] = {
    let mut octets = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        octets[byte as usize] = !matches!(byte, b'"' | b',' | b';' | b'\\');
        byte += 1;
    }
    octets
};

fn is_attribute_char(c: char) -> bool {
    c.is_ascii_graphic() && c != ';'
}
