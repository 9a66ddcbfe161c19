//! An authentik proxy outpost: single sign-on in front of applications that have none.
//!
//! Adapters gather facts, the pure crate `outpost-decision` decides, adapters realise the
//! decision. Actors own everything that changes and publish immutable snapshots that requests
//! read without waiting.

pub mod actors;
mod address_text;
mod any_certificate;
pub mod authentik;
pub mod boot;
pub mod carried;
pub mod cli;
pub mod clock;
pub mod core_tls;
pub mod downstream;
pub mod drain;
mod duplex;
mod header_line;
mod header_names;
pub mod http;
pub mod keys;
pub mod limits;
pub mod oidc;
pub mod ops;
mod pem;
pub mod primary_url;
pub mod publish;
pub mod randomness;
pub mod reporting;
pub mod session;
pub mod settings;
pub mod snapshot;
pub mod status;
pub mod tls;
pub mod trace;
pub mod upstream;

/// Our own version, from the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
