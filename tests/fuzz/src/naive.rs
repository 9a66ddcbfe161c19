//! A second model of paths and origins, written for clarity from the standards alone. It shares
//! nothing with the outpost, and is as slow as it is plain.

pub mod origin;
pub mod path;
