//! The OAuth2 side of core: `/application/o/`.

pub(crate) mod authorize;
pub(crate) mod discovery;
pub(crate) mod end_session;
pub(crate) mod flows;
pub(crate) mod introspect;
pub(crate) mod token;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::form_urlencoded::byte_serialize;

use super::{http::Ask, state::State, tokens::CoreSession};

/// Core's own session cookie.
pub(crate) const SESSION_COOKIE: &str = "authentik_session";

/// The session of the browser that asks.
pub(crate) fn session(state: &State, ask: &Ask) -> Option<CoreSession> {
    ask.cookie(SESSION_COOKIE).and_then(|key| state.sessions.get(key)).cloned()
}

/// Client id and secret from the form, or else from basic authentication.
pub(crate) fn client_credentials(ask: &Ask) -> (String, String) {
    let field = |name| ask.form(name).unwrap_or_default().to_owned();
    let basic = ask
        .header("authorization")
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())
        .and_then(|decoded| String::from_utf8(decoded).ok());
    match basic.as_deref().and_then(|decoded| decoded.split_once(':')) {
        Some((id, secret)) if ask.form("client_id").is_none() => (id.to_owned(), secret.to_owned()),
        _ => (field("client_id"), field("client_secret")),
    }
}

/// Percent-encodes like Python's `quote_plus`.
pub(crate) fn quote_plus(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// Percent-encodes like Python's `quote`: a space is `%20`, slashes stay.
pub(crate) fn quote(text: &str) -> String {
    quote_plus(text).replace('+', "%20").replace("%2F", "/").replace('*', "%2A").replace("%7E", "~")
}
