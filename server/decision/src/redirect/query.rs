//! The `rd` parameter of a raw query, also where whoever wrote it forgot to escape it.
//!
//! The published nginx snippet sends `rd=$scheme://$http_host$request_uri` as it is, so that the
//! target's own `&` ends the parameter and a `%2F` of the target reads as an escape of ours.
//! Whether a value was escaped can mostly be told by what an escaped one cannot contain.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::is_url_byte;
use crate::path::hex_pair;

/// The return target that a raw query asks for; `None` without an `rd` parameter.
///
/// An escaped value is decoded once (a `+` stays: URLs have no blanks that it could stand for).
/// A value that was evidently not escaped is taken as it is, and if it has a query, everything
/// to the end belongs to it. Bytes that are not UTF-8 come back as replacement characters, which
/// no target may have.
#[must_use]
pub fn return_parameter(raw_query: &str) -> Option<Cow<'_, str>> {
    let start = raw_query
        .split('&')
        .scan(0, |at, pair| {
            let start = *at;
            *at += pair.len() + 1;
            Some((start, pair))
        })
        .find_map(|(start, pair)| pair.starts_with("rd=").then_some(start + "rd=".len()))?;
    let to_end = &raw_query[start..];
    let value = to_end.split('&').next().unwrap_or_default();
    if !looks_like_target(value) || is_escaped_behind_host(value) {
        return Some(decoded(value));
    }
    if value.contains('?') {
        return Some(Cow::Borrowed(to_end));
    }
    let once = decoded(value);
    if was_never_escaped(value, &once) {
        return Some(Cow::Borrowed(value));
    }
    Some(once)
}

fn decoded(value: &str) -> Cow<'_, str> {
    percent_decode_str(value).decode_utf8_lossy()
}

/// Begins as targets do, unescaped.
fn looks_like_target(value: &str) -> bool {
    let begins = |prefix: &str| {
        value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    value.starts_with('/') || begins("http://") || begins("https://")
}

/// `https://host%2Fpath`, as ingress-nginx writes it (`$scheme://$http_host$escaped_request_uri`): no
/// host holds a slash, so that everything behind it is escaped.
fn is_escaped_behind_host(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let end = rest.find(['/', '?', '#', '%']).unwrap_or(rest.len());
    let behind = rest.get(end..end + 3).unwrap_or_default();
    end > 0 && behind.eq_ignore_ascii_case("%2F") && !rest.contains(['/', '?', '#'])
}

/// Whether decoding would damage the value: an encoder that leaves slashes alone does not write
/// `%2F`, and what it encoded was a URL, without blanks, non-ASCII or stray percent signs.
/// Values that decode to control characters or backslashes are not rescued: they are no accident.
fn was_never_escaped(raw: &str, decoded: &str) -> bool {
    let escaped_slash = raw.contains("%2F") || raw.contains("%2f");
    let hostile = decoded.chars().any(|c| c.is_control() || c == '\\' || c == '\u{fffd}');
    let not_a_url = !decoded.bytes().all(is_url_byte) || !has_valid_escapes(decoded);
    !hostile && (escaped_slash || not_a_url)
}

fn has_valid_escapes(text: &str) -> bool {
    text.as_bytes()
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .all(|(at, _)| hex_pair(text.as_bytes().get(at + 1..at + 3)).is_some())
}
