//! What operators may see of a request: no secret of anybody.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands in place of a secret.
pub const MASK: &str = "******";

/// Longest text taken from a client into logs and journal, in bytes.
const LONGEST: usize = 2048;

/// Parameter values, but for what is masked in them.
const VALUE: AsciiSet =
    NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path with its query as far as operators may see it: values of parameters that carry secrets
/// are masked, and return targets lose their query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskedPath(String);

impl MaskedPath {
    /// Masks a path with its query.
    #[must_use]
    pub fn new(path_and_query: &str) -> Self {
        Self(mask_url(cut(path_and_query)))
    }

    /// The same of a path and a query apart.
    #[must_use]
    pub fn of(path: &str, query: Option<&str>) -> Self {
        let length = path.len() + query.map_or(0, |query| query.len() + 1);
        if length > LONGEST || path.contains('?') {
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            return Self::new(&format!("{path}{query}"));
        }
        let mut masked = String::with_capacity(length);
        mask_user(path, &mut masked);
        if let Some(query) = query {
            masked.push('?');
            mask_query(query, &mut masked);
        }
        Self(masked)
    }

    /// The masked text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MaskedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `part` stands somewhere in `text`, each of whose bytes is read as `fold` makes it.
pub(super) fn contains(text: &str, part: &str, fold: impl Fn(u8) -> u8) -> bool {
    let mut places = text.as_bytes().windows(part.len());
    places.any(|place| std::iter::zip(place, part.bytes()).all(|(byte, it)| fold(*byte) == it))
}

fn is_secret_parameter(name: &str) -> bool {
    // No name of a secret is shorter, and many that people use are.
    if name.len() < 3 {
        return false;
    }
    let fold = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    let is = |known: &str| name.len() == known.len() && contains(name, known, fold);
    [
        "token",
        "secret",
        "passw",
        "api_key",
        "apikey",
        "access_key",
        "accesskey",
        "subscription_key",
        "credential",
        "jwt",
        "signature",
        "session",
        "assertion",
        "samlresponse",
        "saml_response",
    ]
    .iter()
    .any(|part| contains(name, part, fold))
        || [
            "code",
            "state",
            "nonce",
            "sid",
            "sig",
            "key",
            "auth",
            "pwd",
            "otp",
            "totp",
            "ticket",
            "authorization",
            "code_verifier",
        ]
        .into_iter()
        .any(is)
}

/// Masks the parameters of anything that looks like a URL. Core answers with two question marks
/// (contract 8), so each of them begins parameters.
pub(crate) fn mask_url(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    mask_url_into(text, &mut masked);
    masked
}

/// The same, written at the end of `masked`.
pub(super) fn mask_url_into(text: &str, masked: &mut String) {
    // Nearly always nothing is to be masked, and many bytes are looked at together.
    let split = text.as_bytes().contains(&b'?').then(|| split_at_byte(text, b'?')).flatten();
    let Some((path, query)) = split else {
        mask_user(text, masked);
        return;
    };
    mask_user(path, masked);
    masked.push('?');
    mask_query(query, masked);
}

/// Masks what follows the first question mark of a URL.
fn mask_query(query: &str, masked: &mut String) {
    let mut rest = query;
    loop {
        let separates = |byte: &u8| matches!(byte, b'&' | b'?' | b';' | b'#');
        let Some(end) = rest.as_bytes().iter().position(separates) else {
            mask_parameter(rest, masked);
            return;
        };
        mask_parameter(&rest[..end], masked);
        masked.push_str(&rest[end..=end]);
        rest = &rest[end + 1..];
    }
}

/// What stands before and after the first of such bytes, which is a character of one byte.
fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.as_bytes().iter().position(|it| *it == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

fn mask_parameter(parameter: &str, masked: &mut String) {
    let Some((name, value)) = split_at_byte(parameter, b'=') else {
        masked.push_str(parameter);
        return;
    };
    let is_secret = is_secret_parameter(&decoded(name));
    let may_hold = |byte: &u8| matches!(byte, b'%' | b'?' | b'#' | b':');
    if !is_secret && !value.as_bytes().iter().any(may_hold) {
        masked.push_str(parameter);
        return;
    }
    masked.push_str(name);
    masked.push('=');
    if is_secret {
        masked.push_str(MASK);
        return;
    }
    // A URL inside a parameter (`rd` for one) may name a user, and have secrets in a query or
    // fragment of its own.
    let plain = decoded(value);
    if plain.contains('%')
        && ["%3f", "%23", "%40", "%25"]
            .iter()
            .any(|it| contains(&plain, it, |byte| byte.to_ascii_lowercase()))
    {
        // Encoded more often than anybody does: what is in it is not for us to find out.
        masked.push_str(MASK);
        return;
    }
    let end = plain.find(['?', '#']);
    let mut clear = String::with_capacity(plain.len());
    mask_user(plain.get(..end.unwrap_or(plain.len())).unwrap_or_default(), &mut clear);
    if let Some(separator) = end.and_then(|end| plain.get(end..=end)) {
        clear.push_str(separator);
        clear.push_str(MASK);
    }
    if clear == plain {
        masked.push_str(value);
    } else if plain == value {
        masked.push_str(&clear);
    } else {
        masked.extend(utf8_percent_encode(&clear, &VALUE));
    }
}

/// A text without what is encoded in it, nor in what was encoded in it.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let once = percent_decode_str(text).decode_utf8_lossy();
    if !once.contains('%') {
        return once;
    }
    Cow::Owned(percent_decode_str(&once).decode_utf8_lossy().into_owned())
}

/// Leaves out who is named before the host of a URL (`https://user:password@host`).
fn mask_user(text: &str, masked: &mut String) {
    // Nearly always.
    if !text.as_bytes().contains(&b'@') {
        masked.push_str(text);
        return;
    }
    let colons = text.match_indices(':').map(|(at, _)| at);
    let scheme = colons.into_iter().find(|at| text[*at..].starts_with("://"));
    let user = scheme.and_then(|scheme| {
        let begin = scheme + "://".len();
        let authority = text.get(begin..)?.split(['/', '?', '#']).next()?;
        Some((begin, begin + authority.rfind('@')?))
    });
    match user {
        Some((begin, end)) => {
            masked.push_str(text.get(..begin).unwrap_or_default());
            masked.push_str(MASK);
            masked.push_str(text.get(end..).unwrap_or_default());
        }
        None => masked.push_str(text),
    }
}

/// Bytes of a client as text.
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly always, and found out more quickly.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The beginning of a text that a client may have made as long as it liked.
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, expected) in [
            ("/", "/"),
            ("/a?b=c&d", "/a?b=c&d"),
            ("/cb?code=s3cr3t&x=1&state=s3cr3t", "/cb?code=******&x=1&state=******"),
            ("/cb?c%6fde=s3cr3t", "/cb?c%6fde=******"),
            ("/cb?CODE=s3cr3t", "/cb?CODE=******"),
            (
                "/cb?X-authentik-auth-callback=true?error=denied&state=s3cr3t",
                "/cb?X-authentik-auth-callback=true?error=denied&state=******",
            ),
            (
                "/start?rd=https%3A%2F%2Fa%2Fb%3Ftoken%3Ds3cr3t",
                "/start?rd=https%3A%2F%2Fa%2Fb%3F******",
            ),
            ("/start?rd=https://a/b?token=s3cr3t", "/start?rd=https://a/b?token=******"),
            (
                "/x;access_token=kept-in-path?access_token=s3cr3t",
                "/x;access_token=kept-in-path?access_token=******",
            ),
            ("/?", "/?"),
            ("https://al:s3cr3t@host/a?b", "https://******@host/a?b"),
            ("/start?rd=https://al:s3cr3t@host/a", "/start?rd=https://******@host/a"),
            ("https://host/a@b", "https://host/a@b"),
            (
                "/start?rd=https%3A%2F%2Fal%3As3cr3t%40host%2F",
                "/start?rd=https%3A%2F%2F******%40host%2F",
            ),
            (
                "/start?rd=https%3A%2F%2Fal%3As3cr3t@host%2Fa%3Fb%3Ds3cr3t&x=%20y",
                "/start?rd=https%3A%2F%2F******%40host%2Fa%3F******&x=%20y",
            ),
            (
                "/start?rd=https%253A%252F%252Fal%253As3cr3t%2540host%252F%253Fa%3Ds3cr3t",
                "/start?rd=https%3A%2F%2F******%40host%2F%3F******",
            ),
            ("/start?rd=https://al:s3cr3t%40host/", "/start?rd=https%3A%2F%2F******%40host%2F"),
            (
                "/start?rd=https%3A%2F%2Fhost%2F%23access_token%3Ds3cr3t",
                "/start?rd=https%3A%2F%2Fhost%2F%23******",
            ),
            ("/start?rd=https%25253A%25252F%25252Fal%25253As3cr3t%252540host", "/start?rd=******"),
            ("/a?name=J%C3%BCrgen%20M&mail=al%40host", "/a?name=J%C3%BCrgen%20M&mail=al%40host"),
        ] {
            let masked = MaskedPath::new(path).to_string();
            assert_eq!(masked, expected);
            assert!(!masked.contains("s3cr3t"));
            let (path, query) = path.split_once('?').map_or((path, None), |(a, b)| (a, Some(b)));
            assert_eq!(MaskedPath::of(path, query).as_str(), expected);
        }
    }

    #[test]
    fn parameters_that_carry_secrets_by_any_spelling() {
        for name in [
            "api-key",
            "API_KEY",
            "access_key",
            "X-Amz-Credential",
            "X-Amz-Signature",
            "subscription-key",
            "pwd",
            "otp",
            "ticket",
            "SAMLResponse",
            "credential",
            "client%2Dsecret",
            "client%252Dsecret",
        ] {
            let masked = MaskedPath::new(&format!("/a?{name}=s3cr3t&b=c")).to_string();
            assert_eq!(masked, format!("/a?{name}=******&b=c"));
        }
        for name in ["keyboard", "option", "tickets", "q"] {
            let path = format!("/a?{name}=c");
            assert_eq!(MaskedPath::new(&path).as_str(), path);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let path = format!("/{}", "ü".repeat(4000));
        assert!(MaskedPath::new(&path).as_str().len() <= LONGEST);
        for (path, query) in [(&*path, None), ("/", Some(&*path)), ("/a?b", Some("c=d"))] {
            let whole = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
            assert_eq!(MaskedPath::of(path, query), MaskedPath::new(&whole));
        }
    }
}
