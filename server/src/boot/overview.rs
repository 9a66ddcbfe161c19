//! The read model of the operators' page, from what actors publish.

use outpost_dashboard::model::{
    Link, LinkState as ShownLink, Notice, Overview, ProviderRow, Refresh, Severity as Shown,
};
use outpost_decision::finding::{Finding, Severity};
use outpost_decision::link::LinkState;

use crate::actors::core_link::LinkStatus;
use crate::actors::registry::RegistryReaders;
use crate::clock;
use crate::ops::readiness::Readiness;
use crate::publish::Published;

/// Where the overview is taken from.
#[derive(Clone)]
pub(super) struct Sources {
    /// Our uuid.
    pub(super) instance: String,
    /// Base URL of core.
    pub(super) core: String,
    /// What the registry publishes.
    pub(super) readers: RegistryReaders,
    /// The link to core.
    pub(super) link: Published<LinkStatus>,
    /// What keeps traffic away.
    pub(super) readiness: Readiness,
}

impl Sources {
    /// The outpost at this moment.
    #[must_use]
    pub(super) fn overview(&self) -> Overview {
        let snapshot = self.readers.snapshot.load();
        let status = self.readers.status.load();
        Overview {
            now: clock::now().0,
            outpost: snapshot.outpost.name.clone(),
            version: crate::VERSION.to_owned(),
            instance: self.instance.clone(),
            core: self.core.clone(),
            link: link(&self.link.load()),
            refresh: Refresh {
                last_success: status.last_success.or(status.last_known_good).map(|at| at.0),
                next: status.next_attempt.map(|at| at.0),
                error: status.last_error.as_ref().map(ToString::to_string),
            },
            missing: self.readiness.report().missing.iter().map(missing).collect(),
            findings: snapshot
                .findings
                .iter()
                .filter(|found| found.provider.is_none())
                .map(|found| notice(&found.finding))
                .collect(),
            providers: self.providers(),
        }
    }

    fn providers(&self) -> Vec<ProviderRow> {
        let states = self.readers.providers.load();
        let mut rows: Vec<ProviderRow> = states
            .values()
            .map(|state| {
                let state = state.load();
                let provider = state.provider.as_ref();
                ProviderRow {
                    name: state.name.clone(),
                    mode: provider.map(|it| it.mode.as_str().to_owned()).unwrap_or_default(),
                    external_host: provider
                        .map(|it| format!("{}{}", it.external.origin(), it.external.path))
                        .unwrap_or_default(),
                    application: provider.map(|it| it.application_name.clone()).unwrap_or_default(),
                    sessions: state.sessions.live,
                    up_to_date: state.up_to_date,
                    findings: state.findings.iter().map(notice).collect(),
                }
            })
            .collect();
        rows.sort_by(|left, right| left.name.cmp(&right.name));
        rows
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

fn notice(finding: &Finding) -> Notice {
    Notice {
        severity: match finding.severity {
            Severity::Info => Shown::Info,
            Severity::Warning => Shown::Warning,
            Severity::Error => Shown::Error,
        },
        code: finding.code.to_owned(),
        message: finding.message.clone(),
        remedy: finding.remedy.clone(),
    }
}

fn missing(missing: &crate::ops::readiness::Missing) -> Notice {
    Notice {
        severity: Shown::Error,
        code: missing.what.to_owned(),
        message: missing.explanation.to_owned(),
        remedy: missing.remedy.to_owned(),
    }
}
