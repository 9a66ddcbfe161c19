//! What stands around every page.

use serde::{Deserialize, Serialize};

/// What stands around every page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shell {
    /// The moment.
    pub now: i64,
    /// The outpost's name in core; empty until known.
    pub outpost: String,
    /// Version of this program.
    pub version: String,
    /// Id of this instance.
    pub instance: String,
    /// How it stands with the outpost.
    pub standing: Standing,
    /// Who looks.
    pub viewer: Viewer,
    /// What has just been done, in a sentence of ours; shown once above the page.
    pub done: Option<String>,
}

/// How it stands with the outpost, at one glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Something keeps traffic away.
    #[default]
    NotReady,
    /// It serves what it knows; core is away or its configuration cannot be had.
    WithoutCore,
    /// It serves.
    Serving,
}

/// Who looks at the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// How they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Goes with every form that changes something, as field `csrf`. Not a credential: worth
    /// nothing without the session it belongs to.
    pub csrf: String,
    /// Whether there is a session to sign out of; not so for programs on the outpost's own
    /// machine that are let in without one.
    pub signed_in: bool,
}

/// What an operator may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    #[default]
    View,
    /// Look, and end sessions.
    Act,
}

/// The places of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `/`
    Overview,
    /// `/providers`
    Providers,
    /// `/sessions`
    Sessions,
    /// `/decisions`
    Decisions,
    /// `/explain`
    Explain,
    /// `/doctor`
    Doctor,
}

impl Place {
    /// All, in the order of the navigation.
    pub const ALL: [Self; 6] = [
        Self::Overview,
        Self::Providers,
        Self::Sessions,
        Self::Decisions,
        Self::Explain,
        Self::Doctor,
    ];

    /// Its path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Providers => "/providers",
            Self::Sessions => "/sessions",
            Self::Decisions => "/decisions",
            Self::Explain => "/explain",
            Self::Doctor => "/doctor",
        }
    }

    /// Its name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Providers => "Providers",
            Self::Sessions => "Sessions",
            Self::Decisions => "Decisions",
            Self::Explain => "Explain",
            Self::Doctor => "Doctor",
        }
    }
}
