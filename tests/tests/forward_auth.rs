//! Forward auth as reverse proxies ask for it, header by header, in every dialect.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "forward_auth/ask.rs"]
mod ask;
#[path = "forward_auth/domain.rs"]
mod domain;
#[path = "forward_auth/own_paths.rs"]
mod own_paths;
#[path = "forward_auth/paths.rs"]
mod paths;
#[path = "forward_auth/statuses.rs"]
mod statuses;
#[path = "forward_auth/trust.rs"]
mod trust;
