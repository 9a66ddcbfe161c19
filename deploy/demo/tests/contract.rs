//! The stand-in core against the payloads captured from a real one: the captured requests are sent again, byte for
//! byte where nothing volatile is in them, and the answers compared.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

#[path = "contract/browser.rs"]
mod browser;
#[path = "contract/oauth.rs"]
mod oauth;
#[path = "contract/rest.rs"]
mod rest;
#[path = "contract/websocket.rs"]
mod websocket;
#[path = "contract/world.rs"]
mod world;
