//! Whose word on client, host and scheme counts, and what is said of words that do not.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod clients;
mod forwarded;
mod said;
mod support;
