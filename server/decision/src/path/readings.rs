//! Every way in which somebody on the way may read a path.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{PathView, view};

/// The paths that a raw path may stand for: the decoded one where applications read it alike (and
/// that of proxies which compare bytes, where it differs), else one for each way of reading it that
/// proxies and applications are known for, in no order. What is decided by the path must be the
/// same for all of them.
#[must_use]
pub fn readings(raw: &str) -> Vec<Cow<'_, str>> {
    if let PathView::Plain(text) = view(raw) {
        let compared = compared(raw);
        return if compared == text { vec![text] } else { vec![text, compared] };
    }
    let once = percent_decode_str(raw).decode_utf8_lossy();
    let twice = percent_decode_str(&once).decode_utf8_lossy().into_owned();
    let mut found: Vec<Cow<'_, str>> = vec![Cow::Borrowed(raw)];
    for text in [raw, &once, &twice] {
        // Where a decoded mark ends the path for one, and is part of it for another.
        let cut = text.split(['?', '#', '\0']).next().unwrap_or_default();
        for text in [text, cut] {
            let slashes = text.replace('\\', "/");
            for reading in [resolved(text), resolved(&slashes), resolved(&plain(&slashes))] {
                if !found.contains(&Cow::Borrowed(reading.as_str())) {
                    found.push(Cow::Owned(reading));
                }
            }
        }
    }
    found
}

/// The path to whoever compares it byte by byte with that of an application (Envoy, HAProxy): an
/// escape that has to be there stands in the application's path as well, and counts as what it
/// stands for; that of a character which needs none is just other bytes.
fn compared(raw: &str) -> Cow<'_, str> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => {
                hex::decode([*high, *low]).ok().and_then(|byte| byte.first().copied())
            }
            _ => None,
        };
        match escaped {
            Some(byte) if !needs_no_escape(byte) => {
                bytes.push(byte);
                rest = rest.get(3..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    if bytes == raw.as_bytes() {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a byte stands in a path as it is (RFC 3986, section 3.3).
fn needs_no_escape(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
}

/// Without `;parameters`, as Java's servers take them out of each segment.
fn plain(path: &str) -> String {
    let segments = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    segments.collect::<Vec<_>>().join("/")
}

/// Without dot segments and empty ones (nginx, and Go's `path.Clean`).
fn resolved(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

/// The path of an external host, decoded. Compiling refuses one that is not plain.
#[must_use]
pub fn of_base(path: &str) -> Cow<'_, str> {
    match view(path) {
        PathView::Plain(text) => text,
        PathView::Ambiguous(_) => Cow::Borrowed(path),
    }
}

/// Whether `path` is `base` or below it, on a segment boundary. `base` has no final slash and is
/// empty for the whole host.
#[must_use]
pub fn is_below(path: &str, base: &str) -> bool {
    path.strip_prefix(base)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || base.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_reads_in_one_way() {
        for (raw, text) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/", "/a/"),
            ("/caf%C3%A9", "/caf\u{e9}"),
            ("/caf%c3%a9/x", "/caf\u{e9}/x"),
            ("/my%20app", "/my app"),
        ] {
            assert_eq!(readings(raw), [text], "{raw}");
        }
    }

    #[test]
    fn an_escape_that_nobody_needs_is_other_bytes_to_whoever_compares_bytes() {
        for (raw, text, compared) in [
            ("/%61pp/x", "/app/x", "/%61pp/x"),
            ("/a/%64eep/caf%C3%A9", "/a/deep/caf\u{e9}", "/a/%64eep/caf\u{e9}"),
            ("/a%2Db", "/a-b", "/a%2Db"),
        ] {
            assert_eq!(readings(raw), [text, compared], "{raw}");
        }
    }

    #[test]
    fn what_others_may_make_of_a_path_is_among_its_readings() {
        for (raw, other) in [
            ("/a/../b", "/b"),
            ("/a/%2e%2e/b", "/b"),
            ("/a/%252e%252e/b", "/b"),
            ("/a/..;x=y/b", "/b"),
            ("/a/;/../../b", "/b"),
            ("/a/..%2fb", "/b"),
            ("/a/..%5cb", "/b"),
            ("/a\\..\\b", "/b"),
            ("//b/x", "/b/x"),
            ("/b//x", "/b/x"),
            ("/b/.", "/b"),
            ("/b%00/x", "/b"),
            ("/b%3f/../a", "/b"),
            ("/b%23x", "/b"),
        ] {
            assert!(readings(raw).iter().any(|reading| reading == other), "{raw}: {other}");
        }
    }

    #[test]
    fn below_ends_at_a_segment() {
        for (path, base, expected) in [
            ("/app", "/app", true),
            ("/app/", "/app", true),
            ("/app/x", "/app", true),
            ("/apple", "/app", false),
            ("/App", "/app", false),
            ("/", "/app", false),
            ("/x/app", "/app", false),
            ("/anything", "", true),
            ("*", "", true),
            ("*", "/app", false),
        ] {
            assert_eq!(is_below(path, base), expected, "{path} {base}");
        }
    }
}
