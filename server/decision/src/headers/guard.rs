//! When two header names are one to an application.
//!
//! Applications behind CGI, WSGI, PHP and friends see `HTTP_X_AUTHENTIK_USERNAME` whether the
//! request says `X-authentik-username`, `x_authentik_username` or `X.Authentik.Username`. Names
//! are therefore compared in lower case, with everything that is no letter or digit as `-`.

/// Begin of every identity header, normalised.
const PREFIX: &[u8] = b"x-authentik-";

/// Whether an application could take this name for one of `X-authentik-*`.
#[must_use]
pub fn is_identity_name(name: &str) -> bool {
    let name = name.as_bytes();
    name.len() >= PREFIX.len()
        && name.iter().zip(PREFIX).all(|(byte, wanted)| normalised(*byte) == *wanted)
}

/// Whether an application could take these two names for one.
#[must_use]
pub fn same_header(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left.bytes().zip(right.bytes()).all(|(l, r)| normalised(l) == normalised(r))
}

/// One byte of a name, normalised.
pub(super) fn normalised(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}
