//! TLS on both sides of the outpost: towards browsers, seen by openssl and curl, and towards core.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod certificates;
mod core_authority;
mod outside;
mod server_name;
mod versions;
