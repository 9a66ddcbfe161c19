//! Headers as HTTP/1.1 writes them.

use http::HeaderName;

/// Appends a header's line. Names are written as other servers write them: old devices compare byte for
/// byte.
pub(super) fn write_header(to: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    to.extend(title_case(name.as_str()));
    to.extend_from_slice(b": ");
    to.extend_from_slice(value);
    to.extend_from_slice(b"\r\n");
}

/// `x-early-hint` as `X-Early-Hint`.
fn title_case(name: &str) -> impl Iterator<Item = u8> {
    let mut begins = true;
    name.bytes().map(move |byte| {
        let written = if begins { byte.to_ascii_uppercase() } else { byte };
        begins = byte == b'-';
        written
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_of_a_name_begins_with_a_capital() {
        let written = |name| String::from_utf8(title_case(name).collect()).unwrap();
        assert_eq!(written("x-early-hint"), "X-Early-Hint");
        assert_eq!(written("date"), "Date");
        assert_eq!(written("-a--b-"), "-A--B-");
    }
}
