//! The targets.

mod cookie;
mod jwks;
mod link;
mod origin;
mod path;
mod provider;
mod proxy_header;
mod rd;
mod skip;
mod state;
mod token;

/// A function of bytes that panics where the outpost breaks a promise.
#[derive(Debug)]
pub struct Target {
    /// Its name: that of its folder in `corpus/` too.
    pub name: &'static str,
    /// What it asserts, for people.
    pub asserts: &'static str,
    /// The function.
    pub check: fn(&[u8]),
}

/// All of them, by name.
pub const TARGETS: &[Target] = &[
    cookie::TARGET,
    jwks::TARGET,
    link::TARGET,
    origin::TARGET,
    path::TARGET,
    provider::TARGET,
    proxy_header::TARGET,
    rd::TARGET,
    skip::TARGET,
    state::TARGET,
    token::TARGET,
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
