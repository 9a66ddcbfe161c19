//! External hosts with a path, several applications on one host, wildcard hosts.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "forward_auth/ask.rs"]
#[expect(dead_code, reason = "another suite needs the rest")]
mod ask;
#[path = "hosts_and_paths/forward.rs"]
mod forward;
#[path = "hosts_and_paths/proxied.rs"]
mod proxied;
#[path = "hosts_and_paths/wildcards.rs"]
mod wildcards;
