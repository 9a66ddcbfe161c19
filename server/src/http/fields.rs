//! Request headers as the pure crate reads them.

use actix_web::http::header::{HeaderMap as WebHeaderMap, HeaderValue as WebHeaderValue};
use http::{HeaderMap, HeaderValue};
use outpost_decision::facts::Headers;

/// A view of the headers of a request as it came.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a HeaderMap);

impl Headers for Fields<'_> {
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    fn nth(&self, name: &str, index: usize) -> Option<&[u8]> {
        match index {
            0 => self.0.get(name).map(HeaderValue::as_bytes),
            _ => self.0.get_all(name).into_iter().nth(index).map(HeaderValue::as_bytes),
        }
    }
}

/// A view of those that actix-web has made of them.
#[derive(Clone, Copy, Debug)]
pub struct WebFields<'a>(pub &'a WebHeaderMap);

impl Headers for WebFields<'_> {
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    fn nth(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.0.get_all(name).nth(index).map(WebHeaderValue::as_bytes)
    }
}
