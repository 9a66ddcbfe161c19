//! Forward auth as reverse proxies ask for it, header by header, in every dialect.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod domain;
mod own_paths;
mod paths;
mod statuses;
mod trust;
