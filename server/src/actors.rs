//! The control plane: actors own what changes and publish what requests read.
//!
//! The messages here are all that actors say to one another.

pub mod core_link;
pub mod coverage;
pub mod handle;
pub mod keys;
pub mod live;
pub mod presence;
pub mod probes;
pub mod provider;
pub mod registry;
pub mod reports;
pub mod revocation_log;
pub mod revocations;
pub mod supervisor;

use actix::Message;

/// Ask the registry to fetch the configuration anew. A burst is one refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Refresh {
    /// Who asks.
    pub cause: RefreshCause,
}

/// Why a refresh happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshCause {
    /// The program starts.
    Start,
    /// The interval is over.
    Interval,
    /// Core said so over the websocket.
    Trigger,
    /// The websocket is back; a trigger may have been missed.
    Reconnected,
    /// SIGUSR1.
    Signal,
    /// Where people reach an embedded core was learned.
    Learned,
}

/// Core has ended a session of its own: end ours that hang on it, in every provider.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct CoreSessionEnded {
    /// Equals the `sid` claim.
    pub sid: String,
}

/// Sessions of a provider began or ended: its actor counts them anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct SessionsChanged {
    /// Core's key of the provider.
    pub provider: i64,
}
