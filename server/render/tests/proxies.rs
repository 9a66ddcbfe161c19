//! Configurations of reverse proxies, as files that are reviewed as diffs.
//!
//! `UPDATE_GOLDEN=1 cargo test -p outpost-render --test proxies` writes them anew.

#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "proxies/cases.rs"]
mod cases;

use std::path::PathBuf;

use outpost_render::{Input, Target, render};

const TARGETS: [Target; 3] = [Target::Nginx, Target::NginxProxyManager, Target::Caddy];

/// What `target` writes for `input`, compared with what was reviewed.
fn golden(target: Target, case: &str, input: &Input) {
    let rendered = render(target, input).expect("it can be written");
    for file in &rendered.files {
        assert!(file.text.ends_with('\n') && !file.text.ends_with("\n\n"), "{target:?} {case}");
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let folder = folder.join(target.code()).join(case);
        let path = folder.join(file.name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&path, &file.text).expect("written");
        }
        let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(file.text, reviewed, "{} differs", path.display());
    }
}

#[test]
fn every_kind_of_provider_is_written_as_reviewed() {
    for (case, input) in cases::all() {
        for target in TARGETS {
            golden(target, case, &input);
        }
    }
}
