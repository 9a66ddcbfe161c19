//! External hosts with a path, several applications on one host, wildcard hosts.

mod forward;
mod proxied;
mod wildcards;
