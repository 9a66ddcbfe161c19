//! Whose word on client, host and scheme counts, and what is said of words that do not.

mod clients;
mod forwarded;
mod said;
mod support;
