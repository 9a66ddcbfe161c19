//! Three outposts that share a Redis behind a balancer without stickiness, as users run them:
//! processes, a real Redis, a real nginx.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]
#![expect(clippy::print_stderr, reason = "how long revocations take is worth showing")]

#[path = "replicas/crashes.rs"]
mod crashes;
#[path = "replicas/ending.rs"]
mod ending;
#[path = "replicas/fleet.rs"]
mod fleet;
#[path = "replicas/open.rs"]
mod open;
#[path = "replicas/presence.rs"]
mod presence;
#[path = "replicas/rolling.rs"]
mod rolling;
#[path = "replicas/strangers.rs"]
mod strangers;
