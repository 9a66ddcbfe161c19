//! What operators rely on: starting, stopping, saying what is wrong, keeping on serving, and
//! keeping secrets.

mod certificates;
mod cookies;
mod figures;
mod file_store;
mod last_known_good;
mod refresh;
mod secrets;
mod settings;
mod signals;
mod store;
mod without_core;
