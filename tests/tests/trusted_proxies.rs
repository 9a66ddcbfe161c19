//! Whose word on client, host and scheme counts, and what is said of words that do not.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "trusted_proxies/clients.rs"]
mod clients;
#[path = "trusted_proxies/forwarded.rs"]
mod forwarded;
#[path = "trusted_proxies/said.rs"]
mod said;
#[path = "trusted_proxies/support.rs"]
mod support;
