//! What a rendering gives.

use std::fmt;

/// The files of one target, in the order they are to be read by people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// At least one.
    pub files: Vec<File>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, as the other files refer to it; no folders.
    pub name: &'static str,
    /// Its text, with a final line break. Its first lines are a comment that says where it goes.
    pub text: String,
}

impl Rendered {
    /// A rendering of one file.
    #[must_use]
    pub fn one(name: &'static str, text: String) -> Self {
        Self { files: vec![File { name, text }] }
    }
}

/// As it is printed: one file as it is, several each below a line that names it.
impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.files.as_slice() {
            return f.write_str(&only.text);
        }
        for (index, file) in self.files.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}# ---- {} ----\n{}", file.name, file.text)?;
        }
        Ok(())
    }
}

/// Why nothing can be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// There is nothing to write a configuration for.
    #[error("there is no provider to render for: assign one to the outpost in authentik")]
    NoApplication,
    /// The target has no way to do this for the provider.
    #[error("provider {provider}: {problem}")]
    Provider {
        /// Name of the provider.
        provider: String,
        /// What is the matter, and what to do.
        problem: String,
    },
    /// What the operator said of the site cannot be written.
    #[error("{what}: {problem}")]
    Site {
        /// Which field of [`crate::Site`].
        what: &'static str,
        /// What is the matter, and what to do.
        problem: String,
    },
    /// An option of the outpost cannot be followed.
    #[error("option {option}: {problem}")]
    Option {
        /// Name of the option in core (contract 13).
        option: &'static str,
        /// What is the matter, and what to do.
        problem: String,
    },
}
