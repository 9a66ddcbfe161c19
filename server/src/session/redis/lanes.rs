//! The lanes beside a link's connection: one for each runtime that reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Handle, Id};

use super::lane::Lane;
use super::link::{Connected, LinkParts};

/// The lanes, by the runtime that moves them.
#[derive(Debug, Default)]
pub(super) struct Lanes(Mutex<HashMap<Id, Arc<Lane>>>);

impl Lanes {
    /// The lane of this runtime beside that connection. Where there is none, one is begun, for those who
    /// come later.
    pub(super) fn beside(&self, connected: &Connected, parts: &LinkParts) -> Option<Arc<Lane>> {
        let runtime = Handle::try_current().ok()?;
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = lanes.get(&runtime.id()).filter(|lane| lane.number == connected.number);
        if let Some(lane) = standing.filter(|lane| !lane.is_over()) {
            return Some(Arc::clone(lane));
        }
        // Those of runtimes that have ended, and of connections that were.
        lanes.retain(|_, lane| lane.number == connected.number && !lane.is_closed());
        let server = (connected.server.clone(), connected.peer);
        let lane = Lane::begin(&runtime, parts.clone(), connected.number, server);
        lanes.insert(runtime.id(), Arc::new(lane));
        None
    }
}
