//! Request headers as the pure crate reads them.

use actix_web::http::header::HeaderMap;
use outpost_decision::facts::Headers;

/// A view of actix' header map.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a HeaderMap);

impl Headers for Fields<'_> {
    fn nth(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.0.get_all(name).nth(index).map(actix_web::http::header::HeaderValue::as_bytes)
    }
}
