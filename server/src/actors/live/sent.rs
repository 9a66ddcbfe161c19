//! What a viewer has been sent: only what differs is sent again.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use outpost_dashboard::live::Frame;

/// Hashes of the regions as they were sent last.
#[derive(Debug, Default)]
pub(super) struct Sent {
    hasher: RandomState,
    regions: HashMap<&'static str, u64>,
}

impl Sent {
    /// The JSON of what is new in `frame`, `None` when nothing is.
    pub(super) fn news(&mut self, frame: &Frame) -> Option<String> {
        let mut news = Frame::default();
        for region in &frame.regions {
            let hash = self.hasher.hash_one(&region.html);
            if self.regions.insert(region.id, hash) != Some(hash) {
                news.regions.push(region.clone());
            }
        }
        news.lines = frame.lines.clone().filter(|lines| lines.count > 0);
        if news.regions.is_empty() && news.lines.is_none() {
            return None;
        }
        serde_json::to_string(&news).ok()
    }
}

#[cfg(test)]
mod tests {
    use outpost_dashboard::live::{Lines, Region};

    use super::*;

    fn frame(regions: &[(&'static str, &str)], lines: usize) -> Frame {
        let region = |(id, html): &(&'static str, &str)| Region { id, html: (*html).to_owned() };
        Frame {
            regions: regions.iter().map(region).collect(),
            lines: Some(Lines { id: "tail", html: "<li>".repeat(lines), count: lines, keep: 9 }),
        }
    }

    #[test]
    fn only_what_differs_is_sent() {
        let mut sent = Sent::default();
        let first = sent.news(&frame(&[("a", "1"), ("b", "2")], 0)).unwrap();
        assert_eq!(first, r#"{"regions":[{"id":"a","html":"1"},{"id":"b","html":"2"}]}"#);
        assert_eq!(sent.news(&frame(&[("a", "1"), ("b", "2")], 0)), None);
        let second = sent.news(&frame(&[("a", "1"), ("b", "3")], 0)).unwrap();
        assert_eq!(second, r#"{"regions":[{"id":"b","html":"3"}]}"#);
        let third = sent.news(&frame(&[("a", "1"), ("b", "3")], 1)).unwrap();
        assert_eq!(
            third,
            r#"{"regions":[],"lines":{"id":"tail","html":"<li>","count":1,"keep":9}}"#
        );
        assert_eq!(sent.news(&Frame::default()), None);
    }
}
