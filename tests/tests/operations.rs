//! What operators rely on: starting, stopping, saying what is wrong, keeping on serving, and
//! keeping secrets.

#[path = "operations/secrets.rs"]
mod secrets;
#[path = "operations/settings.rs"]
mod settings;
#[path = "operations/signals.rs"]
mod signals;
#[path = "operations/without_core.rs"]
mod without_core;
