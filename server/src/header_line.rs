//! Headers as HTTP/1.1 writes them.

use http::HeaderName;

/// Appends a header's line. Names are written as other servers write them: old devices compare byte for
/// byte.
pub(crate) fn write_header(to: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    write_line(to, name.as_str(), value);
}

/// The same of a name in any case, where both are what HTTP allows.
pub(crate) fn write_line(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    let begins = to.len();
    to.extend_from_slice(name.as_bytes());
    title_case(&mut to[begins..]);
    write_value(to, value);
}

/// The same of a name that is as it is written.
pub(crate) fn write_titled(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    to.extend_from_slice(name.as_bytes());
    write_value(to, value);
}

fn write_value(to: &mut Vec<u8>, value: &[u8]) {
    to.extend_from_slice(b": ");
    to.extend_from_slice(value);
    to.extend_from_slice(b"\r\n");
}

/// Whether HTTP allows this for a name, as [`HeaderName::from_bytes`] judges it.
pub(crate) fn is_name(name: &str) -> bool {
    /// As long as names may be.
    const LONGEST: usize = 65_535;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_token)
}

/// Whether HTTP allows this for a value, as [`http::HeaderValue::from_bytes`] judges it.
pub(crate) fn is_value(value: &[u8]) -> bool {
    // All bytes at once: a token is nothing else.
    value.iter().fold(true, |is, byte| is & matches!(byte, b'\t' | b' '..=b'~' | 0x80..))
}

/// Every byte in either case: to look it up takes less than to find it out.
const CAPITAL: [u8; 256] = bytes(true);
const SMALL: [u8; 256] = bytes(false);

const fn bytes(capital: bool) -> [u8; 256] {
    let mut bytes = [0; 256];
    let mut byte = u8::MAX;
    loop {
        bytes[byte as usize] =
            if capital { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
        if byte == 0 {
            return bytes;
        }
        byte -= 1;
    }
}

/// `x-early-hint` as `X-Early-Hint`.
fn title_case(name: &mut [u8]) {
    let mut cases = &CAPITAL;
    for byte in name {
        *byte = cases[usize::from(*byte)];
        cases = if *byte == b'-' { &CAPITAL } else { &SMALL };
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn each_word_of_a_name_begins_with_a_capital() {
        let written = |name: &str| {
            let mut name = name.as_bytes().to_vec();
            title_case(&mut name);
            String::from_utf8(name).unwrap()
        };
        assert_eq!(written("x-early-hint"), "X-Early-Hint");
        assert_eq!(written("date"), "Date");
        assert_eq!(written("X-authentik-META-jwks"), "X-Authentik-Meta-Jwks");
        assert_eq!(written("-a--b-"), "-A--B-");
    }

    #[test]
    fn names_and_values_are_judged_as_the_http_crate_judges_them() {
        for byte in 0..=u8::MAX {
            let value = [b'a', byte, b'z'];
            assert_eq!(is_value(&value), HeaderValue::from_bytes(&value).is_ok(), "{byte}");
            let name = format!("a{}", char::from(byte));
            assert_eq!(is_name(&name), HeaderName::from_bytes(name.as_bytes()).is_ok(), "{byte}");
        }
        for length in [0, 1, 65_534, 65_535, 65_536] {
            let name = "a".repeat(length);
            let known = HeaderName::from_bytes(name.as_bytes()).is_ok();
            assert_eq!(is_name(&name), known, "{length}");
        }
    }
}
