//! What an outpost decides, and why.
//!
//! Everything here is pure: the same input gives the same output. Time and randomness are
//! arguments; there is no IO, no clock, no environment, no logging. Adapters gather facts
//! ([`facts`], [`origin`], [`dialect`]), [`decide`] decides, adapters realise the
//! [`decision::Decision`].

pub mod backoff;
pub mod claims;
pub mod compile;
pub mod cookie;
pub mod coverage;
pub mod crypto;
pub mod decide;
pub mod decision;
pub mod dialect;
pub mod doctor;
pub mod embedded;
pub mod endpoint;
pub mod facts;
pub mod finding;
pub mod form;
pub mod gather;
pub mod headers;
pub mod lifetime;
pub mod link;
pub mod login;
pub mod near;
pub mod origin;
pub mod path;
pub mod provider;
pub mod proxy_header;
pub mod redirect;
pub mod rehearsal;
pub mod request_id;
pub mod route;
pub mod ruleset;
pub mod skip;
pub mod target;
#[cfg(test)]
mod test_support;
pub mod time;
pub mod token;
pub mod trace_context;
pub mod trailers;
pub mod wire;

/// The path prefix under which every outpost answers on a provider's host (contract 1).
pub const OUTPOST_PREFIX: &str = "/outpost.goauthentik.io";

/// The version of core whose contract this program was checked against. Told to core where the
/// version it expects is not known (contract 4), and part of the user agent.
pub const COMPATIBLE_VERSION: &str = "2025.10.0";
