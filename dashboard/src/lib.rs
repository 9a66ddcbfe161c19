//! The operators' pages, rendered on the server from read models: no inline script or style.
//!
//! The models ([`model`]) are plain values; whoever serves the pages fills them. [`page::render`]
//! makes a whole document of one, [`page::frame`] the parts of it that change while one looks; both
//! are pure. [`assets`] are the files that pages ask for.

pub mod assets;
mod chart;
pub mod live;
pub mod model;
pub mod number;
pub mod page;
pub mod time;
