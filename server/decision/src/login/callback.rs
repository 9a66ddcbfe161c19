//! What core says when it sends the browser back (RFC 6749 section 4.1.2).

use url::form_urlencoded;

/// Longest code that is looked at, in bytes; core's have 32.
const MAX_CODE_BYTES: usize = 4096;

/// Longest state that is passed on, in bytes.
const MAX_STATE_BYTES: usize = 16 * 1024;

/// Longest query that is looked at, in bytes.
const MAX_QUERY_BYTES: usize = 64 * 1024;

/// Longest error and description that are shown, in characters.
const MAX_SHOWN: usize = 300;

/// The query that marks a callback (contract 6).
const MARK: &str = "X-authentik-auth-callback";

/// A callback, taken apart. Nothing in it is to be trusted.
#[derive(Clone, PartialEq, Eq)]
pub enum Callback {
    /// A code to exchange.
    Code {
        /// The code; a secret until it is used.
        code: String,
        /// The state, to be read by [`super::read_state`].
        state: String,
    },
    /// Core refused.
    Error {
        /// The error's name, cut and cleaned.
        error: String,
        /// What core says of it, cut and cleaned; may be empty.
        description: String,
        /// The state, if it came along.
        state: Option<String>,
    },
    /// Neither, or a parameter twice, or too long.
    Incomplete,
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code { .. } => f.write_str("Code(..)"),
            Self::Error { error, description, .. } => write!(f, "Error({error}: {description})"),
            Self::Incomplete => f.write_str("Incomplete"),
        }
    }
}

/// Takes the raw query of a callback apart.
///
/// Core appends errors with a question mark of its own, although our redirect URI has a query
/// already: `X-authentik-auth-callback=true?error=...&state=...`. That is understood.
#[must_use]
pub fn parse_callback(raw_query: &str) -> Callback {
    if raw_query.len() > MAX_QUERY_BYTES {
        return Callback::Incomplete;
    }
    let mut found = Found::default();
    for (name, value) in form_urlencoded::parse(raw_query.as_bytes()) {
        if name == MARK {
            if let Some((name, value)) =
                value.split_once('?').and_then(|(_, rest)| rest.split_once('='))
            {
                found.take(name, value);
            }
        } else {
            found.take(&name, &value);
        }
    }
    found.judge()
}

#[derive(Default)]
struct Found {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    description: Option<String>,
    repeated: bool,
}

impl Found {
    fn take(&mut self, name: &str, value: &str) {
        let slot = match name {
            "code" => &mut self.code,
            "state" => &mut self.state,
            "error" => &mut self.error,
            "error_description" => &mut self.description,
            _ => return,
        };
        self.repeated |= slot.replace(value.to_owned()).is_some();
    }

    fn judge(self) -> Callback {
        let within = |text: &String, limit| !text.is_empty() && text.len() <= limit;
        let state = self.state.filter(|state| within(state, MAX_STATE_BYTES));
        if self.repeated {
            // RFC 6749 section 3.1: parameters must not be included more than once.
            return Callback::Incomplete;
        }
        if let Some(error) = self.error {
            let description = shown(&self.description.unwrap_or_default());
            return Callback::Error { error: shown(&error), description, state };
        }
        match (self.code.filter(|code| within(code, MAX_CODE_BYTES)), state) {
            (Some(code), Some(state)) => Callback::Code { code, state },
            _ => Callback::Incomplete,
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect()
}
