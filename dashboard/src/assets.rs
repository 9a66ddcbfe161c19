//! Files that pages ask for: no page holds a style or a script itself.

/// A file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its path on the listener of the pages.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub body: &'static str,
}

/// The style sheet.
pub const STYLE: Asset = Asset {
    path: "/assets/style.css",
    content_type: "text/css; charset=utf-8",
    body: concat!(
        include_str!("assets/css/base.css"),
        include_str!("assets/css/shell.css"),
        include_str!("assets/css/parts.css"),
        "\n/* Two tables differ in how early they turn into cards. */\n",
        "@container narrow (max-width: 42rem) {\n",
        include_str!("assets/css/cards.css"),
        "}\n@container wide (max-width: 60rem) {\n",
        include_str!("assets/css/cards.css"),
        "}\n",
        include_str!("assets/css/form.css"),
        include_str!("assets/css/chart.css"),
        include_str!("assets/css/pages.css"),
        include_str!("assets/css/trace.css"),
    ),
};

/// The script that keeps pages up to date. Every page works without it.
pub const SCRIPT: Asset = Asset {
    path: "/assets/live.js",
    content_type: "text/javascript; charset=utf-8",
    body: include_str!("assets/live.js"),
};

/// The sign of the pages in tabs and bookmarks.
pub const ICON: Asset = Asset {
    path: "/assets/icon.svg",
    content_type: "image/svg+xml",
    body: include_str!("assets/icon.svg"),
};

/// All of them.
pub const ALL: [Asset; 3] = [STYLE, SCRIPT, ICON];

#[cfg(test)]
mod tests;
