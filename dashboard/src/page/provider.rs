//! One provider: its configuration, its skip rules, what is decided about its requests.

mod rules;
mod snippets;
#[cfg(test)]
mod tests;

use leptos::prelude::*;

use super::parts::{
    Column, Fact, address, empty, facts, icon, keyed_row, notices, outcome_pill, outside, pairs,
    pill, region, section, table,
};
use super::providers::{certificate, failed, mode, other_hosts, sessions};
use super::{Page, regions};
use crate::chart;
use crate::live::Frame;
use crate::model::{Place, ProviderPage, ReasonCount, Role, Shell, Tone};
use crate::number::{count, millis, rate};

impl Page for ProviderPage {
    fn place(&self) -> Place {
        Place::Providers
    }

    fn title(&self) -> String {
        match self.row.name.as_str() {
            "" => format!("Provider {}", self.row.pk),
            name => name.to_owned(),
        }
    }

    fn address(&self) -> Option<String> {
        let tried = self.tried.as_ref().map(|tried| tried.input.as_str()).unwrap_or_default();
        Some(address(&path(self), &[("try", tried)]))
    }

    fn content(&self, _: &Shell) -> AnyView {
        let hosts = other_hosts(&self.row).join(", ");
        view! {
            <div>
                <p class="trail"><a href=Place::Providers.path()>"Providers"</a></p>
                <h1>{self.title()}</h1>
                <p class="lead">
                    {mode(&self.row.mode)} " · " {outside(&self.row.external_host)}
                    {(!hosts.is_empty()).then(|| view! { " · also " {hosts} })}
                </p>
            </div>
            {region("provider-now", now(self))}
            {region("provider-findings", findings(self))}
            {region("provider-traffic", traffic(self))}
            {region("provider-decisions", decisions(self))}
            <section aria-labelledby="rules-title">
                <h2 id="rules-title">"Unauthenticated paths"</h2>
                {region("provider-rules", rules::list(&self.skip_rules))}
                {rules::trying(&path(self), self.tried.as_ref())}
            </section>
            {snippets::section_of(&self.snippets, &self.row.pk.to_string())}
            {configuration(self)}
        }
        .into_any()
    }

    fn changes(&self, _: Role) -> Frame {
        let regions = regions([
            ("provider-now", now(self)),
            ("provider-findings", findings(self)),
            ("provider-traffic", traffic(self)),
            ("provider-decisions", decisions(self)),
            ("provider-rules", rules::list(&self.skip_rules)),
        ]);
        Frame { regions, lines: None }
    }
}

fn path(page: &ProviderPage) -> String {
    format!("/providers/{}", page.row.pk)
}

fn now(page: &ProviderPage) -> AnyView {
    let provider = &page.row;
    let effect = if provider.mode.is_empty() {
        pill(Tone::Bad, "Not in effect")
    } else if provider.up_to_date {
        pill(Tone::Good, "In effect")
    } else {
        pill(Tone::Odd, "Older version in effect")
    };
    let application = match provider.application.as_str() {
        "" => "No application".to_owned(),
        name => format!("Application {name}"),
    };
    let (p50, p99) = match provider.speed {
        Some(speed) => (millis(speed.p50), format!("p99 {}", millis(speed.p99))),
        None => ("–".to_owned(), "No requests in 15 min".to_owned()),
    };
    let tiles = vec![
        Fact::new("Configuration", effect).line(application),
        Fact::new("Sessions", sessions(provider)).line("Select to see them"),
        Fact::new(
            "Requests",
            view! { {rate(provider.requests_per_second)} <span class="unit">" a second"</span> },
        )
        .line(format!("{} in 15 min", count(provider.requests))),
        Fact::new("Time, p50", p50).line(p99),
        Fact::new("Failed", failed(provider.errors, provider.requests)).line("In 15 min"),
        Fact::new("Certificate", certificate(provider.certificate.as_ref(), page.now)).line(
            match &provider.certificate {
                Some(certificate) => certificate.names.join(", "),
                None => "None of its own".to_owned(),
            },
        ),
    ];
    section("now-title", "Now", facts(tiles))
}

fn findings(page: &ProviderPage) -> AnyView {
    let content = if page.row.findings.is_empty() {
        view! { <p class="calm">{icon(Tone::Good)} " Nothing is odd about this provider."</p> }
            .into_any()
    } else {
        notices(&page.row.findings)
    };
    section("findings-title", "Findings", content)
}

fn traffic(page: &ProviderPage) -> AnyView {
    let content = view! {
        {chart::outcomes("decided", &page.traffic)}
        {chart::numbers("traffic-numbers", &page.traffic)}
    };
    section("traffic-title", "Requests, last 15 minutes", content.into_any())
}

const REASONS: [Column; 4] = [
    Column::text("Reason"),
    Column::text("Outcome"),
    Column::number("Decisions"),
    Column::classed("Share", "share"),
];

fn decisions(page: &ProviderPage) -> AnyView {
    let content = if page.decisions.is_empty() {
        empty(
            "Nothing has been decided yet since this replica started.",
            view! {
                "Open " {outside(&page.row.external_host)} ", or ask what would be decided: "
                <a href=address("/explain", &[("url", &page.row.external_host)])>"explain"</a> "."
            },
        )
    } else {
        let most = page.decisions.iter().map(|counted| counted.count).max().unwrap_or(0);
        let key = page.row.pk.to_string();
        let rows = page.decisions.iter().map(|counted| reason(counted, most, &key)).collect();
        let all = address("/decisions", &[("provider", &key)]);
        view! {
            {table("Decisions by reason", &REASONS, None, rows)}
            <p><a href=all>"The latest decisions of this provider"</a></p>
        }
        .into_any()
    };
    section("decisions-title", "Decisions by reason, since the start of this replica", content)
}

fn reason(counted: &ReasonCount, most: u64, provider: &str) -> AnyView {
    let ReasonCount { reason, action, outcome, explanation, count: times } = counted.clone();
    let href = address("/decisions", &[("provider", provider), ("reason", &reason)]);
    keyed_row(
        &format!("{action} {reason}"),
        &REASONS,
        vec![
            view! {
                <a href=href>{explanation}</a>
                <div class="small"><code>{reason}</code> ", " <code>{action}</code></div>
            }
            .into_any(),
            outcome_pill(outcome),
            count(times).into_any(),
            chart::bar(times, most, outcome),
        ],
    )
}

fn configuration(page: &ProviderPage) -> AnyView {
    let content = if page.configuration.is_empty() {
        empty(
            "Nothing of this provider is in effect.",
            "Its findings say why. Once core sends a version that compiles, it stands here.",
        )
    } else {
        let settings = page.configuration.iter();
        pairs(settings.map(|set| (set.name.clone(), set.value.clone().into_any())).collect())
    };
    section("configuration-title", "Compiled configuration", content)
}
