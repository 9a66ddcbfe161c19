//! Answers to operators' browsers: all locked down, none kept.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::page::Message;

/// Headers of every answer: nothing from elsewhere, no frame, no inline script, no device. Other
/// sites are not told where a link was; ours are, without which browsers send forms with an `Origin`
/// of `null` (Fetch, "append a request Origin header").
pub(in crate::ops) const SECURITY: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    ("cache-control", "no-store"),
];

/// Puts [`SECURITY`] into an answer, beside what it says of keeping it.
pub(in crate::ops) fn lock_down(headers: &mut HeaderMap) {
    for (name, value) in SECURITY {
        let name = HeaderName::from_static(name);
        if name != header::CACHE_CONTROL || !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// A whole document.
pub(super) fn document(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html)
}

/// A message in place of a page.
pub(super) fn message(status: StatusCode, message: &Message) -> HttpResponse {
    let mut answer = document(status, message.render());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    answer
}

/// A message until there is a page: browsers look again by themselves, without a script.
pub(super) fn later(message: &Message) -> HttpResponse {
    let mut answer = document(StatusCode::ACCEPTED, message.render());
    let refresh = HeaderName::from_static("refresh");
    answer.headers_mut().insert(refresh, HeaderValue::from_static("2"));
    answer
}

/// A message of these texts.
pub(super) fn say(status: StatusCode, title: &str, text: &str, remedy: &str) -> HttpResponse {
    message(status, &Message { title: title.into(), text: text.into(), remedy: remedy.into() })
}

/// There is no page of this address.
pub(super) fn not_found() -> HttpResponse {
    say(
        StatusCode::NOT_FOUND,
        "Not found",
        "There is no page of this address.",
        "The overview is at /.",
    )
}

/// The address is not for this method.
pub(super) async fn other_method(request: HttpRequest) -> HttpResponse {
    say(
        StatusCode::METHOD_NOT_ALLOWED,
        "Not possible",
        &format!("This address does not take {}.", request.method()),
        "Use the links and forms of the pages.",
    )
}

/// Goes on to another page (303: with GET, whatever was sent here). `path` is one of ours.
pub(super) fn go_on(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}
