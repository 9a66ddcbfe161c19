//! Writes every page with sample values as HTML, to be looked at in a browser:
//!
//! ```text
//! cargo run -p outpost-dashboard --example gallery -- /tmp/gallery
//! python3 -m http.server --bind 127.0.0.1 --directory /tmp/gallery 8000
//! ```
//!
//! `dashboard/screenshots/make` does so, and takes pictures of them.

mod operations;
mod sample;
mod trace;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use outpost_dashboard::assets;
use outpost_dashboard::model::Role;
use outpost_dashboard::page::{self, render};

use sample::NOW;

/// Files of pages, by name without the ending.
type Pages = Vec<(&'static str, String)>;

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).unwrap_or_else(|| "gallery".into()));
    for asset in assets::ALL {
        write(&folder, asset.path.trim_start_matches('/'), asset.body)?;
    }
    for (name, html) in operations::pages().into_iter().chain(trace::pages()) {
        write(&folder, &format!("{name}.html"), &html)?;
    }
    Ok(())
}

fn write(folder: &Path, name: &str, content: &str) -> io::Result<()> {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap_or(folder))?;
    fs::write(file, content)
}

/// A page for somebody who may do this.
fn shown(role: Role, page: &impl page::Page) -> String {
    render(&sample::shell(role), page)
}
