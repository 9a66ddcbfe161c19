//! What the pages show and the API answers: plain values, no secret in any.
//!
//! Times are seconds since 1970, durations are milliseconds unless their name says otherwise.
//! The JSON of the API is these types, so a field is never renamed or given another meaning.

mod decision;
mod doctor;
mod explain;
mod fleet;
mod notice;
mod overview;
mod provider;
mod session;
mod shell;
mod traffic;

pub use decision::{
    DecisionFilter, DecisionPage, DecisionRow, Decisions, Near, Reasoning, SeenHeader, Step, Tone,
};
pub use doctor::{Check, Doctor};
pub use explain::{ExplainForm, ExplainPage, Explained, Via};
pub use fleet::{Fleet, Replica, Store};
pub use notice::{Notice, Severity};
pub use overview::{Link, LinkState, Overview, Refresh};
pub use provider::{
    Certificate, ProviderPage, ProviderRef, ProviderRow, Providers, ReasonCount, Setting, SkipRule,
    SkipTry, Snippet, SnippetFile,
};
pub use session::{RevokePlan, SearchBy, SessionPage, SessionQuery, SessionRow, Sessions};
pub use shell::{Place, Role, Shell, Standing, Viewer};
pub use traffic::{Outcome, Speed, Traffic, TrafficColumn};
