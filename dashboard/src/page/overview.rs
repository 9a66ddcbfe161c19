//! The overview page: how it stands with core, the replicas, the store and the traffic.

mod fleet;
mod state;
#[cfg(test)]
mod tests;

use leptos::prelude::*;

use super::parts::{
    Column, address, empty, icon, keyed_row, notices, outside, region, section, table,
};
use super::providers::{failed, mode};
use super::{Page, regions};
use crate::chart;
use crate::live::Frame;
use crate::model::{Notice, Overview, Place, ProviderRow, Role, Shell, Tone};
use crate::number::{count, millis};

/// How many findings are shown here; the doctor shows all.
const SHOWN: usize = 4;

impl Page for Overview {
    fn place(&self) -> Place {
        Place::Overview
    }

    fn address(&self) -> Option<String> {
        Some(Place::Overview.path().to_owned())
    }

    fn content(&self, _: &Shell) -> AnyView {
        let core_version = self.core_version.clone().map(|version| format!(", version {version}"));
        view! {
            <div>
                <h1>{self.title()}</h1>
                <p class="lead">"Outpost " {self.version.clone()} ", core at " {outside(&self.core)} {core_version}</p>
            </div>
            {region("state", state::facts_of(self))}
            {region("attention", attention(self))}
            {region("traffic", traffic(self))}
            {region("fleet", fleet::replicas(self))}
            {region("slowest", slowest(self))}
        }
        .into_any()
    }

    fn changes(&self, _: Role) -> Frame {
        let regions = regions([
            ("state", state::facts_of(self)),
            ("attention", attention(self)),
            ("traffic", traffic(self)),
            ("fleet", fleet::replicas(self)),
            ("slowest", slowest(self)),
        ]);
        Frame { regions, lines: None }
    }
}

/// What keeps traffic away, and findings: the worst, and how many more there are.
fn attention(overview: &Overview) -> AnyView {
    let mut all: Vec<Notice> = overview.missing.iter().chain(&overview.findings).cloned().collect();
    if all.is_empty() {
        return view! {
            <p class="calm">{icon(Tone::Good)} " Nothing needs attention. " <a href=Place::Doctor.path()>"What was looked at"</a></p>
        }
        .into_any();
    }
    all.sort_by_key(|notice| std::cmp::Reverse(notice.severity));
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    let rest = (more > 0).then(|| format!("{more} more: see the doctor"));
    let content = view! {
        {notices(&all)}
        {rest.map(|rest| view! { <p><a href=Place::Doctor.path()>{rest}</a></p> })}
    };
    section("attention-title", "Needs attention", content.into_any())
}

fn traffic(overview: &Overview) -> AnyView {
    let content = view! {
        <div class="columns">
            {chart::requests("rate", &overview.traffic)}
            {chart::outcomes("decided", &overview.traffic)}
        </div>
        {chart::numbers("traffic-numbers", &overview.traffic)}
    };
    section("traffic-title", "Requests of this replica, last 15 minutes", content.into_any())
}

const SLOWEST: [Column; 6] = [
    Column::text("Provider"),
    Column::text("Mode"),
    Column::number("p50"),
    Column::number("p99"),
    Column::number("Requests"),
    Column::number("Failed"),
];

fn slowest(overview: &Overview) -> AnyView {
    let content = if overview.slowest.is_empty() {
        empty(
            "No provider has had a request in the last 15 minutes.",
            "Once applications are used, the slowest ones stand here.",
        )
    } else {
        let rows = overview.slowest.iter().map(slow_row).collect();
        table("The slowest providers of the last 15 minutes", &SLOWEST, None, rows)
    };
    section("slowest-title", "Slowest providers, last 15 minutes", content)
}

fn slow_row(provider: &ProviderRow) -> AnyView {
    let speed = |value: fn(crate::model::Speed) -> f64| {
        provider.speed.map_or_else(|| "–".to_owned(), |speed| millis(value(speed))).into_any()
    };
    let href = format!("/providers/{}", provider.pk);
    let asked = address("/decisions", &[("provider", &provider.pk.to_string())]);
    keyed_row(
        &provider.pk.to_string(),
        &SLOWEST,
        vec![
            view! { <a href=href>{provider.name.clone()}</a> }.into_any(),
            mode(&provider.mode).into_any(),
            speed(|speed| speed.p50),
            speed(|speed| speed.p99),
            view! { <a href=asked>{count(provider.requests)}</a> }.into_any(),
            failed(provider.errors, provider.requests),
        ],
    )
}
