//! Paths, endless and always the same: pieces that somebody reads in more than one way, between plain
//! ones.

use outpost_tests::Dice;

/// What paths are made of. The first few are plain, and come more often.
const PIECES: [&str; 56] = [
    "/",
    "/",
    "/",
    "/public/",
    "/public/",
    "/public",
    "/admin",
    "/outpost.goauthentik.io/",
    "/start",
    "a",
    "b1",
    "-",
    "~",
    "%20",
    "%c3%a9",
    "%70",
    "%7e",
    "+",
    "%2b",
    "=",
    "@",
    ":",
    "/auth/envoy",
    "!",
    "..",
    "/..",
    "/../",
    ".",
    "/.",
    "//",
    "%2e",
    "%2E%2e",
    "/%2e%2e/",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%25",
    "%252e",
    "%252f",
    ";",
    ";x=y",
    "%3b",
    "?",
    "?/../",
    "%3f",
    "#",
    "%23",
    "%00",
    "%0a",
    "%0d",
    "%zz",
    "%",
    "%ff",
    "é",
    "\"",
];

/// The pieces before this one every server reads alike.
const PLAIN: usize = 24;

/// An endless list of request targets.
pub(crate) struct Paths(Dice);

impl Paths {
    /// Always the same for the same seed.
    pub(crate) const fn of(seed: u64) -> Self {
        Self(Dice::new(seed))
    }
}

impl Iterator for Paths {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        // Some of them of plain pieces alone, or nearly all would be odd.
        let end = if self.0.below(3) == 0 { PLAIN } else { PIECES.len() };
        let count = 1 + self.0.below(7);
        let mut path = String::from(["/", "/public/", "/outpost.goauthentik.io"][self.0.below(3)]);
        for _ in 0..count {
            path += PIECES[self.0.below(end)];
        }
        Some(path)
    }
}
