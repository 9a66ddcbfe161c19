//! Values that stand elsewhere: `file:///path?fallback` and `env://NAME?fallback` (contract 2).

use std::path::Path;

use super::layers::{Environment, read};

/// What a text stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// Itself.
    Plain,
    /// This value, found elsewhere.
    Found(String),
}

/// Follows a reference. What is found is taken as it is, never followed further.
///
/// # Errors
/// Why it cannot be followed, when it has no fallback.
pub(super) fn resolve(text: &str, environment: &Environment) -> Result<Resolved, String> {
    if let Some(rest) = text.strip_prefix("file://") {
        let (path, fallback) = split(rest);
        if !path.starts_with('/') {
            return Err("file:// wants an absolute path, with three slashes".to_owned());
        }
        return match read(Path::new(path)) {
            Ok(content) => Ok(Resolved::Found(content.trim().to_owned())),
            Err(error) => fallback.ok_or_else(|| format!("{path} cannot be read: {error}")),
        };
    }
    if let Some(rest) = text.strip_prefix("env://") {
        let (name, fallback) = split(rest);
        return match environment.get(name) {
            Some(value) => Ok(Resolved::Found(value.clone())),
            None => fallback.ok_or_else(|| format!("the variable {name} is not set")),
        };
    }
    Ok(Resolved::Plain)
}

fn split(rest: &str) -> (&str, Option<Resolved>) {
    match rest.split_once('?') {
        Some((target, fallback)) => (target, Some(Resolved::Found(fallback.to_owned()))),
        None => (rest, None),
    }
}
