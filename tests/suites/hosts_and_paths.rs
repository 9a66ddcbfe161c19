//! External hosts with a path, several applications on one host, wildcard hosts.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod forward;
mod proxied;
mod wildcards;
