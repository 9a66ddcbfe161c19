//! Decisions.

use serde::{Deserialize, Serialize};

use super::{ExplainForm, Outcome, ProviderRef};

/// Which decisions are asked for; empty texts ask for all. In a URL: the names of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionFilter {
    /// Key of the provider.
    pub provider: String,
    /// Stable name of an [`Outcome`].
    pub outcome: String,
    /// Stable name of a reason.
    pub reason: String,
    /// The user name.
    pub user: String,
    /// Part of host, path and query.
    pub path: String,
    /// The client's address, or how it begins.
    pub address: String,
}

/// The latest decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// The moment.
    pub now: i64,
    /// What was asked for.
    pub filter: DecisionFilter,
    /// Newest first.
    pub rows: Vec<DecisionRow>,
    /// Number of the latest decision made, whether it is shown or not; ask for what comes after it.
    pub latest: u64,
    /// Decisions since the start.
    pub seen: u64,
    /// Decisions that the journal has lost because it was busy.
    pub dropped: u64,
    /// How many decisions the journal holds.
    pub capacity: usize,
    /// Every reason, for the form.
    pub reasons: Vec<String>,
    /// For the form.
    pub providers: Vec<ProviderRef>,
}

/// One decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecisionRow {
    /// Its place in the sequence of all.
    pub sequence: u64,
    /// Its id, as on error pages and in log lines.
    pub id: String,
    /// When the request came.
    pub at: i64,
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// Path and query, masked.
    pub path: String,
    /// The provider, where one was found.
    pub provider: Option<ProviderRef>,
    /// Stable name of the action.
    pub action: String,
    /// The action's family.
    pub outcome: Outcome,
    /// Stable name of the reason.
    pub reason: String,
    /// Status of the answer.
    pub status: u16,
    /// Name of the user, where known.
    pub user: Option<String>,
    /// Address of the client.
    pub client: Option<String>,
    /// Milliseconds it took.
    pub duration: f64,
    /// Milliseconds until the application answered, in proxy mode.
    pub upstream: Option<f64>,
    /// What went wrong after the decision, by name.
    pub failure: Option<String>,
}

/// Everything about one decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecisionPage {
    /// The moment.
    pub now: i64,
    /// What the list shows.
    pub row: DecisionRow,
    /// The replica that decided, by its host name.
    pub replica: String,
    /// How it came to be.
    pub reasoning: Reasoning,
    /// The question that explains the same request again, as far as the journal keeps it.
    #[serde(default)]
    pub again: ExplainForm,
    /// Request headers that the settings want logged, masked.
    pub logged: Vec<(String, String)>,
    /// The trace it is a part of.
    pub trace: Option<String>,
    /// Whether the configuration has changed since, so that what nearly matched may differ.
    pub configuration_changed: bool,
}

/// Why something was decided: the same for what happened and for what is only asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasoning {
    /// Stable name of the action.
    pub action: String,
    /// The action's family.
    pub outcome: Outcome,
    /// Stable name of the reason.
    pub reason: String,
    /// The reason in a sentence.
    pub explanation: String,
    /// What to change; empty where nothing is wrong.
    pub remedy: String,
    /// The provider, where one was found.
    pub provider: Option<ProviderRef>,
    /// What was looked at, in order.
    pub steps: Vec<Step>,
    /// Headers that tell where a request came from and went to, and who said so.
    pub headers: Vec<SeenHeader>,
    /// What nearly matched.
    pub near: Vec<Near>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Stable name of the kind of step.
    pub code: String,
    /// What was looked at: `Original URL`, `Provider`, `Credential`.
    pub title: String,
    /// What was found, in a sentence.
    pub found: String,
    /// How it speaks for the request.
    pub tone: Tone,
}

/// How something speaks for the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// For it.
    Good,
    /// Neither.
    #[default]
    Plain,
    /// Odd.
    Odd,
    /// Against it.
    Bad,
}

/// A header that tells where a request came from or went to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenHeader {
    /// Its name.
    pub name: String,
    /// What it said, masked.
    pub value: String,
    /// Address of the peer that sent it.
    pub from: String,
    /// Whether the peer is among the trusted proxies.
    pub trusted: bool,
    /// Whether it counted.
    pub believed: bool,
}

/// Something that nearly matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// What: `host`, `path` or `skip_rule`.
    pub kind: String,
    /// The thing: a host, a path, a rule as written.
    pub what: String,
    /// The provider it belongs to.
    pub provider: ProviderRef,
    /// Why it did not match, in a sentence.
    pub why_not: String,
}
