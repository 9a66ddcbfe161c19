//! Accesses for tests.

use std::sync::Arc;
use std::time::Duration;

use outpost_decision::origin::TrustedNetworks;

use super::{Access, AccessParts, Guesses};
use crate::limits::LimitFigures;
use crate::session::Sessions;
use crate::session::memory::MemoryStore;

/// Parts that name nobody, with a store of their own.
pub(in crate::ops) fn parts() -> AccessParts {
    AccessParts {
        core_token: "core-token".into(),
        token: None,
        view_token: None,
        core: None,
        url: None,
        lifetime: Duration::from_secs(3600),
        notes: Arc::new(Sessions::new(Arc::new(MemoryStore::new(100)))),
        trust: TrustedNetworks::default().into(),
        guesses: Guesses { of_one: 10, of_all: 100 },
        limits: LimitFigures::unread(),
    }
}

/// Where nobody is asked.
pub(in crate::ops) fn local() -> Arc<Access> {
    Arc::new(Access::new(parts()))
}
