//! A set-up of 2021.5, with its proxies as they were (contract 16).

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod paths;
mod published;
