//! What the black-box suites stand on: a core, an application, outposts, stores and a browser, all
//! real and all on loopback.
#![expect(clippy::expect_used, reason = "a harness that cannot go on must stop the test")]

pub mod balancer;
pub mod browser;
pub mod capture;
pub mod certificates;
pub mod daemon;
pub mod dice;
pub mod faulty_store;
pub mod figures;
pub mod filler;
pub mod folder;
pub mod load;
pub mod partition;
pub mod parts;
pub mod ports;
pub mod process;
pub mod program;
pub mod proxies;
pub mod receiver;
pub mod redis;
pub mod relay;
pub mod replicas;
pub mod repository;
pub mod scripted;
pub mod stage;
pub mod streaming;
pub mod wait;
pub mod webdriver;
pub mod world;

pub use browser::{Answer, Browser};
pub use capture::Capture;
pub use dice::Dice;
pub use faulty_store::FaultyStore;
pub use figures::Figures;
pub use load::Load;
pub use partition::Partition;
pub use program::Program;
pub use receiver::{Post, Receiver};
pub use relay::Relay;
pub use replicas::Replicas;
pub use scripted::{Script, Scripted};
pub use world::World;
