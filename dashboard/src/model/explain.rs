//! Asking what would be decided.

use serde::{Deserialize, Serialize};

use super::Reasoning;

/// How a request would reach the outpost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// By itself: proxy mode.
    #[default]
    Direct,
    /// nginx asks about it (`auth_request`).
    Nginx,
    /// Traefik asks about it.
    Traefik,
    /// Caddy asks about it.
    Caddy,
    /// Envoy asks about it.
    Envoy,
}

impl Via {
    /// All, in the order of the form.
    pub const ALL: [Self; 5] = [Self::Direct, Self::Nginx, Self::Traefik, Self::Caddy, Self::Envoy];

    /// Its stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|via| via.code() == code)
    }
}

/// A request that was never sent. In a form and in a URL: the names of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExplainForm {
    /// The URL as a browser would show it.
    pub url: String,
    /// The method; empty: GET.
    pub method: String,
    /// Headers, one `Name: value` a line.
    pub headers: String,
    /// Address of whoever connects to the outpost; empty: 127.0.0.1.
    pub peer: String,
    /// Name of a user who is signed in; empty: nobody is.
    pub user: String,
    /// How it would reach the outpost.
    pub via: Via,
}

/// The form, and what it came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainPage {
    /// The moment.
    pub now: i64,
    /// What was asked.
    pub form: ExplainForm,
    /// What is wrong with the question.
    pub problem: Option<String>,
    /// The answer; `None` while nothing was asked.
    pub explained: Option<Explained>,
}

/// What would be decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// How it would come to be.
    pub reasoning: Reasoning,
    /// What the client would be answered, in a sentence.
    pub answer: String,
    /// The request as the outpost would get it: request line and headers, masked.
    pub request: Vec<String>,
}
