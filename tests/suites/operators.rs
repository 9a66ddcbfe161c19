//! Who may see the operators' pages, and what they may do there: by token, through core, on every
//! replica, live.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it cannot go on")]

mod live;
mod local;
mod secrets;
mod support;
mod through_core;
mod tokens;
