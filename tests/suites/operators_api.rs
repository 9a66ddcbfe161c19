//! What operators and their programs read from the API: decisions by the id on a page, figures of
//! real traffic, and never a secret.

mod decisions;
mod figures;
mod secrets;
mod support;
