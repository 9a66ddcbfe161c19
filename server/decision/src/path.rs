//! Can a path be read in only one way?
//!
//! The outpost, the proxies in front of it and the application behind it each parse the path.
//! Where they might disagree (dot segments, encoded slashes, `;` parameters, …), an anonymous
//! request must not profit from our reading: such a path never matches a skip rule and is never
//! the outpost's own. People who are signed in may use it, since applications do.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

mod readings;

pub use readings::{is_below, of_base, readings};

/// How a raw path reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathView<'a> {
    /// Everybody reads it alike. Holds the decoded text, what Go's `URL.Path` would be.
    Plain(Cow<'a, str>),
    /// Parsers may disagree; says about what.
    Ambiguous(&'static str),
}

impl PathView<'_> {
    /// Whether everybody reads the path alike.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }
}

/// Reads a raw path: the part of a request target before `?`, beginning with `/`.
#[must_use]
pub fn view(raw: &str) -> PathView<'_> {
    if let Some(reason) = ambiguity(raw) {
        return PathView::Ambiguous(reason);
    }
    if !raw.contains('%') {
        return PathView::Plain(Cow::Borrowed(raw));
    }
    match percent_decode_str(raw).decode_utf8() {
        Ok(text) if text.chars().any(char::is_control) => {
            PathView::Ambiguous("encoded control character")
        }
        Ok(text) => PathView::Plain(text),
        Err(_) => PathView::Ambiguous("encoded bytes that are not UTF-8"),
    }
}

/// What the bytes of a raw path leave open, if anything.
fn ambiguity(raw: &str) -> Option<&'static str> {
    let bytes = raw.as_bytes();
    if bytes.first() != Some(&b'/') {
        return Some("path that does not begin with a slash");
    }
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'%' => {
                let Some(escaped) = hex_pair(bytes.get(at..at + 2)) else {
                    return Some("invalid percent escape");
                };
                if let Some(reason) = escaped_ambiguity(escaped) {
                    return Some(reason);
                }
                at += 2;
            }
            b'\\' => return Some("backslash"),
            b';' => return Some("semicolon"),
            b'#' => return Some("fragment mark"),
            b'?' => return Some("question mark"),
            b'/' if bytes.get(at) == Some(&b'/') => return Some("empty segment"),
            0..=b' ' | 0x7f => return Some("blank or control character"),
            0x80.. => return Some("raw non-ASCII byte"),
            _ => {}
        }
    }
    raw.split('/').any(|segment| segment == "." || segment == "..").then_some("dot segment")
}

const fn escaped_ambiguity(byte: u8) -> Option<&'static str> {
    match byte {
        0 => Some("encoded NUL"),
        1..=0x1f | 0x7f => Some("encoded control character"),
        b'.' => Some("encoded dot"),
        b'/' => Some("encoded slash"),
        b'\\' => Some("encoded backslash"),
        b'%' => Some("encoded percent sign"),
        b';' => Some("encoded semicolon"),
        b'#' => Some("encoded fragment mark"),
        b'?' => Some("encoded question mark"),
        _ => None,
    }
}

/// The byte that two hexadecimal digits name.
pub(crate) fn hex_pair(digits: Option<&[u8]>) -> Option<u8> {
    let [high, low] = digits? else { return None };
    let high = char::from(*high).to_digit(16)?;
    let low = char::from(*low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests;
