//! Every way in which somebody on the way may read a path.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{PathView, view};

/// The paths that a raw path may stand for: the decoded one where everybody reads it alike, else
/// one for each way of reading it that proxies and applications are known for, in no order. What
/// is decided by the path must be the same for all of them.
#[must_use]
pub fn readings(raw: &str) -> Vec<Cow<'_, str>> {
    if let PathView::Plain(text) = view(raw) {
        return vec![text];
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
        for (raw, text) in [("/", "/"), ("/a/b", "/a/b"), ("/%61pp/x", "/app/x"), ("/a/", "/a/")] {
            assert_eq!(readings(raw), [text], "{raw}");
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
