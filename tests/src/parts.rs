//! Programs of others that the suites run.

use std::path::PathBuf;

/// Where a program is: on the path, or among the parts that `tests/run` installs.
///
/// # Panics
/// When it is nowhere: a test that needs it must not pass.
#[must_use]
pub fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::current_exe().expect("this program's path");
    let parts = here
        .ancestors()
        .flat_map(|folder| [folder.join("parts/python/bin"), folder.join("parts/bin")]);
    std::env::split_paths(&path)
        .chain(parts)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed: ./tests/run installs it"))
}
