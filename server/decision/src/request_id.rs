//! Ids of requests that somebody in front of us has given (`X-Request-ID`).

/// Longest id that is taken over, in bytes.
pub const LONGEST: usize = 128;

/// Reads the values of `X-Request-ID`: an id that is safe to write into logs, pages and headers.
/// Anything else, and more than one, is `None`, and an id of our own is given.
#[must_use]
pub fn accept<'v>(mut values: impl Iterator<Item = &'v [u8]>) -> Option<&'v str> {
    let value = values.next()?;
    if values.next().is_some() || value.is_empty() || value.len() > LONGEST {
        return None;
    }
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=:@".contains(byte);
    if value.iter().all(safe) { std::str::from_utf8(value).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_common_proxies_are_taken_over_and_nothing_that_could_do_harm() {
        let longest = "x".repeat(LONGEST);
        let too_long = "x".repeat(LONGEST + 1);
        for (values, expected) in [
            (vec!["7d9ff2cba0e14e4b8b5c1a5b8a3e2d10"], true),
            (vec!["6b0d3f6e-1a5e-4a56-9b1e-0d8f3f0e9c11"], true),
            (vec!["Root=1-67891233-abcdef012345678912345678"], true),
            (vec!["01J9Z/abc+def=="], true),
            (vec![longest.as_str()], true),
            (vec![too_long.as_str()], false),
            (vec![""], false),
            (vec![], false),
            (vec!["a", "a"], false),
            (vec!["a b"], false),
            (vec!["a\tb"], false),
            (vec!["a\"b"], false),
            (vec!["<script>"], false),
            (vec!["a{b}"], false),
            (vec!["a,b"], false),
            (vec!["ä"], false),
            (vec!["a\u{0}"], false),
        ] {
            let found = accept(values.iter().map(|value| value.as_bytes()));
            assert_eq!(found.is_some(), expected, "{values:?}");
            assert_eq!(found, values.first().copied().filter(|_| expected));
        }
    }
}
