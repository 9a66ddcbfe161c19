//! Writes every page with sample values as HTML, to be looked at in a browser:
//!
//! ```text
//! cargo run -p outpost-dashboard --example gallery -- /tmp/gallery
//! python3 -m http.server --bind 127.0.0.1 --directory /tmp/gallery 8000
//! ```

mod trace;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use outpost_dashboard::assets;
use outpost_dashboard::model::{Role, Shell, Standing, Viewer};
use outpost_dashboard::page::{Page, render};

/// The moment of all samples.
const NOW: i64 = 1_795_314_913;

/// Files of pages, by name without the ending.
type Pages = Vec<(&'static str, String)>;

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).unwrap_or_else(|| "gallery".into()));
    for asset in assets::ALL {
        write(&folder, asset.path.trim_start_matches('/'), asset.body)?;
    }
    for (name, html) in trace::pages() {
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
fn shown(role: Role, page: &impl Page) -> String {
    let viewer = Viewer { name: "olivia".into(), role, csrf: "sample".into(), signed_in: true };
    let shell = Shell {
        now: NOW,
        outpost: "Edge outpost".into(),
        version: "0.1.0".into(),
        instance: "3f0c2b7e-5a41-4c1c-9a57-0d1f2f6a9c11".into(),
        standing: Standing::Serving,
        viewer,
        done: None,
    };
    render(&shell, page)
}
