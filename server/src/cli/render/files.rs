//! Writing a rendering into a folder.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use outpost_render::Rendered;

use super::super::ask::Failure;

/// How files are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// Over what is there.
    pub(super) force: bool,
    /// For nobody else to read.
    pub(super) private: bool,
}

/// Writes every file into `folder`, which is made where it is not there; gives the paths, one a
/// line. What is there stays as it is, all of it, unless `how` says otherwise.
///
/// # Errors
/// When something is there already, or cannot be written.
pub(super) fn write(folder: &Path, rendered: &Rendered, how: How) -> Result<String, Failure> {
    let paths: Vec<PathBuf> = rendered.files.iter().map(|file| folder.join(file.name)).collect();
    let there = |path: &&PathBuf| fs::symlink_metadata(path).is_ok();
    if !how.force
        && let Some(path) = paths.iter().find(there)
    {
        return Err(is_there(path));
    }
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))?;
    let mut told = String::new();
    for (path, file) in paths.iter().zip(&rendered.files) {
        write_one(path, &file.text, how).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => is_there(path),
            _ => unwritten(path, &error),
        })?;
        told.push_str(&format!("{}\n", path.display()));
    }
    Ok(told)
}

fn write_one(path: &Path, text: &str, How { force, private }: How) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).mode(if private { 0o600 } else { 0o666 });
    // Nobody's file is written over that came in between.
    let options =
        if force { options.create(true).truncate(true) } else { options.create_new(true) };
    let mut file = options.open(path)?;
    if private {
        // One that was there has the mode that it had.
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    file.write_all(text.as_bytes())
}

fn is_there(path: &Path) -> Failure {
    let message = format!("{} is there already, and nothing was written; ", path.display());
    Failure::NotDone(message + "write over it with --force, or name another folder")
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::NotDone(format!("{} cannot be written: {error}", path.display()))
}
