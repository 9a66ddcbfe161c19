//! What operators and their programs read from the API: decisions by the id on a page, figures of
//! real traffic, and never a secret.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "operators_api/decisions.rs"]
mod decisions;
#[path = "operators_api/figures.rs"]
mod figures;
#[path = "operators_api/secrets.rs"]
mod secrets;
#[path = "operators_api/support.rs"]
mod support;
