//! Three outposts that share a Redis behind a balancer without stickiness, as users run them:
//! processes, a real Redis, a real nginx.
#![expect(clippy::print_stderr, reason = "how long revocations take is worth showing")]

mod crashes;
mod ending;
mod fleet;
mod open;
mod presence;
mod rolling;
mod strangers;
