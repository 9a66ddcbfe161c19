//! What one application is told of its users, and in which shape: an operator's choice.

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::IDENTITY_NAMES;

/// Begin of every identity header; what follows is how a [`HeaderSet`] names it.
const PREFIX: &str = "X-authentik-";

/// How identity headers of one application are made. The default is what the stock outpost does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdentityRule {
    /// Which headers are sent.
    pub names: HeaderSet,
    /// How text beyond ASCII travels.
    pub encoding: Encoding,
    /// Most bytes of all headers that are set, names included (see [`super::fit`]); `None`: no
    /// limit.
    pub max_bytes: Option<usize>,
    /// What happens to what is more.
    pub when_over: WhenOver,
}

/// The rules of every application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityRules {
    /// Of applications without a rule of their own.
    pub default: IdentityRule,
    /// By slug.
    pub applications: BTreeMap<String, IdentityRule>,
}

impl IdentityRules {
    /// The rule of the application with this slug.
    #[must_use]
    pub fn of(&self, slug: &str) -> IdentityRule {
        self.applications.get(slug).copied().unwrap_or(self.default)
    }
}

/// What happens when the headers of a user are larger than an application takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenOver {
    /// The least needed goes first, and it is said what is missing.
    #[default]
    Truncate,
    /// The request is refused.
    Refuse,
}

/// Some of [`IDENTITY_NAMES`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HeaderSet(u16);

impl HeaderSet {
    /// All of them.
    pub const FULL: Self = Self((1 << IDENTITY_NAMES.len()) - 1);

    /// Who the user is: user name, groups, e-mail address, name and uid. No token, nothing about
    /// the outpost.
    pub const MINIMAL: Self = Self(0b0000_0011_1011);

    /// Reads `full`, `minimal`, or names without `X-authentik-` joined by `+`, such as
    /// `username+groups`; the case does not matter.
    ///
    /// # Errors
    /// The name that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("full") {
            return Ok(Self::FULL);
        }
        if text.eq_ignore_ascii_case("minimal") {
            return Ok(Self::MINIMAL);
        }
        text.split('+').try_fold(Self(0), |Self(set), wanted| {
            let fits = |name: &&str| name[PREFIX.len()..].eq_ignore_ascii_case(wanted);
            match IDENTITY_NAMES.iter().position(fits) {
                Some(index) => Ok(Self(set | (1 << index))),
                None => Err(wanted.to_owned()),
            }
        })
    }

    /// Whether the name at this place of [`IDENTITY_NAMES`] is in it.
    #[must_use]
    pub const fn has(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }
}

impl Default for HeaderSet {
    fn default() -> Self {
        Self::FULL
    }
}

/// As settings write it.
impl std::fmt::Display for HeaderSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::FULL => f.write_str("full"),
            Self::MINIMAL => f.write_str("minimal"),
            set => {
                let named = IDENTITY_NAMES.iter().enumerate().filter(|(index, _)| set.has(*index));
                let names: Vec<&str> = named.map(|(_, name)| &name[PREFIX.len()..]).collect();
                f.write_str(&names.join("+"))
            }
        }
    }
}

impl std::fmt::Debug for HeaderSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeaderSet({self})")
    }
}

/// How text beyond ASCII travels in header values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// As UTF-8 bytes, as the stock outpost does. A list entry that contains the separator `|`
    /// cannot be told from two entries and is left out, and so is what begins or ends with a
    /// blank: receivers would take that away.
    #[default]
    Utf8,
    /// Percent-encoded UTF-8: every byte beyond ASCII, `%` itself, a blank at either end, and `|`
    /// within list entries, so that decoding gives back exactly what was encoded.
    Percent,
    /// Quoted-printable UTF-8 (RFC 2045 section 6.7, without its line breaks), the same of `=`:
    /// what Grafana reads with `headers_encoded`.
    QuotedPrintable,
}

const PERCENT: &AsciiSet = &AsciiSet::EMPTY.add(b'%');
const PERCENT_ENTRY: &AsciiSet = &PERCENT.add(b'|');

impl Encoding {
    /// A text by itself.
    pub(super) fn text(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Utf8 => text.into(),
            Self::Percent => with_edges(utf8_percent_encode(text, PERCENT).into(), "%20"),
            Self::QuotedPrintable => with_edges(quoted_printable(text, b"="), "=20"),
        }
    }

    /// A text among others that `|` separates.
    pub(super) fn entry(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Utf8 => text.into(),
            Self::Percent => with_edges(utf8_percent_encode(text, PERCENT_ENTRY).into(), "%20"),
            Self::QuotedPrintable => with_edges(quoted_printable(text, b"=|"), "=20"),
        }
    }
}

/// An encoded text with `blank` in place of a blank at either end.
fn with_edges<'a>(encoded: Cow<'a, str>, blank: &str) -> Cow<'a, str> {
    if !encoded.starts_with(' ') && !encoded.ends_with(' ') {
        return encoded;
    }
    let (lead, rest) = encoded.strip_prefix(' ').map_or(("", &*encoded), |rest| (blank, rest));
    let (rest, tail) = rest.strip_suffix(' ').map_or((rest, ""), |rest| (rest, blank));
    format!("{lead}{rest}{tail}").into()
}

fn quoted_printable<'a>(text: &'a str, more: &[u8]) -> Cow<'a, str> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let needs = |byte: &u8| !byte.is_ascii() || more.contains(byte);
    if !text.as_bytes().iter().any(needs) {
        return text.into();
    }
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if needs(&byte) {
            encoded.push('=');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
        } else {
            encoded.push(char::from(byte));
        }
    }
    encoded.into()
}
