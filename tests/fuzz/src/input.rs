//! Inputs taken apart: lines, and headers among them.

use outpost_decision::facts::Headers;

/// The lines of an input; a last line without an end counts.
pub fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n')
}

/// The first line, and all that follows it.
#[must_use]
pub fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, b""),
    }
}

/// Headers as they were sent: names and values, in their order, bytes and all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent(pub Vec<(String, Vec<u8>)>);

impl Sent {
    /// Lines of `Name: value`. What an HTTP parser would not let through is left out: names that are
    /// no tokens, and values with control characters other than a tab.
    #[must_use]
    pub fn parse(data: &[u8]) -> Self {
        let read = |line: &[u8]| {
            let at = line.iter().position(|byte| *byte == b':')?;
            let name = std::str::from_utf8(&line[..at]).ok()?;
            let is_token = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~!".contains(&byte));
            let value = line[at + 1..].trim_ascii();
            let is_value =
                value.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f));
            (is_token && is_value).then(|| (name.to_owned(), value.to_vec()))
        };
        Self(lines(data).filter_map(read).collect())
    }

    /// All values of a header.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&[u8]> {
        let named = self.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_slice()).collect()
    }

    /// The same without some headers.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        let is_named = |key: &str| names.iter().any(|name| key.eq_ignore_ascii_case(name));
        Self(self.0.iter().filter(|(key, _)| !is_named(key)).cloned().collect())
    }
}

impl Headers for Sent {
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}
