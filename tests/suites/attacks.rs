//! Attacks, as anybody could carry them out: on the real program, from outside, in every mode and
//! through every dialect. Each is named in `attacks.toml` beside the tests, from which
//! `ATTACKS.md` is made; `regressions.toml` puts old bugs back, one at a time, and says which of
//! these cases notice. Every case has a control: the same thing done rightly works.

mod catalogue;
mod cookies;
mod crossing;
mod exchange;
mod forwarding;
mod identity;
mod loads;
mod pages;
mod paths;
mod redirects;
mod regressions;
mod secrets;
mod sign_in;
mod site;
mod smuggling;
mod stock;
mod tokens;
