//! A set-up of 2021.5, with its proxies as they were (contract 16).

mod paths;
mod published;
