//! Paths, endless and always the same: pieces that somebody reads in more than one way, between plain
//! ones.

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
pub(crate) struct Paths(u64);

impl Paths {
    /// Always the same for the same seed.
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % u64::try_from(end).unwrap()).unwrap()
    }
}

impl Iterator for Paths {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        // Some of them of plain pieces alone, or nearly all would be odd.
        let end = if self.below(3) == 0 { PLAIN } else { PIECES.len() };
        let count = 1 + self.below(7);
        let mut path = String::from(["/", "/public/", "/outpost.goauthentik.io"][self.below(3)]);
        for _ in 0..count {
            path += PIECES[self.below(end)];
        }
        Some(path)
    }
}
