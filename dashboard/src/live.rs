//! Parts of a page, rendered again while one looks at it.

use serde::Serialize;

/// What a browser is sent when something has changed: JSON of this is one websocket frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// Parts to put in the place of what stands under their ids.
    pub regions: Vec<Region>,
    /// Lines to put before the others of a list, newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Lines>,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Region {
    /// Id of its element.
    pub id: &'static str,
    /// What stands inside it.
    pub html: String,
}

/// Lines for a list that grows at its head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// Id of the list's element.
    pub id: &'static str,
    /// The lines.
    pub html: String,
    /// How many lines these are.
    pub count: usize,
    /// How many lines the list holds at most.
    pub keep: usize,
}
