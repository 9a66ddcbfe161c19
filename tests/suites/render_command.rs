//! `outpost render` as operators run it: whence it knows the providers, whom it renders for, what it
//! tells, what it never tells, and its exit codes. What is written is shown to work elsewhere, by
//! the programs it is for.

mod files;
mod providers;
mod secrets;
mod source;
mod support;
