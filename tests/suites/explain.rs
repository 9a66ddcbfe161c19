//! What `outpost explain` says of a request is what the outpost decides when it is really sent:
//! the same action, the same reason, the same steps, in every way of asking.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod asked;
mod command;
