//! TLS on both sides of the outpost: towards browsers, seen by openssl and curl, and towards core.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "tls/certificates.rs"]
mod certificates;
#[path = "tls/core_authority.rs"]
mod core_authority;
#[path = "tls/outside.rs"]
mod outside;
#[path = "tls/server_name.rs"]
mod server_name;
#[path = "tls/versions.rs"]
mod versions;
