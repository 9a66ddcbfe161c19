//! The outpost at one moment.

use outpost_dashboard::model::{
    Link, LinkState as ShownLink, Overview, ProviderRow, Refresh, Store,
};
use outpost_decision::link::LinkState;
use outpost_decision::time::Timestamp;

use super::Views;
use super::notice::missing;
use crate::clock;
use crate::status::RegistryStatus;
use crate::status::link::LinkStatus;

/// Providers among the slowest that are shown.
const SLOWEST: usize = 5;

impl Views {
    /// The outpost at this moment.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let parts = &self.parts;
        let now = clock::now();
        let snapshot = parts.snapshot.load();
        let status = parts.status.load();
        let findings = self.findings(now);
        let rows = self.provider_rows(now, &findings);
        Overview {
            now: now.0,
            outpost: snapshot.outpost.name.clone(),
            version: crate::VERSION.to_owned(),
            instance: parts.instance.clone(),
            core: parts.core.clone(),
            core_version: status.expected_version.clone(),
            link: link(&parts.link.load()),
            refresh: refresh(&status),
            missing: parts.readiness.report().missing.iter().map(missing).collect(),
            findings,
            fleet: self.fleet(),
            store: self.store(now),
            traffic: parts.activity.traffic(now),
            providers: rows.len(),
            sessions: rows.iter().map(|row| row.sessions).sum(),
            slowest: slowest(rows),
        }
    }

    /// Where sessions are kept.
    fn store(&self, now: Timestamp) -> Store {
        let activity = &self.parts.store_activity;
        let sessions = &self.parts.sessions;
        let (operations, failures) = activity.operations(now);
        // What the store knows of its servers without being asked, and what whoever asked found.
        let trouble = sessions.trouble().map(|(since, reason)| (since.0, reason));
        Store {
            kind: self.parts.store.kind.to_owned(),
            place: self.parts.store.place.clone(),
            shared: sessions.is_shared(),
            durable: sessions.is_durable(),
            reachable: self.parts.store_reach.is_there() && trouble.is_none(),
            operations,
            failures,
            speed: activity.speed(now),
            last_failure: activity.last_failure().max(trouble),
        }
    }
}

fn slowest(mut rows: Vec<ProviderRow>) -> Vec<ProviderRow> {
    let p99 = |row: &ProviderRow| row.speed.map_or(0.0, |speed| speed.p99);
    rows.retain(|row| row.speed.is_some());
    rows.sort_by(|left, right| p99(right).total_cmp(&p99(left)));
    rows.truncate(SLOWEST);
    rows
}

fn refresh(status: &RegistryStatus) -> Refresh {
    Refresh {
        last_success: status.last_success.or(status.last_known_good).map(|at| at.0),
        next: status.next_attempt.map(|at| at.0),
        error: status.last_error.as_ref().map(ToString::to_string),
        generation: status.generation,
    }
}

fn link(status: &LinkStatus) -> Link {
    Link {
        state: match status.state {
            LinkState::Idle | LinkState::Connecting => ShownLink::Connecting,
            LinkState::Up => ShownLink::Connected,
            LinkState::Down(_) => ShownLink::Disconnected,
            LinkState::Stopped => ShownLink::Stopped,
        },
        since: Some(status.since.0),
        last_hello: status.last_hello.map(|at| at.0),
        last_ack: status.last_ack.map(|at| at.0),
        error: status.last_error.clone(),
    }
}
