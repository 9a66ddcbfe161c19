//! The headers that tell where a request came from and went to, as they were sent: evidence for
//! whoever asks afterwards why it was decided as it was.

use super::masking::{lossy, mask_url_into};

/// Their names, as people write them. Which of them count is for the decision to say; those that
/// never do are here because people set them in the belief that they do.
pub const NAMES: [&str; 18] = [
    "Host",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Method",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Forwarded-Uri",
    "X-Original-Host",
    "X-Original-Method",
    "X-Original-URI",
    "X-Original-URL",
    "X-Real-Ip",
    "X-Scheme",
];

/// Longest value that is kept, in bytes.
const LONGEST: usize = 512;

/// Most headers that are kept of one request.
const MOST: usize = 24;

/// Room for the headers of most requests.
const USUAL: usize = 256;

/// Values of such headers, masked and cut. Takes one allocation, and none for a request that has
/// no such header but its `Host`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// For each: its place in [`NAMES`] as a letter, the value, a line break.
    text: String,
}

impl Forwarding {
    /// Picks them out of all headers, whose names are in lower case.
    #[must_use]
    pub fn pick<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Self {
        let mut text = String::new();
        let mut hosts: [Option<&[u8]>; 2] = [None; 2];
        let mut kept = 0;
        for (name, value) in headers {
            // Most headers end here.
            if !(name.starts_with("x-") || matches!(name, "host" | "forwarded")) {
                continue;
            }
            if name == "host" {
                let seen = hosts.iter_mut().find(|seen| seen.is_none());
                if let Some(seen) = seen {
                    *seen = Some(value);
                }
                continue;
            }
            let Some(place) = place(name).filter(|_| kept < MOST) else { continue };
            kept += 1;
            push(&mut text, place, value);
        }
        // One `Host` and nothing else is what the event says anyway.
        if kept > 0 || hosts[1].is_some() {
            hosts.into_iter().flatten().for_each(|host| push(&mut text, HOST, host));
        }
        Self { text }
    }

    /// Name and value of each; the names are among [`NAMES`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.text.split_terminator('\n').filter_map(|line| {
            let (letter, value) = line.split_at_checked(1)?;
            let place = letter.bytes().next()?.checked_sub(FIRST)?;
            Some((*NAMES.get(usize::from(place))?, value))
        })
    }

    /// Whether nothing is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

const FIRST: u8 = b'a';

/// Place of `Host` in [`NAMES`].
const HOST: u8 = 0;

/// Place of a name (in lower case) in [`NAMES`].
fn place(name: &str) -> Option<u8> {
    let place = match name {
        "forwarded" => 1,
        "x-forwarded-for" => 2,
        "x-forwarded-host" => 3,
        "x-forwarded-method" => 4,
        "x-forwarded-port" => 5,
        "x-forwarded-prefix" => 6,
        "x-forwarded-proto" => 7,
        "x-forwarded-scheme" => 8,
        "x-forwarded-server" => 9,
        "x-forwarded-ssl" => 10,
        "x-forwarded-uri" => 11,
        "x-original-host" => 12,
        "x-original-method" => 13,
        "x-original-uri" => 14,
        "x-original-url" => 15,
        "x-real-ip" => 16,
        "x-scheme" => 17,
        _ => return None,
    };
    Some(place)
}

/// Whether a byte is nothing that could have to be masked, nor stand beside such.
const IS_CLEAR: [bool; 256] = {
    let mut clear = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        clear[byte as usize] = !matches!(byte, b'?' | b'@');
        byte += 1;
    }
    clear
};

fn push(text: &mut String, place: u8, value: &[u8]) {
    if text.capacity() == 0 {
        text.reserve(USUAL);
    }
    let cut = value.get(..LONGEST).unwrap_or(value);
    text.push(char::from(FIRST + place));
    // Most name a host or an address.
    if cut.iter().fold(true, |all, byte| all & IS_CLEAR[usize::from(*byte)]) {
        text.push_str(&lossy(cut));
        text.push('\n');
        return;
    }
    let begin = text.len();
    mask_url_into(&lossy(cut), text);
    // No header has one; whoever reads must be able to rely on it.
    if text.as_bytes().get(begin..).is_some_and(|value| value.contains(&b'\n')) {
        text.truncate(begin);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(forwarding: &Forwarding) -> Vec<(&'static str, &str)> {
        forwarding.iter().collect()
    }

    fn pick(headers: &[(&str, &str)]) -> Forwarding {
        Forwarding::pick(headers.iter().map(|(name, value)| (*name, value.as_bytes())))
    }

    #[test]
    fn every_name_has_a_letter_of_its_own() {
        for name in NAMES.into_iter().skip(1) {
            let forwarding = pick(&[(&name.to_ascii_lowercase(), "value")]);
            assert_eq!(shown(&forwarding), [(name, "value")]);
        }
    }

    #[test]
    fn what_forwards_is_kept_with_the_host_and_nothing_else_is() {
        let forwarding = pick(&[
            ("host", "outpost:9000"),
            ("accept", "*/*"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-for", ""),
            ("x-forwarded-access-token", "s3cr3t"),
            ("authorization", "Bearer s3cr3t"),
            ("x-forwarded-uri", "/cb?code=s3cr3t&x=1"),
            ("x-original-url", "https://al:s3cr3t@host/?state=s3cr3t"),
        ]);
        assert_eq!(
            shown(&forwarding),
            [
                ("X-Forwarded-For", "192.0.2.7"),
                ("X-Forwarded-For", ""),
                ("X-Forwarded-Uri", "/cb?code=******&x=1"),
                ("X-Original-URL", "https://******@host/?state=******"),
                ("Host", "outpost:9000"),
            ]
        );
    }

    #[test]
    fn a_request_with_its_host_alone_takes_no_room() {
        let plain = pick(&[("host", "app"), ("accept", "*/*")]);
        assert!(plain.is_empty() && plain.text.capacity() == 0);
        let twice = pick(&[("host", "app"), ("host", "other")]);
        assert_eq!(shown(&twice), [("Host", "app"), ("Host", "other")]);
    }

    #[test]
    fn what_a_client_sends_is_bounded() {
        let long = "ü".repeat(4000);
        let many = vec![("x-forwarded-for", long.as_str()); 500];
        let forwarding = pick(&many);
        assert_eq!(forwarding.iter().count(), MOST);
        assert!(forwarding.text.len() < (LONGEST + 8) * MOST, "{}", forwarding.text.len());
    }
}
