//! What a server's refusal or silence means.

use ::redis::{ErrorKind, RedisError, ServerErrorKind};

use super::options::RedisAddress;
use crate::session::store::StoreError;

/// Longest text taken over from a server, in characters.
const TEXT: usize = 160;

/// Why a command was not done. Texts hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server cannot be reached, or is not what we look for: the link is of no use.
    Link(String),
    /// This command was refused; others may work.
    Refused(String),
    /// The server does not know the script yet.
    NoScript,
    /// A cluster's node gave the slot away.
    Moved(RedisAddress),
    /// A cluster's node is giving the slot away and has no longer, or not yet, what was asked for.
    Ask(RedisAddress),
    /// Part of the cluster is gone, and nobody has taken over yet.
    ClusterDown(String),
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        let said = || match (error.code(), error.detail()) {
            (Some(code), detail) => format!("{code} {}", without_arguments(detail.unwrap_or(""))),
            (None, _) => error.to_string(),
        };
        let elsewhere = || {
            let (_, address) = error.detail()?.split_once(' ')?;
            let (host, port) = address.rsplit_once(':')?;
            Some(RedisAddress { host: host.to_owned(), port: port.parse().ok()? })
        };
        match error.kind() {
            ErrorKind::Server(kind) => match kind {
                ServerErrorKind::NoScript => Self::NoScript,
                ServerErrorKind::Moved => {
                    elsewhere().map_or_else(|| Self::Refused(said()), Self::Moved)
                }
                ServerErrorKind::Ask => {
                    elsewhere().map_or_else(|| Self::Refused(said()), Self::Ask)
                }
                ServerErrorKind::ClusterDown => Self::ClusterDown(said()),
                // Not, or no longer, a server that we can work with.
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly => Self::Link(said()),
                _ => Self::Refused(said()),
            },
            ErrorKind::Extension => match error.code() {
                // Signed out, or the server became a replica while we waited.
                Some("NOAUTH" | "WRONGPASS" | "UNBLOCKED") => Self::Link(said()),
                _ => Self::Refused(said()),
            },
            ErrorKind::Io => Self::Link(error.to_string()),
            ErrorKind::AuthenticationFailed => Self::Link("it does not let us sign in".to_owned()),
            // What came is no answer: the stream of answers cannot be trusted any more.
            _ => Self::Link("it does not speak the protocol of Redis".to_owned()),
        }
    }
}

/// A server's text without the arguments of the command that it may repeat.
fn without_arguments(text: &str) -> String {
    let text = text.split(", with args").next().unwrap_or_default();
    let text: String = text.chars().filter(|c| !c.is_control()).take(TEXT).collect();
    text.trim().to_owned()
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(match failure {
            Failure::Link(text) | Failure::Refused(text) | Failure::ClusterDown(text) => text,
            Failure::NoScript => "a script is not known even now".to_owned(),
            Failure::Moved(to) | Failure::Ask(to) => format!("it is always elsewhere, now at {to}"),
        })
    }
}

/// An answer that is not what the command answers with.
pub(super) fn odd_answer() -> StoreError {
    StoreError::Unavailable("Redis gave an answer of another shape than expected".to_owned())
}
