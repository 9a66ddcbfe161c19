//! TLS on both sides of the outpost: towards browsers, seen by openssl and curl, and towards core.

mod certificates;
mod core_authority;
mod outside;
mod server_name;
mod versions;
