//! The link to core.

use outpost_decision::COMPATIBLE_VERSION;
use outpost_decision::coverage::Hearing;
use outpost_decision::link::{DownCause, LinkCounters, LinkState};
use outpost_decision::time::Timestamp;

/// The link as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// What it is doing.
    pub state: LinkState,
    /// Since when.
    pub since: Timestamp,
    /// When the last hello was sent.
    pub last_hello: Option<Timestamp>,
    /// When core last acknowledged one.
    pub last_ack: Option<Timestamp>,
    /// Since when and until when core's news have certainly been heard on the connection that is
    /// up; `None` while none is.
    pub hearing: Option<Hearing>,
    /// How many connections in a row have failed.
    pub attempt: u32,
    /// The version told to core.
    pub version: String,
    /// What the last failure said.
    pub last_error: Option<String>,
    /// What has been seen since the program started.
    pub counters: LinkCounters,
}

impl LinkStatus {
    /// Before the link has begun.
    #[must_use]
    pub fn idle(now: Timestamp) -> Self {
        Self {
            state: LinkState::Idle,
            since: now,
            last_hello: None,
            last_ack: None,
            hearing: None,
            attempt: 0,
            version: COMPATIBLE_VERSION.to_owned(),
            last_error: None,
            counters: LinkCounters::default(),
        }
    }

    /// Whether core acknowledges hellos.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.state == LinkState::Up
    }
}

/// What an operator should know and do about a link that is down.
#[must_use]
pub fn describe(cause: DownCause) -> String {
    match cause {
        DownCause::Refused(403) => "core refused it (403): check AUTHENTIK_TOKEN, and that \
                                    AUTHENTIK_HOST leads to core with nothing in between that \
                                    refuses websockets"
            .to_owned(),
        DownCause::Refused(status) => format!(
            "core answered {status} in place of a websocket: check AUTHENTIK_HOST, and that what \
             stands in front of core passes websockets"
        ),
        DownCause::Unreachable => "core cannot be reached".to_owned(),
        DownCause::Closed(Some(1012)) => "core restarts (1012)".to_owned(),
        DownCause::Closed(Some(code)) => format!("core closed it ({code})"),
        DownCause::Closed(None) => "the connection broke".to_owned(),
        DownCause::NoAck => "core no longer answers".to_owned(),
    }
}
