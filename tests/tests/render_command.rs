//! `outpost render` as operators run it: whence it knows the providers, whom it renders for, what it
//! tells, what it never tells, and its exit codes. What is written is shown to work elsewhere, by
//! the programs it is for.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "render_command/files.rs"]
mod files;
#[path = "render_command/providers.rs"]
mod providers;
#[path = "render_command/secrets.rs"]
mod secrets;
#[path = "render_command/source.rs"]
mod source;
#[path = "render_command/support.rs"]
mod support;
