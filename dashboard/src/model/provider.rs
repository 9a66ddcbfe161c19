//! Providers.

use serde::{Deserialize, Serialize};

use super::{Notice, Outcome, Speed, Traffic};

/// A provider, named.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProviderRef {
    /// Its key in core.
    pub pk: i64,
    /// Its name; empty where the configuration in effect does not know it.
    pub name: String,
}

/// The providers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Providers {
    /// The moment.
    pub now: i64,
    /// Whether core has been heard at all.
    pub loaded: bool,
    /// By name.
    pub rows: Vec<ProviderRow>,
}

/// One provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProviderRow {
    /// Its key in core.
    pub pk: i64,
    /// Its name.
    pub name: String,
    /// `proxy`, `forward_single` or `forward_domain`; empty while nothing of it is in effect.
    pub mode: String,
    /// Where browsers see it; in `forward_domain` its cookie domain stands in [`Self::hosts`].
    pub external_host: String,
    /// All hosts it answers for, as people would write them.
    pub hosts: Vec<String>,
    /// Name of its application.
    pub application: String,
    /// Slug of its application.
    pub application_slug: String,
    /// Its sessions; `None` while the store cannot tell.
    pub sessions: Option<usize>,
    /// Requests a second over the last minute.
    pub requests_per_second: f64,
    /// How long its requests took over the last 15 minutes; `None` without any.
    pub speed: Option<Speed>,
    /// Requests over the last 15 minutes.
    pub requests: u64,
    /// Requests over the last 15 minutes that failed.
    pub errors: u64,
    /// The certificate served for it, where it has one.
    pub certificate: Option<Certificate>,
    /// Whether core's latest version is in effect.
    pub up_to_date: bool,
    /// What is wrong or odd about it.
    pub findings: Vec<Notice>,
}

/// A certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whom it is for, at most a few names.
    pub names: Vec<String>,
    /// When it ends.
    pub expires: i64,
}

/// Everything about one provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProviderPage {
    /// The moment.
    pub now: i64,
    /// What the list shows.
    pub row: ProviderRow,
    /// What its configuration compiled to, secrets masked.
    pub configuration: Vec<Setting>,
    /// Its unauthenticated paths, in the order of the provider's setting.
    pub skip_rules: Vec<SkipRule>,
    /// What a path that was tried out comes to.
    pub tried: Option<SkipTry>,
    /// Decisions of this replica since its start, most first.
    pub decisions: Vec<ReasonCount>,
    /// Its requests over the last 15 minutes.
    pub traffic: Traffic,
    /// Configuration of what may stand in front of the outpost for it. Empty while nothing of it
    /// is in effect; the live feed leaves it out.
    pub snippets: Vec<Snippet>,
}

/// Configuration to paste into one program or platform, for one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// Stable name of what it is for, as `outpost render` takes it.
    pub target: String,
    /// What it is, in half a line.
    pub about: String,
    /// The files, in the order to read them; none where there is a problem.
    pub files: Vec<SnippetFile>,
    /// Why it cannot be written for this provider, and what to do.
    pub problem: Option<String>,
}

/// One file of a [`Snippet`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnippetFile {
    /// Its usual name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// One line of a compiled configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What it is, for people.
    pub name: String,
    /// Its value; secrets are `******`.
    pub value: String,
}

/// A skip rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkipRule {
    /// Its line in the provider's setting, from 1.
    pub line: usize,
    /// As written.
    pub source: String,
    /// How often it matched on this replica since its start.
    pub matches: u64,
    /// What is odd about it, e.g. that it is not anchored.
    pub problem: Option<String>,
}

/// What a path comes to when it is tried against the skip rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkipTry {
    /// What was tried: a path with a query, or a URL.
    pub input: String,
    /// What the rules are tried against: the decoded path, or the whole URL. Empty if refused.
    pub text: String,
    /// Lines of the rules that match; the first one counts.
    pub lines: Vec<usize>,
    /// Why no rule is tried at all, or why the input is none.
    pub refused: Option<String>,
}

/// How often something was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonCount {
    /// Stable name of the reason.
    pub reason: String,
    /// Stable name of the action.
    pub action: String,
    /// The action's family.
    pub outcome: Outcome,
    /// The reason in a sentence.
    pub explanation: String,
    /// How often.
    pub count: u64,
}
