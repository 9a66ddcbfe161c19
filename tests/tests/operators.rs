//! Who may see the operators' pages, and what they may do there: by token, through core, on every
//! replica, live.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it cannot go on")]

#[path = "operators/live.rs"]
mod live;
#[path = "operators/local.rs"]
mod local;
#[path = "operators/secrets.rs"]
mod secrets;
#[path = "operators/support.rs"]
mod support;
#[path = "operators/through_core.rs"]
mod through_core;
#[path = "operators/tokens.rs"]
mod tokens;
