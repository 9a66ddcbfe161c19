//! Making the headers of a user fit where an application, or a proxy before it, takes only so much.
//!
//! What goes first is what can be missed without anybody being taken for somebody else, or for a
//! member of more or less than is told: the token, then what tells about the outpost. Then groups
//! and entitlements lose whole entries from their end, and the header `X-authentik-incomplete`
//! names what is not whole, so that an application that decides by groups can tell. The display
//! name goes last. User name, e-mail address and uid are never touched, neither are
//! `additionalHeaders` and basic authentication, which somebody chose for this user: where these do
//! not fit, there is no answer but a refusal.

use std::borrow::Cow;

use thiserror::Error;

use super::rule::{IdentityRule, WhenOver};
use super::{HeaderProblem, IdentityHeaders};

/// Tells what is missing or cut, by names without `X-authentik-`, joined by `|`; empty where
/// nothing is. Sent where there is a limit.
pub const INCOMPLETE: &str = "X-authentik-incomplete";

/// What goes, in this order, all headers of a line at once.
const DROPPED: [(&str, &[&str]); 2] = [
    ("jwt", &["X-authentik-jwt"]),
    (
        "meta",
        &[
            "X-authentik-meta-jwks",
            "X-authentik-meta-outpost",
            "X-authentik-meta-provider",
            "X-authentik-meta-app",
            "X-authentik-meta-version",
        ],
    ),
];

/// What loses entries from its end, in this order.
const CUT: [(&str, &str); 2] =
    [("groups", "X-authentik-groups"), ("entitlements", "X-authentik-entitlements")];

/// What goes when nothing else is left.
const LAST: (&str, &str) = ("name", "X-authentik-name");

/// Bytes that a header takes beside its name and value: a colon, a blank, the end of its line.
const FRAMING: usize = 4;

/// Longest value of [`INCOMPLETE`].
const INCOMPLETE_VALUE: usize = "jwt|meta|groups|entitlements|name".len();

/// The headers of a user are larger than the application takes, and nothing may be left out.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the identity headers have {bytes} bytes, and {limit} are allowed")]
pub struct TooLarge {
    /// Bytes of what would have to be sent.
    pub bytes: usize,
    /// Bytes allowed.
    pub limit: usize,
}

/// Makes headers fit the rule.
pub(super) fn fit(headers: &mut IdentityHeaders, rule: &IdentityRule) -> Result<(), TooLarge> {
    let Some(limit) = rule.max_bytes else { return Ok(()) };
    headers.set(Cow::Borrowed(INCOMPLETE), String::new());
    let whole = size(headers);
    if whole <= limit {
        return Ok(());
    }
    if rule.when_over == WhenOver::Refuse {
        return Err(TooLarge { bytes: whole, limit });
    }
    let room = limit.saturating_sub(INCOMPLETE_VALUE);
    let mut missing = Vec::new();
    for (what, names) in DROPPED {
        if size(headers) > room && names.iter().filter(|name| headers.empty(name)).count() > 0 {
            missing.push(what);
        }
    }
    for (what, name) in CUT {
        let over = size(headers).saturating_sub(room);
        if over > 0 && headers.cut(name, over) {
            missing.push(what);
        }
    }
    let (what, name) = LAST;
    if size(headers) > room && headers.empty(name) {
        missing.push(what);
    }
    let left = size(headers);
    if left > room {
        return Err(TooLarge { bytes: left + INCOMPLETE_VALUE, limit });
    }
    headers.set(Cow::Borrowed(INCOMPLETE), missing.join("|"));
    Ok(())
}

/// Bytes of all headers as HTTP/1.1 sends them.
fn size(headers: &IdentityHeaders) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len() + FRAMING).sum()
}

impl IdentityHeaders {
    /// Sends this one empty; `false` if it was so.
    fn empty(&mut self, name: &str) -> bool {
        let Some(value) = self.value_mut(name).filter(|value| !value.is_empty()) else {
            return false;
        };
        value.clear();
        self.note(name, HeaderProblem::LeftOut);
        true
    }

    /// Takes whole entries of a list away from its end, until it is shorter by `over` bytes or
    /// empty; `false` if it was empty.
    fn cut(&mut self, name: &str, over: usize) -> bool {
        let Some(value) = self.value_mut(name).filter(|value| !value.is_empty()) else {
            return false;
        };
        let keep = value.len().saturating_sub(over);
        // Encodings keep `|` out of entries, so that each one is a boundary.
        let end = if keep == 0 {
            0
        } else {
            value.as_bytes()[..=keep].iter().rposition(|byte| *byte == b'|').unwrap_or(0)
        };
        value.truncate(end);
        self.note(name, HeaderProblem::Cut);
        true
    }
}
