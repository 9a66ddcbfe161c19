//! Small cookies beside those of flows. What nginx's checks remember, and that a sign-in was begun
//! anew, travel to our own paths only, like flow cookies; what kept forms hang on comes with every
//! request, as forms do.

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
        // nginx redirects to the start path at the root of the host.
        if provider.external.home.is_empty() { callback_directory(provider) } else { "/" },
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

/// Name of the cookie that tells the browser which keeps a form ([`crate::form`]) from others.
#[must_use]
pub fn form_browser_name(provider: &Provider) -> String {
    format!("{}_fb", provider.cookie.name)
}

/// Lets a browser be known by `value` for `age` seconds.
#[must_use]
pub fn form_browser_cookie(provider: &Provider, value: &str, age: i64) -> SetCookie {
    SetCookie::flow(&provider.cookie, form_browser_name(provider), value, "/", age)
}

/// Name of the cookie that remembers, without naming them, who was signed in.
#[must_use]
pub fn form_user_name(provider: &Provider) -> String {
    format!("{}_fu", provider.cookie.name)
}

/// Remembers a user by their mark ([`crate::form::user_mark`]) for `age` seconds.
#[must_use]
pub fn form_user_cookie(provider: &Provider, mark: &str, age: i64) -> SetCookie {
    SetCookie::flow(&provider.cookie, form_user_name(provider), mark, "/", age)
}
