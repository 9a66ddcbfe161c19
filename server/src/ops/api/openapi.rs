//! The API, described: OpenAPI 3.1, kept by hand. Tests hold it against the calls there are and
//! against everything they answer with, so that neither says more than the other.

/// Where the description is.
pub(super) const PATH: &str = "/api/openapi.json";

/// The description.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");

#[cfg(test)]
pub(super) mod tests;
