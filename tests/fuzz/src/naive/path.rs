//! What readers of a path may make of it: RFC 3986, and the habits of servers.

use std::collections::BTreeSet;

/// Replaces each `%XX` by its byte, once. `None` where a percent sign begins no escape.
#[must_use]
pub fn percent_decoded(path: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            decoded.push(*first);
            rest = after;
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    Some(decoded)
}

/// RFC 3986 section 5.2.4, step by step.
#[must_use]
pub fn dots_removed(path: &[u8]) -> Vec<u8> {
    let mut input = path.to_vec();
    let mut output: Vec<u8> = Vec::new();
    let drop_last = |output: &mut Vec<u8>| {
        let end = output.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        output.truncate(end);
    };
    while !input.is_empty() {
        if input.starts_with(b"../") {
            input.drain(..3); // A
        } else if input.starts_with(b"./") {
            input.drain(..2); // A
        } else if input.starts_with(b"/./") {
            input.drain(..2); // B
        } else if input == b"/." {
            input = b"/".to_vec(); // B
        } else if input.starts_with(b"/../") {
            input.drain(..3); // C
            drop_last(&mut output);
        } else if input == b"/.." {
            input = b"/".to_vec(); // C
            drop_last(&mut output);
        } else if input == b"." || input == b".." {
            input.clear(); // D
        } else {
            // E: the first segment, with the slash before it.
            let end = input
                .iter()
                .skip(1)
                .position(|byte| *byte == b'/')
                .map_or(input.len(), |at| at + 1);
            output.extend(input.drain(..end));
        }
    }
    output
}

/// Several slashes in a row as one (nginx' `merge_slashes`, Go's `path.Clean`).
#[must_use]
pub fn slashes_merged(path: &[u8]) -> Vec<u8> {
    let mut merged: Vec<u8> = Vec::new();
    for byte in path {
        if !(*byte == b'/' && merged.last() == Some(&b'/')) {
            merged.push(*byte);
        }
    }
    merged
}

fn backslashes_turned(path: &[u8]) -> Vec<u8> {
    path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
}

/// `;parameters` taken out of each segment, as Java's servers do.
fn parameters_removed(path: &[u8]) -> Vec<u8> {
    let segments = path.split(|byte| *byte == b'/');
    let plain: Vec<&[u8]> = segments
        .map(|segment| segment.split(|byte| *byte == b';').next().unwrap_or_default())
        .collect();
    plain.join(&b'/')
}

/// The path up to what ends one for somebody: a question mark, a fragment, a NUL.
fn cut(path: &[u8]) -> Vec<u8> {
    path.split(|byte| matches!(byte, b'?' | b'#' | 0)).next().unwrap_or_default().to_vec()
}

/// What a reader does to a path.
type Habit = fn(&[u8]) -> Vec<u8>;

/// Everything that applications and proxies are known to make of a raw path: each starts by decoding
/// it once (or not at all, and then decodes what has come of it), and then takes any of the habits, in
/// any order, twice.
#[must_use]
pub fn readings(raw: &[u8]) -> BTreeSet<Vec<u8>> {
    let habits: [Habit; 6] =
        [dots_removed, slashes_merged, backslashes_turned, parameters_removed, cut, <[u8]>::to_vec];
    let decode = |path: &[u8]| percent_decoded(path).unwrap_or_else(|| path.to_vec());
    let mut found = BTreeSet::new();
    for before in habits {
        for between in habits {
            for after in habits {
                let once = decode(&before(raw));
                found.insert(after(&between(&once)));
                found.insert(after(&between(&decode(&once))));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_go_as_the_standard_shows() {
        for (path, expected) in [
            ("/a/b/c/./../../g", "/a/g"),
            ("mid/content=5/../6", "mid/6"),
            ("/..", "/"),
            ("/a/.", "/a/"),
            ("/a//../b", "/a/b"),
            ("/.a/..b", "/.a/..b"),
        ] {
            assert_eq!(dots_removed(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }

    #[test]
    fn a_plain_path_has_one_reading_and_an_odd_one_several() {
        assert_eq!(readings(b"/caf%c3%a9/x"), [b"/caf\xc3\xa9/x".to_vec()].into());
        for odd in
            ["/a/../b", "/a/%2e%2e/b", "/a%252fb", "/a//b", "/a;b", "/a%5cb", "/a%00", "/a%3fb"]
        {
            assert!(readings(odd.as_bytes()).len() > 1, "{odd}");
        }
    }
}
