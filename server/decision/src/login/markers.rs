//! Two small cookies beside those of flows: what nginx's checks remember, and that a sign-in was
//! begun anew. Like flow cookies they travel to our own paths only.

use super::callback_directory;
use crate::cookie::SetCookie;
use crate::provider::Provider;

/// How long a refused check of nginx is remembered, in seconds: until the redirect that follows.
const REMEMBERED_SECONDS: i64 = 300;

/// Within how many seconds a second unreadable state shows the page instead of another try.
const RETRY_SECONDS: i64 = 60;

/// Longest target that is remembered, in bytes once encoded: browsers drop cookies over 4 KiB.
const MAX_REMEMBERED: usize = 3000;

/// Name of the cookie that remembers what nginx asked about.
#[must_use]
pub fn remembered_name(provider: &Provider) -> String {
    format!("{}_rd", provider.cookie.name)
}

/// Remembers `target` (base64url); an empty value, which forgets, when it is too long.
#[must_use]
pub fn remembered_cookie(provider: &Provider, target: &str) -> SetCookie {
    let (value, age) =
        if target.len() > MAX_REMEMBERED { ("", 0) } else { (target, REMEMBERED_SECONDS) };
    SetCookie::flow(
        &provider.cookie,
        remembered_name(provider),
        value,
        callback_directory(provider),
        age,
    )
}

/// Name of the cookie that says a sign-in was begun anew because its state could not be read.
#[must_use]
pub fn retry_name(provider: &Provider) -> String {
    format!("{}_retry", provider.cookie.name)
}

/// Says that a sign-in was begun anew.
#[must_use]
pub fn retry_cookie(provider: &Provider) -> SetCookie {
    SetCookie::flow(
        &provider.cookie,
        retry_name(provider),
        "1",
        callback_directory(provider),
        RETRY_SECONDS,
    )
}
