//! An authentik proxy outpost: single sign-on in front of applications that have none.
//!
//! Adapters gather facts, the pure crate `outpost-decision` decides, adapters realise the
//! decision. Actors own everything that changes and publish immutable snapshots that requests
//! read without waiting.

pub mod actors;
pub mod authentik;
pub mod cli;
