//! What hangs open on a session (websockets, event streams) and must close when it ends.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio_util::sync::CancellationToken;

use super::SessionKey;

/// The open connections of this replica, by session.
#[derive(Debug, Default)]
pub struct LiveConnections {
    open: DashMap<SessionKey, Open>,
}

#[derive(Debug)]
struct Open {
    ended: CancellationToken,
    holders: usize,
    /// The session's provider, once it is known.
    provider: Option<i64>,
}

/// One open connection's hold on its session; dropping it lets go.
#[derive(Debug)]
pub struct LiveConnection {
    connections: Arc<LiveConnections>,
    key: SessionKey,
    ended: CancellationToken,
}

impl LiveConnections {
    /// Registers an open connection. The caller must look the session up once more **after**
    /// this: a session that ended in between would otherwise be missed.
    #[must_use]
    pub fn register(self: &Arc<Self>, key: SessionKey) -> LiveConnection {
        let ended = {
            let mut open = self.open.entry(key).or_insert_with(|| Open {
                ended: CancellationToken::new(),
                holders: 0,
                provider: None,
            });
            open.holders += 1;
            open.ended.clone()
        };
        LiveConnection { connections: Arc::clone(self), key, ended }
    }

    /// Closes what hangs on the session.
    pub fn close(&self, key: &SessionKey) {
        if let Some((_, open)) = self.open.remove(key) {
            open.ended.cancel();
        }
    }

    /// Closes what hangs on sessions of these providers.
    pub fn close_of(&self, providers: &[i64]) {
        self.open.retain(|_, open| {
            let goes = open.provider.is_some_and(|provider| providers.contains(&provider));
            if goes {
                open.ended.cancel();
            }
            !goes
        });
    }

    /// The sessions with something open.
    #[must_use]
    pub fn keys(&self) -> Vec<SessionKey> {
        self.open.iter().map(|open| *open.key()).collect()
    }

    /// Number of sessions with something open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl LiveConnection {
    /// Its session is one of this provider.
    pub(super) fn of(&self, provider: i64) {
        if let Some(mut open) = self.connections.open.get_mut(&self.key) {
            open.provider = Some(provider);
        }
    }

    /// Fires when the session ends.
    #[must_use]
    pub fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl Drop for LiveConnection {
    fn drop(&mut self) {
        if self.ended.is_cancelled() {
            return; // `close` has already removed the entry; one there now is of a newer session.
        }
        if let Entry::Occupied(mut entry) = self.connections.open.entry(self.key) {
            entry.get_mut().holders -= 1;
            if entry.get().holders == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_reaches_every_holder_and_leaves_nothing() {
        let live = Arc::new(LiveConnections::default());
        let (first, second) =
            (live.register(SessionKey([1; 32])), live.register(SessionKey([1; 32])));
        let other = live.register(SessionKey([2; 32]));
        live.close(&SessionKey([1; 32]));
        assert!(first.ended().is_cancelled() && second.ended().is_cancelled());
        assert!(!other.ended().is_cancelled());
        drop((first, second, other));
        assert!(live.is_empty());
    }

    #[test]
    fn the_last_holder_takes_the_entry_along() {
        let live = Arc::new(LiveConnections::default());
        let first = live.register(SessionKey([1; 32]));
        let second = live.register(SessionKey([1; 32]));
        drop(first);
        assert_eq!(live.len(), 1);
        assert!(!second.ended().is_cancelled());
        drop(second);
        assert!(live.is_empty());
    }
}
