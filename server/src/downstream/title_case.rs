//! Names of headers as other HTTP/1.1 servers write them: old devices compare byte for byte.

/// `x-early-hint` as `X-Early-Hint`.
pub(super) fn title_case(name: &str) -> impl Iterator<Item = u8> {
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
