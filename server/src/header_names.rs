//! Names of headers that are read again and again, and where they lie in what was read.

use std::ops::Range;

use bytes::Bytes;
use http::HeaderName;

/// Names of headers as they were sent, and read, each at the place where it stood in the head before:
/// whoever is at the other end of a connection sends the same ones in the same order all the time.
#[derive(Default)]
pub(crate) struct Names(Vec<(Bytes, HeaderName)>);

impl Names {
    /// Longest name that is remembered: a connection is not to keep much.
    const LONGEST: usize = 64;

    /// The name that was `sent` at this place of a head; `None` where it is none.
    pub(crate) fn read(&mut self, at: usize, sent: &[u8]) -> Option<HeaderName> {
        if let Some((before, name)) = self.0.get(at)
            && before == sent
        {
            return Some(name.clone());
        }
        let name = HeaderName::from_bytes(sent).ok()?;
        if sent.len() <= Self::LONGEST {
            let entry = (Bytes::copy_from_slice(sent), name.clone());
            if let Some(before) = self.0.get_mut(at) {
                *before = entry;
            } else if self.0.len() == at {
                self.0.push(entry);
            }
        }
        Some(name)
    }
}

/// Where `part` lies within `whole`, of which it is a part.
pub(crate) fn place(whole: &[u8], part: &[u8]) -> Range<usize> {
    let begin = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    begin..begin + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_keeps_no_long_names() {
        let mut names = Names::default();
        let long = "X".repeat(Names::LONGEST + 1);
        assert_eq!(names.read(0, long.as_bytes()).unwrap().as_str(), long.to_lowercase());
        assert_eq!(names.read(0, b"X-Short").unwrap(), "x-short");
        assert_eq!(names.read(1, long.as_bytes()).unwrap().as_str(), long.to_lowercase());
        assert!(names.0.iter().all(|(sent, _)| sent.len() <= Names::LONGEST));
        assert!(names.read(0, b"not a name").is_none());
    }
}
