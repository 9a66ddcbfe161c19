//! Forms that browsers send.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};

use super::answers;
use super::asked::Fields;

/// Longest form, in bytes.
pub(super) const BYTES: usize = 8192;

/// The fields of a form; the answer where it is none.
pub(super) fn read(request: &HttpRequest, body: &[u8]) -> Result<Fields, Box<HttpResponse>> {
    let mut types = request.headers().get_all(header::CONTENT_TYPE);
    let essence = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().unwrap_or_default().split(';').next(),
        _ => None,
    };
    let is_form = essence.is_some_and(|essence| {
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    match std::str::from_utf8(body) {
        Ok(text) if is_form => Ok(Fields::read(text)),
        _ => Err(Box::new(answers::say(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Not a form",
            "What was sent is not a form of these pages.",
            "Use the forms of the pages.",
        ))),
    }
}
