//! Takes out of texts what is nobody else's business. In doubt, it is.

use std::net::IpAddr;

use crate::ops::masking::{MASK, mask_url};

/// Words this long that look like chance are taken for secrets, in bytes.
const OPAQUE: usize = 32;

/// What is taken out besides secrets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scrub {
    /// Addresses, of people and of machines.
    pub(super) people: bool,
}

/// Whether a field holds a secret by its name.
pub(super) fn is_secret_field(name: &str) -> bool {
    ["token", "secret", "passw", "cookie", "jwt", "authoriz", "api_key", "credential", "session_id"]
        .iter()
        .any(|part| name.contains(part))
}

/// Whether a field tells of a person by its name.
pub(super) fn is_personal_field(name: &str) -> bool {
    matches!(
        name,
        "user"
            | "username"
            | "sub"
            | "email"
            | "who"
            | "peer"
            | "client"
            | "client_ip"
            | "address"
            | "headers"
            | "path"
            | "host"
            | "claims"
            | "groups"
    )
}

impl Scrub {
    /// The text with masks in it.
    pub(super) fn text(self, text: &str) -> String {
        let mut scrubbed = String::with_capacity(text.len());
        let mut after_scheme = false;
        // Separators stay: what is left can be read.
        for piece in text.split_inclusive(is_separator) {
            let (word, separator) = match piece.char_indices().next_back() {
                Some((at, last)) if is_separator(last) => piece.split_at(at),
                _ => (piece, ""),
            };
            if word.is_empty() {
                scrubbed.push_str(separator);
                continue;
            }
            let scheme =
                ["bearer", "basic", "negotiate"].iter().any(|it| word.eq_ignore_ascii_case(it));
            if std::mem::replace(&mut after_scheme, scheme) {
                scrubbed.push_str(MASK);
            } else {
                scrubbed.push_str(&self.word(word));
            }
            scrubbed.push_str(separator);
        }
        scrubbed
    }

    /// A name that others gave to a request, and that looks like chance by its nature.
    pub(super) fn id(self, id: &str) -> String {
        let mut pieces = id.split(|c| is_separator(c) || c == '=');
        let personal = self.people && pieces.any(|piece| is_mail(piece) || is_address(piece));
        if personal { MASK.to_owned() } else { id.to_owned() }
    }

    fn word(self, word: &str) -> String {
        if let Some((scheme, rest)) = word.split_once("://") {
            return format!("{}://{}", self.parameters(scheme), self.url(rest));
        }
        self.parameters(word)
    }

    /// A path with parameters, parameters by themselves, or neither.
    fn parameters(self, word: &str) -> String {
        let masked = if word.contains('?') || !word.contains('&') {
            mask_url(word)
        } else {
            mask_url(&format!("?{word}")).split_off(1)
        };
        masked.split_inclusive(['?', '&', '#']).map(|piece| self.between(piece)).collect()
    }

    /// A piece of a word, with what ends it.
    fn between(self, piece: &str) -> String {
        match piece.char_indices().next_back() {
            Some((at, '?' | '&' | '#' | '/')) => {
                let (piece, end) = piece.split_at(at);
                format!("{}{end}", self.pair(piece))
            }
            _ => self.pair(piece),
        }
    }

    fn pair(self, word: &str) -> String {
        if let Some((name, value)) = word.split_once('=')
            && !value.is_empty()
        {
            let secret = is_secret_field(&name.to_ascii_lowercase()) || is_opaque(value);
            return if secret {
                format!("{name}={MASK}")
            } else {
                format!("{name}={}", self.plain(value))
            };
        }
        self.plain(word)
    }

    fn plain(self, word: &str) -> String {
        let hidden = is_opaque(word) || (self.people && (is_mail(word) || is_address(word)));
        if hidden { MASK.to_owned() } else { word.to_owned() }
    }

    /// What follows `://`.
    fn url(self, rest: &str) -> String {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((_, host)) => (format!("{MASK}@"), host),
            None => (String::new(), authority),
        };
        let host = if self.people && is_address(host) { MASK } else { host };
        let path = mask_url(path);
        let pieces = path.split_inclusive(['/', '?', '&', '#']);
        let path: String = pieces.map(|piece| self.between(piece)).collect();
        format!("{user}{host}{path}")
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, ',' | ';' | '(' | ')' | '"' | '\'' | '`' | '<' | '>' | '{' | '}')
}

/// Long, and of the letters that tokens, keys and hashes are made of. Words of a program (paths of
/// modules and files) have no digits among their letters, or separators that those have not.
fn is_opaque(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ':']);
    let is_token = word.starts_with("eyJ") && word.len() > 16;
    let letters =
        word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=.~".contains(&byte));
    let mixed = word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_token || (word.len() >= OPAQUE && letters && mixed && !word.ends_with(".rs"))
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
}

/// An IP address, with or without a port.
fn is_address(word: &str) -> bool {
    let word = word.trim_end_matches([':', '.']);
    let bare = word.trim_start_matches('[');
    let bare = bare.split_once(']').map_or(bare, |(address, _)| address);
    bare.parse::<IpAddr>().is_ok() || word.parse::<std::net::SocketAddr>().is_ok()
}
