//! What operators rely on: starting, stopping, saying what is wrong, keeping on serving, and
//! keeping secrets.
#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "operations/certificates.rs"]
mod certificates;
#[path = "operations/cookies.rs"]
mod cookies;
#[path = "operations/figures.rs"]
mod figures;
#[path = "operations/file_store.rs"]
mod file_store;
#[path = "operations/last_known_good.rs"]
mod last_known_good;
#[path = "operations/refresh.rs"]
mod refresh;
#[path = "operations/secrets.rs"]
mod secrets;
#[path = "operations/settings.rs"]
mod settings;
#[path = "operations/signals.rs"]
mod signals;
#[path = "operations/store.rs"]
mod store;
#[path = "operations/without_core.rs"]
mod without_core;
