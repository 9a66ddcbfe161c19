//! Secrets that somebody asked to have in a rendering.

use std::fmt;

use crate::options::is_subdomain;
use crate::rendered::RenderError;

/// A text that does not print by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from debug output.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the place in the rendering that is meant for it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A key of a Kubernetes Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKey {
    /// Name of the Secret.
    pub name: String,
    /// Key in it.
    pub key: String,
}

impl SecretKey {
    /// Whether Kubernetes takes the names.
    pub(crate) fn check(&self) -> Result<(), RenderError> {
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if is_subdomain(&self.name) && !self.key.is_empty() && self.key.bytes().all(inner) {
            return Ok(());
        }
        let problem = format!(
            "{:?} and {:?} are no names of a Secret and of a key in it",
            self.name, self.key
        );
        Err(RenderError::Site { what: "store", problem })
    }
}
