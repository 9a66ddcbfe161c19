//! Identity headers for the application, and which of the client's must go (contract 10).
//!
//! A value that cannot be sent safely is sent **empty**, never left out: whatever copies these
//! headers (nginx, Traefik, our own upstream leg) then overwrites what the client sent under the
//! name. The client's header is removed first in any case ([`IdentityHeaders::must_strip`]).

mod additional;
mod akprox;
pub mod fit;
mod guard;
pub mod rule;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

pub use self::akprox::{AKPROX_NAMES, add_akprox};
pub use self::fit::TooLarge;
pub use self::guard::{is_identity_name, same_header};
pub use self::rule::{Encoding, HeaderSet, IdentityRule, IdentityRules, WhenOver};
use crate::claims::Claims;
use crate::provider::{BasicAuthSpec, Provider};

/// The names that every signed-in request carries, in the order they are sent.
pub const IDENTITY_NAMES: [&str; 12] = [
    "X-authentik-username",
    "X-authentik-groups",
    "X-authentik-entitlements",
    "X-authentik-email",
    "X-authentik-name",
    "X-authentik-uid",
    "X-authentik-jwt",
    "X-authentik-meta-jwks",
    "X-authentik-meta-outpost",
    "X-authentik-meta-provider",
    "X-authentik-meta-app",
    "X-authentik-meta-version",
];

/// What core calls this outpost, and the version it reports.
#[derive(Clone, Copy, Debug)]
pub struct OutpostNames<'a> {
    /// Name in core.
    pub name: &'a str,
    /// Version, for `goauthentik.io/outpost/<version>`.
    pub version: &'a str,
}

/// Something about a user's headers that an operator should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeaderNote {
    /// The header, cut and cleaned.
    pub header: String,
    /// What is the matter with it.
    pub problem: HeaderProblem,
}

/// See [`HeaderNote`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderProblem {
    /// The value, or an entry of a list, holds a control character; it is sent empty or without
    /// the entry.
    ControlCharacter,
    /// The value, or an entry of a list, begins or ends with a blank, which receivers take away;
    /// it is sent empty or without the entry.
    EdgeBlank,
    /// An entry of a list holds the separator; it is left out.
    Separator,
    /// The value is longer than an additional header may be; it is sent empty.
    TooLong,
    /// The value is of a kind that has no text; it is sent empty.
    NoText,
    /// No header may have this name; it is not sent.
    NameInvalid,
    /// The outpost, the connection or the proxies own this name; it is not sent.
    NameRefused,
    /// More additional headers than are sent.
    TooMany,
    /// A user name with a colon cannot be used for basic authentication; it is not sent.
    Colon,
    /// There was no room for it; it is sent empty.
    LeftOut,
    /// There was no room for all of the list; its last entries are left out.
    Cut,
}

impl HeaderProblem {
    /// Every problem, for tables and bounded metrics.
    pub const ALL: [Self; 11] = [
        Self::ControlCharacter,
        Self::EdgeBlank,
        Self::Separator,
        Self::TooLong,
        Self::NoText,
        Self::NameInvalid,
        Self::NameRefused,
        Self::TooMany,
        Self::Colon,
        Self::LeftOut,
        Self::Cut,
    ];

    /// The problem's stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ControlCharacter => "control_character",
            Self::EdgeBlank => "edge_blank",
            Self::Separator => "separator",
            Self::TooLong => "too_long",
            Self::NoText => "no_text",
            Self::NameInvalid => "name_invalid",
            Self::NameRefused => "name_refused",
            Self::TooMany => "too_many",
            Self::Colon => "colon",
            Self::LeftOut => "left_out",
            Self::Cut => "cut",
        }
    }
}

/// Headers for one identity (or for nobody). Values do not print in debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IdentityHeaders {
    headers: Vec<Header>,
    notes: Vec<HeaderNote>,
}

#[derive(Clone, PartialEq, Eq)]
struct Header {
    name: Cow<'static, str>,
    value: String,
    /// Not for this application: only there, empty, to overwrite what a client sent.
    withheld: bool,
}

impl IdentityHeaders {
    /// Name and value, in the order to be sent, those that are only to overwrite included. No two
    /// have names that [`same_header`] takes for one; values hold no control characters.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.headers.iter().map(|header| (header.name.as_ref(), header.value.as_str()))
    }

    /// The same without those that the application is not told: for whoever has removed the
    /// client's own ([`Self::must_strip`]).
    pub fn told(&self) -> impl Iterator<Item = (&str, &str)> {
        let told = self.headers.iter().filter(|header| !header.withheld);
        told.map(|header| (header.name.as_ref(), header.value.as_str()))
    }

    /// The value under a name, however it is spelt.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(set, _)| same_header(set, name)).map(|(_, value)| value)
    }

    /// What an operator should know about them.
    #[must_use]
    pub fn notes(&self) -> &[HeaderNote] {
        &self.notes
    }

    /// Whether a header of the client's must be removed before these are set: everything that
    /// any application could take for `X-authentik-*`, and every name set here, in any spelling.
    ///
    /// Names that `additionalHeaders` sets for *other* users are not known here. An application
    /// that trusts such a header must have it set for every user (a group or brand attribute),
    /// or its proxy must remove it.
    #[must_use]
    pub fn must_strip(&self, name: &str) -> bool {
        is_identity_name(name) || self.iter().any(|(set, _)| same_header(set, name))
    }

    fn set(&mut self, name: Cow<'static, str>, value: String) {
        let header = Header { name, value, withheld: false };
        match self.headers.iter_mut().find(|set| same_header(&set.name, &header.name)) {
            Some(slot) => *slot = header,
            None => self.headers.push(header),
        }
    }

    fn push(&mut self, name: &'static str, value: String) {
        self.headers.push(Header { name: Cow::Borrowed(name), value, withheld: false });
    }

    fn value_mut(&mut self, name: &str) -> Option<&mut String> {
        let found = self.headers.iter_mut().find(|set| same_header(&set.name, name));
        found.map(|header| &mut header.value)
    }

    /// Empties those of the first headers that are not in the set: they are there to overwrite.
    fn withhold(&mut self, names: HeaderSet) {
        for (index, header) in self.headers.iter_mut().enumerate().take(IDENTITY_NAMES.len()) {
            if !names.has(index) {
                header.value.clear();
                header.withheld = true;
            }
        }
    }

    fn note(&mut self, header: &str, problem: HeaderProblem) {
        let header = header.chars().filter(|c| !c.is_control()).take(100).collect();
        let note = HeaderNote { header, problem };
        // A list may have the same problem ten thousand times.
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds a text, or the empty text in place of one that cannot be sent, under a name that is not
    /// there yet.
    fn push_text(&mut self, name: &'static str, text: &str, encoding: Encoding) {
        let value = self.text(name, text, encoding);
        self.push(name, value);
    }

    /// The text as it is sent; empty, with a note, where it cannot be.
    fn text(&mut self, name: &str, text: &str, encoding: Encoding) -> String {
        match problem_of(text, encoding) {
            None => encoding.text(text).into_owned(),
            Some(problem) => {
                self.note(name, problem);
                String::new()
            }
        }
    }

    /// Adds a list, without the entries that cannot be sent, under a name that is not there yet.
    fn push_list(&mut self, name: &'static str, entries: &[Box<str>], encoding: Encoding) {
        let value = self.joined(name, entries.iter().map(|entry| &**entry), encoding);
        self.push(name, value);
    }

    fn joined<'a>(
        &mut self,
        name: &str,
        entries: impl Iterator<Item = &'a str>,
        encoding: Encoding,
    ) -> String {
        let mut value = String::new();
        for entry in entries {
            let entry = if let Some(problem) = problem_of(entry, encoding) {
                self.note(name, problem);
                continue;
            } else if encoding == Encoding::Utf8 && entry.contains('|') {
                self.note(name, HeaderProblem::Separator);
                continue;
            } else {
                encoding.entry(entry)
            };
            if !value.is_empty() {
                value.push('|');
            }
            value.push_str(&entry);
        }
        value
    }
}

impl fmt::Debug for IdentityHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
        f.debug_struct("IdentityHeaders")
            .field("names", &names)
            .field("notes", &self.notes)
            .finish()
    }
}

/// The headers of a signed-in request, as `rule` has them. `token` is the raw access token.
///
/// Order of precedence, as in the stock outpost: the identity, then basic authentication, then
/// `additionalHeaders`, which may replace both. The rule's set chooses among the identity alone.
///
/// # Errors
/// When they are larger than the rule allows and may not be made smaller.
pub fn identity_headers(
    provider: &Provider,
    claims: &Claims,
    token: &str,
    outpost: &OutpostNames<'_>,
    rule: &IdentityRule,
) -> Result<IdentityHeaders, TooLarge> {
    let encoding = rule.encoding;
    let mut headers = IdentityHeaders {
        headers: Vec::with_capacity(IDENTITY_NAMES.len() + 4),
        notes: Vec::new(),
    };
    let [username, groups, entitlements, email, name, uid, jwt, rest @ ..] = IDENTITY_NAMES;
    let [jwks, outpost_name, provider_name, app, version] = rest;
    headers.push_text(username, &claims.preferred_username, encoding);
    headers.push_list(groups, &claims.groups, encoding);
    headers.push_list(entitlements, &claims.entitlements, encoding);
    headers.push_text(email, &claims.email, encoding);
    headers.push_text(name, &claims.name, encoding);
    headers.push_text(uid, &claims.sub, encoding);
    // A URL and a token are ASCII, and are to arrive as they are.
    headers.push_text(jwt, token, Encoding::Utf8);
    headers.push_text(jwks, &provider.endpoints.jwks_public, Encoding::Utf8);
    headers.push_text(outpost_name, outpost.name, encoding);
    headers.push_text(provider_name, &provider.name, encoding);
    headers.push_text(app, &provider.application_slug, encoding);
    let agent = format!("goauthentik.io/outpost/{}", outpost.version);
    headers.push_text(version, &agent, Encoding::Utf8);
    headers.withhold(rule.names);
    if provider.akprox {
        add_akprox(&mut headers, Some(claims), encoding);
    }
    if let Some(spec) = &provider.basic_auth {
        set_basic(&mut headers, spec, claims);
    }
    additional::set(&mut headers, claims, encoding);
    fit::fit(&mut headers, rule)?;
    Ok(headers)
}

/// The headers of a request that is let through as nobody: the full set, empty.
#[must_use]
pub fn anonymous_headers(rule: &IdentityRule) -> IdentityHeaders {
    let mut headers = IdentityHeaders::default();
    let limited = rule.max_bytes.map(|_| fit::INCOMPLETE);
    for name in IDENTITY_NAMES.into_iter().chain(limited) {
        headers.set(Cow::Borrowed(name), String::new());
    }
    headers.withhold(rule.names);
    headers
}

/// `Authorization: Basic` for the application (RFC 7617), if the user has a password attribute.
fn set_basic(headers: &mut IdentityHeaders, spec: &BasicAuthSpec, claims: &Claims) {
    let Some(password) = claims.attribute_text(&spec.password_attribute) else {
        return;
    };
    let user = claims.attribute_text(&spec.user_attribute);
    let user = user.unwrap_or_else(|| claims.email.to_string());
    if user.contains(':') {
        headers.note("Authorization", HeaderProblem::Colon);
    } else if !sendable(&user) || !sendable(&password) {
        headers.note("Authorization", HeaderProblem::ControlCharacter);
    } else {
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        headers.set(Cow::Borrowed("Authorization"), value);
    }
}

/// Why a text cannot be sent as (a part of) a value. Receivers take blanks from both ends of a value
/// (RFC 9110 section 5.5): ` admin` as it is would arrive as `admin`, who is somebody else.
fn problem_of(text: &str, encoding: Encoding) -> Option<HeaderProblem> {
    if !sendable(text) {
        Some(HeaderProblem::ControlCharacter)
    } else if encoding == Encoding::Utf8 && (text.starts_with(' ') || text.ends_with(' ')) {
        Some(HeaderProblem::EdgeBlank)
    } else {
        None
    }
}

/// CR, LF and NUL would forge headers; the other control characters (C1 ones included) are
/// refused by one server or another, and none has a place in a name.
fn sendable(text: &str) -> bool {
    // All bytes at once: a token is nothing else.
    let is_plain = text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
    is_plain || !text.chars().any(char::is_control)
}
