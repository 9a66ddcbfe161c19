//! Where what core says comes from.

use std::io::Read as _;
use std::path::Path;

use super::super::ask::Failure;
use crate::authentik::ApiError;
use crate::authentik::saved::Said;
use crate::boot::{AskError, ask_core};
use crate::settings::Settings;

/// Largest file, in bytes: more than core sends of the largest outpost.
const FILE_BYTES: u64 = 64 << 20;

/// Reads what core says: from a file, or by asking core.
///
/// # Errors
/// When it cannot be had, with what to do about it.
pub(super) async fn read(from: Option<&Path>, settings: &Settings) -> Result<Said, Failure> {
    let Some(path) = from else { return ask_core(settings).await.map_err(|error| unasked(&error)) };
    let name = if is_standard_input(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let contents =
        contents(path).map_err(|error| Failure::Unreached(format!("{name}: {error}")))?;
    Said::read(&contents).map_err(|error| {
        Failure::Unreached(format!(
            "{name}: {error}. `outpost render --dump` writes such a file where core can be asked"
        ))
    })
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    let mut read = |from: &mut dyn std::io::Read| from.take(FILE_BYTES).read_to_end(&mut contents);
    if is_standard_input(path) {
        read(&mut std::io::stdin().lock())?;
    } else {
        read(&mut std::fs::File::open(path)?)?;
    }
    Ok(contents)
}

fn unasked(error: &AskError) -> Failure {
    let remedy = match error {
        AskError::Setup(_) => "Correct the setting; `outpost config` shows those in effect.",
        // They say themselves what to do.
        AskError::Core(ApiError::Unauthorized | ApiError::NoOutpost) => "",
        AskError::Core(_) => {
            "Check AUTHENTIK_HOST and that core is up. --from renders what was written with --dump \
             before"
        }
    };
    let point = if remedy.is_empty() { "" } else { ". " };
    Failure::Unreached(format!("{error}{point}{}", remedy.trim_end_matches('.')))
}
