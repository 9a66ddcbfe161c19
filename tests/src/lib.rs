//! What the black-box suites stand on: a core, an application, outposts and a browser, all real
//! and all on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness that cannot go on must stop the test"
)]

pub mod browser;
pub mod world;

pub use browser::{Answer, Browser};
pub use world::World;
