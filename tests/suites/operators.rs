//! Who may see the operators' pages, and what they may do there: by token, through core, on every
//! replica, live.

mod live;
mod local;
mod secrets;
mod support;
mod through_core;
mod tokens;
