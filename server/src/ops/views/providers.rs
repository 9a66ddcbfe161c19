//! Providers.

use outpost_dashboard::model::{ProviderPage, ProviderRef, ProviderRow, Providers};

use super::Views;
use super::notice::notice;
use crate::clock;
use crate::status::ProviderState;

impl Views {
    /// The providers.
    #[must_use]
    pub fn providers(&self) -> Providers {
        let states = self.parts.providers.load();
        let mut rows: Vec<ProviderRow> = states.values().map(|state| row(&state.load())).collect();
        rows.sort_by(|left, right| left.name.cmp(&right.name));
        Providers { now: clock::now().0, loaded: self.parts.snapshot.load().is_loaded(), rows }
    }

    /// One provider; with a path or URL tried out against its skip rules.
    #[must_use]
    pub fn provider(&self, pk: i64, tried: Option<&str>) -> Option<ProviderPage> {
        let _ = tried;
        let states = self.parts.providers.load();
        let row = row(&states.get(&pk)?.load());
        Some(ProviderPage { now: clock::now().0, row, ..ProviderPage::default() })
    }
}

fn row(state: &ProviderState) -> ProviderRow {
    let provider = state.provider.as_ref();
    let named = ProviderRef { pk: state.pk, name: state.name.clone() };
    ProviderRow {
        pk: state.pk,
        name: state.name.clone(),
        mode: provider.map(|it| it.mode.as_str().to_owned()).unwrap_or_default(),
        external_host: provider
            .map(|it| format!("{}{}", it.external.origin(), it.external.path))
            .unwrap_or_default(),
        application: provider.map(|it| it.application_name.clone()).unwrap_or_default(),
        sessions: state.sessions.live,
        up_to_date: state.up_to_date,
        findings: state
            .findings
            .iter()
            .map(|finding| notice(finding, Some(named.clone())))
            .collect(),
        ..ProviderRow::default()
    }
}
