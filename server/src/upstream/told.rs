//! Headers that many requests are sent with: checked, and written, once.

use std::fmt;

use super::UpstreamError;
use super::protocol::is_framing;
use crate::header_line::{is_name, is_value, write_line};

/// What an application is told with many requests. Those headers are left out that frame messages (`Host`,
/// `Content-Length`, ..).
pub struct Told {
    headers: Box<[Header]>,
    /// The same as HTTP/1.1 writes them.
    lines: Box<[u8]>,
    /// How long their names are: a bit for each length, which 64 more share.
    lengths: u64,
}

/// A name, in lower case, and a value.
type Header = (Box<str>, Box<[u8]>);

impl Told {
    /// These headers, in this order; no two have the same name.
    ///
    /// # Errors
    /// [`UpstreamError::BadHeader`] for a name or value that HTTP forbids.
    pub fn new<'h>(
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Self, UpstreamError> {
        let (mut told, mut lines, mut lengths) = (Vec::new(), Vec::new(), 0);
        for (name, value) in headers {
            if !may_be_set(name, value)? {
                continue;
            }
            write_line(&mut lines, name, value);
            lengths |= bit(name);
            told.push((name.to_ascii_lowercase().into_boxed_str(), value.into()));
        }
        Ok(Self { headers: told.into(), lines: lines.into(), lengths })
    }

    /// Whether there is a header of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.lengths & bit(name) != 0
            && self.headers.iter().any(|(told, _)| told.eq_ignore_ascii_case(name))
    }

    /// Names, in lower case, and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    pub(super) const fn lines(&self) -> &[u8] {
        &self.lines
    }
}

const fn bit(name: &str) -> u64 {
    1 << (name.len() % 64)
}

/// Whether we set such a header; not where it frames messages.
///
/// # Errors
/// [`UpstreamError::BadHeader`].
pub(super) fn may_be_set(name: &str, value: &[u8]) -> Result<bool, UpstreamError> {
    if !is_name(name) || !is_value(value) {
        return Err(UpstreamError::BadHeader { name: name.to_owned() });
    }
    let frames = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => is_framing(&name.to_ascii_lowercase()),
        false => is_framing(name),
    };
    if frames {
        tracing::warn!(%name, "a header that frames messages cannot be set");
    }
    Ok(!frames)
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").field("headers", &self.headers.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_written_once_and_found_in_any_case() {
        let told = Told::new([
            ("X-authentik-uid", &b"1"[..]),
            ("Host", b"elsewhere"),
            ("x-empty", b""),
            ("Transfer-Encoding", b"chunked"),
        ]);
        let told = told.unwrap();
        assert_eq!(told.lines(), b"X-Authentik-Uid: 1\r\nX-Empty: \r\n");
        assert_eq!(
            told.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            ["x-authentik-uid", "x-empty"]
        );
        assert!(told.has("x-authentik-uid") && told.has("X-EMPTY"));
        assert!(!told.has("host") && !told.has("x-empt") && !told.has("x-empts"));
    }

    #[test]
    fn what_http_forbids_is_an_error_that_names_the_header_alone() {
        for (name, value) in [("x a", &b"1"[..]), ("x-a", b"secret\r\nx-b: 2"), ("", b"1")] {
            let error = Told::new([(name, value)]).unwrap_err();
            assert!(matches!(&error, UpstreamError::BadHeader { name: of } if of == name));
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }
}
