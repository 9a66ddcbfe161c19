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
    match has_escapes(raw) {
        Err(reason) => return PathView::Ambiguous(reason),
        Ok(false) => return PathView::Plain(Cow::Borrowed(raw)),
        Ok(true) => {}
    }
    match percent_decode_str(raw).decode_utf8() {
        Ok(text) if text.chars().any(char::is_control) => {
            PathView::Ambiguous("encoded control character")
        }
        Ok(text) => PathView::Plain(text),
        Err(_) => PathView::Ambiguous("encoded bytes that are not UTF-8"),
    }
}

/// Whether a raw path has percent escapes.
///
/// # Errors
/// What its bytes leave open.
fn has_escapes(raw: &str) -> Result<bool, &'static str> {
    let mut rest = raw.as_bytes();
    if rest.first() != Some(&b'/') {
        return Err("path that does not begin with a slash");
    }
    let (mut escapes, mut dots) = (false, false);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if IS_PLAIN[usize::from(byte)] {
            continue;
        }
        match byte {
            b'%' => {
                let Some(escaped) = hex_pair(rest.get(..2)) else {
                    return Err("invalid percent escape");
                };
                if let Some(reason) = escaped_ambiguity(escaped) {
                    return Err(reason);
                }
                escapes = true;
                rest = rest.get(2..).unwrap_or_default();
            }
            b'\\' => return Err("backslash"),
            b';' => return Err("semicolon"),
            b'#' => return Err("fragment mark"),
            b'?' => return Err("question mark"),
            b'/' => match rest {
                [b'/', ..] => return Err("empty segment"),
                [b'.'] | [b'.', b'/', ..] | [b'.', b'.'] | [b'.', b'.', b'/', ..] => dots = true,
                _ => {}
            },
            0x80.. => return Err("raw non-ASCII byte"),
            _ => return Err("blank or control character"),
        }
    }
    // Whatever else there is to say of the path says more.
    if dots { Err("dot segment") } else { Ok(escapes) }
}

/// Whether a byte means nothing but itself, wherever it stands in a path: most do.
const IS_PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        plain[byte as usize] = !matches!(byte, b'%' | b'\\' | b';' | b'#' | b'?' | b'/');
        byte += 1;
    }
    plain
};

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
