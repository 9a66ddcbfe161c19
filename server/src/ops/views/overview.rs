//! The outpost at one moment.

use outpost_dashboard::model::{Fleet, Link, LinkState as ShownLink, Overview, Refresh};
use outpost_decision::link::LinkState;

use super::Views;
use super::notice::{missing, notice};
use crate::clock;
use crate::status::RegistryStatus;
use crate::status::link::LinkStatus;

impl Views {
    /// The outpost at this moment.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let parts = &self.parts;
        let snapshot = parts.snapshot.load();
        let status = parts.status.load();
        let rows = self.providers().rows;
        Overview {
            now: clock::now().0,
            outpost: snapshot.outpost.name.clone(),
            version: crate::VERSION.to_owned(),
            instance: parts.instance.clone(),
            core: parts.core.clone(),
            core_version: status.expected_version.clone(),
            link: link(&parts.link.load()),
            refresh: refresh(&status),
            missing: parts.readiness.report().missing.iter().map(missing).collect(),
            findings: snapshot
                .findings
                .iter()
                .filter(|found| found.provider.is_none())
                .map(|found| notice(&found.finding, None))
                .collect(),
            fleet: Fleet::clone(&parts.fleet.load()),
            providers: rows.len(),
            sessions: rows.iter().map(|row| row.sessions).sum(),
            ..Overview::default()
        }
    }
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
