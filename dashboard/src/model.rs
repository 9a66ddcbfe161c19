//! What the pages show: plain values, no secret in any.

/// The whole outpost at one moment. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// The moment.
    pub now: i64,
    /// The outpost's name in core; empty until known.
    pub outpost: String,
    /// Version of this program.
    pub version: String,
    /// Id of this instance.
    pub instance: String,
    /// Base URL of core.
    pub core: String,
    /// The websocket to core.
    pub link: Link,
    /// Getting the configuration.
    pub refresh: Refresh,
    /// What keeps traffic away; empty when ready.
    pub missing: Vec<Notice>,
    /// Findings about the outpost as a whole.
    pub findings: Vec<Notice>,
    /// The providers, in core's order.
    pub providers: Vec<ProviderRow>,
}

/// The websocket to core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// What it is doing.
    pub state: LinkState,
    /// Since when.
    pub since: Option<i64>,
    /// When the last hello was sent.
    pub last_hello: Option<i64>,
    /// When core last acknowledged one.
    pub last_ack: Option<i64>,
    /// What the last failure said.
    pub error: Option<String>,
}

/// What the websocket is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// Connecting for the first time.
    #[default]
    Connecting,
    /// Core acknowledges hellos.
    Connected,
    /// Not connected; tried again and again.
    Disconnected,
    /// Ended on purpose.
    Stopped,
}

/// Getting the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refresh {
    /// When it last went well.
    pub last_success: Option<i64>,
    /// When it is tried next.
    pub next: Option<i64>,
    /// Why it went wrong the last time.
    pub error: Option<String>,
}

/// One provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderRow {
    /// Its name.
    pub name: String,
    /// `proxy`, `forward_single` or `forward_domain`.
    pub mode: String,
    /// Where browsers see it.
    pub external_host: String,
    /// Name of its application.
    pub application: String,
    /// Its sessions; `None` while the store cannot tell.
    pub sessions: Option<usize>,
    /// Whether core's latest version is in effect.
    pub up_to_date: bool,
    /// What is wrong or odd about it.
    pub findings: Vec<Notice>,
}

/// Something an operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub severity: Severity,
    /// Its stable name.
    pub code: String,
    /// What is the matter.
    pub message: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Likely not as meant.
    Warning,
    /// Not in effect.
    Error,
}
