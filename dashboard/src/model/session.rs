//! Sessions, as far as the store keeps them in the clear.

use serde::{Deserialize, Serialize};

use super::ProviderRef;

/// What sessions are looked for by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchBy {
    /// User name.
    #[default]
    User,
    /// Core's session.
    Sid,
    /// Address it was begun from.
    Address,
    /// Key of the provider in core.
    Provider,
    /// Subject.
    Sub,
    /// The session's own key.
    Key,
}

impl SearchBy {
    /// All, in the order of the form.
    pub const ALL: [Self; 6] =
        [Self::User, Self::Sid, Self::Address, Self::Provider, Self::Sub, Self::Key];

    /// Its stable name: the value of field `by`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Sid => "sid",
            Self::Address => "address",
            Self::Provider => "provider",
            Self::Sub => "sub",
            Self::Key => "key",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.code() == code)
    }
}

/// Which sessions are asked for. In a URL: `by`, `value`, `cursor`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionQuery {
    /// What they are looked for by.
    pub by: SearchBy,
    /// What it must be; empty: all sessions.
    pub value: String,
    /// Where to go on; `None`: the first page.
    pub cursor: Option<String>,
}

/// A page of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// The moment.
    pub now: i64,
    /// What was asked for.
    pub query: SessionQuery,
    /// Newest first where the store has an order.
    pub rows: Vec<SessionRow>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<String>,
    /// All live sessions, whatever was asked for; `None` while the store cannot tell.
    pub total: Option<usize>,
    /// Why there are no rows: the question makes no sense, or the store is away.
    pub problem: Option<String>,
    /// For the form.
    pub providers: Vec<ProviderRef>,
}

/// A session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Its key: a hash, of no use to sign in with.
    pub key: String,
    /// User name.
    pub user: String,
    /// Subject.
    pub sub: String,
    /// Core's session, where it hangs on one.
    pub sid: Option<String>,
    /// Its provider.
    pub provider: ProviderRef,
    /// How it came to be: `sign_in` or `header`.
    pub origin: String,
    /// When it came to be.
    pub created: i64,
    /// When it was last used, as far as the store has been told.
    pub seen: i64,
    /// When core last vouched for it.
    pub verified: i64,
    /// When it ends.
    pub expires: i64,
    /// When it ends if nobody uses it any more, where there is an idle limit.
    pub idle_until: Option<i64>,
    /// Address it was begun from.
    pub client_address: Option<String>,
    /// User agent it was begun with.
    pub user_agent: String,
}

/// One session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPage {
    /// The moment.
    pub now: i64,
    /// The session.
    pub row: SessionRow,
    /// The user's other live sessions, at most 50.
    pub others: Vec<SessionRow>,
}

/// What revoking would end: shown before anything is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokePlan {
    /// The moment.
    pub now: i64,
    /// What the sessions are named by.
    pub by: SearchBy,
    /// What it is.
    pub value: String,
    /// Who or what is meant, for people: `all sessions of alice`.
    pub label: String,
    /// How many would end.
    pub count: usize,
    /// Some of them, at most 10.
    pub sample: Vec<SessionRow>,
    /// Why it cannot be told.
    pub problem: Option<String>,
}
