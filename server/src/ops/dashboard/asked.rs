//! Which page a path and query ask for. Strict about what a page is named by, kind about the rest:
//! parameters that nobody knows mean nothing, and a value that makes no sense is the page's problem
//! to tell, never a failure.

use std::collections::BTreeMap;

use outpost_dashboard::model::{DecisionFilter, ExplainForm, Role, SearchBy, SessionQuery, Via};
use url::form_urlencoded;

use crate::session::SessionKey;

/// Longest id of a decision.
const ID_BYTES: usize = 64;

/// A page that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// `/`
    Overview,
    /// `/providers`
    Providers,
    /// `/providers/{pk}?try=`
    Provider {
        /// Key of the provider.
        pk: i64,
        /// What to try its skip rules with.
        tried: Option<String>,
    },
    /// `/sessions?by=&value=&cursor=`
    Sessions(Understood<SessionQuery>),
    /// `/sessions/{key}`
    Session(SessionKey),
    /// `/sessions/revoke?by=&value=`
    Revoke(Understood<Named>),
    /// `/decisions?provider=&outcome=&reason=&user=&path=&address=`
    Decisions(DecisionFilter),
    /// `/decisions/{id}`
    Decision(String),
    /// `/explain?url=&method=&headers=&peer=&user=&via=`
    Explain(Understood<ExplainForm>),
    /// `/doctor`
    Doctor,
}

/// Sessions that are to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// What they are named by.
    pub(super) by: SearchBy,
    /// What it is.
    pub(super) value: String,
}

/// A question as far as it makes sense.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Understood<T> {
    /// As far as it could be read.
    pub(super) question: T,
    /// What is wrong with the rest, in a sentence.
    pub(super) problem: Option<String>,
}

impl Asked {
    /// The page of this path (as it came, still encoded) and query; `None` where there is none.
    pub(super) fn read(path: &str, query: &str) -> Option<Self> {
        let fields = Fields::read(query);
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        Some(match *segments {
            [""] => Self::Overview,
            ["providers"] => Self::Providers,
            ["providers", pk] => Self::Provider { pk: key(pk)?, tried: fields.some("try") },
            ["sessions"] => Self::Sessions(sessions(&fields)),
            ["sessions", "revoke"] => Self::Revoke(named(&fields)),
            ["sessions", key] => Self::Session(SessionKey::parse(key)?),
            ["decisions"] => Self::Decisions(DecisionFilter {
                provider: fields.text("provider"),
                outcome: fields.text("outcome"),
                reason: fields.text("reason"),
                user: fields.text("user"),
                path: fields.text("path"),
                address: fields.text("address"),
            }),
            ["decisions", id] => Self::Decision(id_of(id)?),
            ["explain"] => Self::Explain(explain(&fields)),
            ["doctor"] => Self::Doctor,
            _ => return None,
        })
    }

    /// Whether it changes while somebody looks.
    pub(super) const fn is_live(&self) -> bool {
        !matches!(self, Self::Revoke(_) | Self::Decision(_) | Self::Explain(_))
    }

    /// What somebody must be allowed to see it.
    pub(super) const fn role(&self) -> Role {
        match self {
            Self::Revoke(_) => Role::Act,
            _ => Role::View,
        }
    }
}

/// The fields of a form or query. Of several with a name, the first counts.
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Takes `application/x-www-form-urlencoded` apart.
    pub(super) fn read(text: &str) -> Self {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            fields.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(fields)
    }

    /// A field without blanks around it; empty where it is absent.
    pub(super) fn text(&self, name: &str) -> String {
        self.0.get(name).map(|value| value.trim().to_owned()).unwrap_or_default()
    }

    /// A field without blanks around it; `None` where nothing is left.
    pub(super) fn some(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// A field as it is; empty where it is absent.
    pub(super) fn raw(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

/// Which sessions a form names.
pub(super) fn named(fields: &Fields) -> Understood<Named> {
    let Understood { question: by, problem } = by(fields);
    let value = fields.text("value");
    let nobody = || "It is not said whose sessions are meant.".to_owned();
    let problem = problem.or_else(|| value.is_empty().then(nobody));
    Understood { question: Named { by, value }, problem }
}

fn sessions(fields: &Fields) -> Understood<SessionQuery> {
    let Understood { question: by, problem } = by(fields);
    let (value, cursor) = (fields.text("value"), fields.some("cursor"));
    Understood { question: SessionQuery { by, value, cursor }, problem }
}

fn by(fields: &Fields) -> Understood<SearchBy> {
    let code = fields.text("by");
    let known = SearchBy::of_code(&code);
    let problem = (known.is_none() && !code.is_empty()).then(|| {
        let known = SearchBy::ALL.map(SearchBy::code).join(", ");
        format!("Sessions are not looked for by {}; there are {known}.", short(&code))
    });
    Understood { question: known.unwrap_or_default(), problem }
}

fn explain(fields: &Fields) -> Understood<ExplainForm> {
    let code = fields.text("via");
    let via = Via::of_code(&code);
    let problem = (via.is_none() && !code.is_empty()).then(|| {
        let known = Via::ALL.map(Via::code).join(", ");
        format!("No request comes via {}; there are {known}.", short(&code))
    });
    let question = ExplainForm {
        url: fields.text("url"),
        method: fields.text("method"),
        headers: fields.raw("headers"),
        peer: fields.text("peer"),
        user: fields.text("user"),
        via: via.unwrap_or_default(),
    };
    Understood { question, problem }
}

/// What somebody wrote, short enough for a sentence.
fn short(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}

/// A provider's key, written as we write it: there is one address for one page.
fn key(text: &str) -> Option<i64> {
    text.parse().ok().filter(|pk: &i64| pk.to_string() == text)
}

fn id_of(text: &str) -> Option<String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    (plain && !text.is_empty() && text.len() <= ID_BYTES).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
