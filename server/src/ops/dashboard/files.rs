//! Files that pages ask for. The same for everybody, signed in or not, so that a browser may keep
//! them, and asks whether they are still the same.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::assets::{ALL, Asset};
use outpost_decision::crypto::sha256;

/// The file of this path.
pub(super) fn find(path: &str) -> Option<Asset> {
    ALL.into_iter().find(|asset| asset.path == path)
}

/// Serves it, unless the browser has it already (RFC 9110, section 13.1.2).
pub(super) fn serve(request: &HttpRequest, asset: Asset) -> HttpResponse {
    let tag = format!("\"{}\"", hex::encode(&sha256(asset.body.as_bytes())[..12]));
    let known = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|known| {
            let known = known.trim();
            known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
        });
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::ETAG, tag))
        .content_type(asset.content_type);
    if known { answer.finish() } else { answer.body(asset.body) }
}
