//! `ak_proxy.user_attributes.additionalHeaders`: headers that core's administrator adds or
//! overrides, per brand, group or user (contract 10).

use std::borrow::Cow;

use serde_json::Value;

use super::guard::{normalised, same_header};
use super::{Encoding, HeaderProblem, IdentityHeaders};
use crate::claims::Claims;

/// Most additional headers of a user.
const MAX_HEADERS: usize = 64;

/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Longest value, in bytes.
const MAX_VALUE_BYTES: usize = 16 * 1024;

/// Names that frame the message, belong to one connection or tell where a request came from:
/// an attribute of a user has no business with them, in any spelling.
const REFUSED: [&str; 17] = [
    "Connection",
    "Content-Length",
    "Cookie",
    "Expect",
    "Forwarded",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Via",
];

/// Sets them over what is there. Strings, numbers and booleans are their text, lists of those
/// are joined by `|` like groups (`null` entries are left out), `null` is no header.
pub(super) fn set(headers: &mut IdentityHeaders, claims: &Claims, encoding: Encoding) {
    let Some(Value::Object(wanted)) = claims.attribute("additionalHeaders") else { return };
    let mut count = 0;
    for (name, value) in wanted {
        if value.is_null() {
            continue;
        }
        if let Some(problem) = problem_of(&name) {
            headers.note(&name, problem);
            continue;
        }
        count += 1;
        if count > MAX_HEADERS {
            headers.note(&name, HeaderProblem::TooMany);
            break;
        }
        let text = text_of(headers, &name, &value, encoding);
        headers.set(Cow::Owned(name), text);
    }
}

fn problem_of(name: &str) -> Option<HeaderProblem> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_token) {
        return Some(HeaderProblem::NameInvalid);
    }
    let forwarded = b"x-forwarded-";
    let is_forwarded = name.len() >= forwarded.len()
        && name.bytes().zip(forwarded).all(|(byte, wanted)| normalised(byte) == *wanted);
    (is_forwarded || REFUSED.iter().any(|refused| same_header(refused, name)))
        .then_some(HeaderProblem::NameRefused)
}

/// The text to send; empty, with a note, where there is none.
fn text_of(headers: &mut IdentityHeaders, name: &str, value: &Value, encoding: Encoding) -> String {
    let text = match value {
        Value::Array(entries) => {
            if entries.iter().any(|entry| !entry.is_null() && scalar(entry).is_none()) {
                headers.note(name, HeaderProblem::NoText);
            }
            let texts: Vec<_> = entries.iter().filter_map(scalar).collect();
            headers.joined(name, texts.iter().map(AsRef::as_ref), encoding)
        }
        other => match scalar(other) {
            None => {
                headers.note(name, HeaderProblem::NoText);
                String::new()
            }
            Some(text) => headers.text(name, &text, encoding),
        },
    };
    if text.len() > MAX_VALUE_BYTES {
        headers.note(name, HeaderProblem::TooLong);
        return String::new();
    }
    text
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
