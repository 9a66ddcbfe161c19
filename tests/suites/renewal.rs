//! Sessions that are renewed with a refresh token, and how long sessions last.

mod lifetimes;
mod refused;
mod renewed;
mod replaced;
mod world;
