//! What operators and their programs read from the API: decisions by the id on a page, figures of
//! real traffic, and never a secret.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod decisions;
mod figures;
mod secrets;
mod support;
