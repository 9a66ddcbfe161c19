//! The operators' pages in a real browser: what a person sees, with the keyboard, live and with a
//! checker of accessibility, and with a client that runs no script at all.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "dashboard_browser/accessible.rs"]
mod accessible;
#[path = "dashboard_browser/keyboard.rs"]
mod keyboard;
#[path = "dashboard_browser/live.rs"]
mod live;
#[path = "dashboard_browser/scriptless.rs"]
mod scriptless;
#[path = "dashboard_browser/site.rs"]
mod site;
#[path = "dashboard_browser/story.rs"]
mod story;
#[path = "dashboard_browser/tail.rs"]
mod tail;
