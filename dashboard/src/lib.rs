//! The operators' pages, rendered on the server from read models: no script, no inline style.
//!
//! The models are plain values; whoever serves the pages fills them. [`page::render`] is pure.

pub mod model;
pub mod page;
pub mod time;

/// The style sheet, to be served at [`STYLE_PATH`].
pub const STYLE: &str = include_str!("style.css");

/// Where the pages expect the style sheet.
pub const STYLE_PATH: &str = "/style.css";
