//! The providers.

use leptos::prelude::*;

use super::parts::{
    Column, address, empty, keyed_row, moment, outside_short, pill, region, section, severity_pill,
    table,
};
use super::{Page, regions};
use crate::live::Frame;
use crate::model::{
    Certificate, Notice, Place, ProviderRow, Providers, Role, Severity, Shell, Speed, Tone,
};
use crate::number::{count, counted, millis, percent, rate};

/// Seconds before its end from which on a certificate is odd.
const SOON: i64 = 21 * 86_400;

impl Page for Providers {
    fn place(&self) -> Place {
        Place::Providers
    }

    fn address(&self) -> Option<String> {
        Some(Place::Providers.path().to_owned())
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! {
            <div>
                <h1>{self.title()}</h1>
                <p class="lead">
                    "Applications that core assigns to this outpost. Figures are of this replica: "
                    "rates over the last minute, the rest over the last 15 minutes."
                </p>
            </div>
            {region("providers", list(self))}
        }
        .into_any()
    }

    fn changes(&self, _: Role) -> Frame {
        Frame { regions: regions([("providers", list(self))]), lines: None }
    }
}

const COLUMNS: [Column; 9] = [
    Column::text("Provider"),
    Column::classed("Mode", "mode"),
    Column::classed("Hosts", "host"),
    Column::number("Sessions"),
    Column::number("Requests/s"),
    Column::number("p50 / p99"),
    Column::number("Failed"),
    Column::text("Certificate ends"),
    Column::text("Findings"),
];

fn list(providers: &Providers) -> AnyView {
    if !providers.loaded {
        return empty(
            "Core has not been heard yet, so no provider is known.",
            view! {
                "Check AUTHENTIK_HOST and AUTHENTIK_TOKEN, and that core is up; the "
                <a href=Place::Doctor.path()>"doctor"</a> " says what is wrong."
            },
        );
    }
    if providers.rows.is_empty() {
        return empty(
            "No provider is assigned to this outpost.",
            "In authentik's admin interface, open Applications, Outposts, edit this outpost, and \
             select the applications it is to serve. They appear here within seconds.",
        );
    }
    let rows = providers.rows.iter().map(|provider| line(provider, providers.now)).collect();
    let content = table("Providers with their figures", &COLUMNS, None, rows);
    let heading = counted(providers.rows.len() as u64, "provider", "providers");
    section("providers-title", heading, content)
}

fn line(provider: &ProviderRow, now: i64) -> AnyView {
    let href = format!("/providers/{}", provider.pk);
    let application = (!provider.application.is_empty() && provider.application != provider.name)
        .then(|| view! { <div class="small">{provider.application.clone()}</div> });
    keyed_row(
        &provider.pk.to_string(),
        &COLUMNS,
        vec![
            view! { <a href=href.clone()>{provider.name.clone()}</a>{application} }.into_any(),
            short_mode(&provider.mode),
            hosts(provider),
            sessions(provider),
            rate(provider.requests_per_second).into_any(),
            speed(provider.speed),
            failed(provider.errors, provider.requests),
            certificate(provider.certificate.as_ref(), now),
            findings(&provider.findings, provider.up_to_date, &href),
        ],
    )
}

/// A provider's mode as authentik's interface calls it.
pub(super) fn mode(mode: &str) -> String {
    match mode {
        "proxy" => "Proxy".to_owned(),
        "forward_single" => "Forward auth, single application".to_owned(),
        "forward_domain" => "Forward auth, domain".to_owned(),
        "" => "None in effect".to_owned(),
        other => other.to_owned(),
    }
}

/// [`mode`] in two lines.
fn short_mode(name: &str) -> AnyView {
    let mode = mode(name);
    match mode.split_once(", ") {
        Some((mode, kind)) => {
            view! { {mode.to_owned()} <div class="small">{kind.to_owned()}</div> }.into_any()
        }
        None => mode.into_any(),
    }
}

/// Where browsers see it, and how many more hosts there are.
fn hosts(provider: &ProviderRow) -> AnyView {
    let others = other_hosts(provider);
    let shown = match others.len() {
        0 => None,
        1 | 2 => Some(others.join(", ")),
        count => others.first().map(|first| format!("{first} and {} more", count - 1)),
    };
    view! {
        {outside_short(&provider.external_host)}
        {shown.map(|shown| view! { <div class="small">{shown}</div> })}
    }
    .into_any()
}

/// The hosts it answers for beside its external host.
pub(super) fn other_hosts(provider: &ProviderRow) -> Vec<&str> {
    let external = provider.external_host.trim_end_matches('/');
    let own = external.split_once("://").map_or(external, |(_, own)| own);
    let hosts = provider.hosts.iter().map(|host| host.trim_end_matches('/'));
    hosts.filter(|host| !host.eq_ignore_ascii_case(own)).collect()
}

/// How many sessions there are, leading to them.
pub(super) fn sessions(provider: &ProviderRow) -> AnyView {
    let Some(sessions) = provider.sessions else {
        return view! { <span class="small">"unknown"</span> }.into_any();
    };
    let key = provider.pk.to_string();
    let href = address(Place::Sessions.path(), &[("by", "provider"), ("value", &key)]);
    view! { <a href=href>{count(sessions as u64)}</a> }.into_any()
}

fn speed(speed: Option<Speed>) -> AnyView {
    match speed {
        Some(Speed { p50, p99 }) => {
            view! { {millis(p50)} <div class="small">{millis(p99)}</div> }.into_any()
        }
        None => "–".into_any(),
    }
}

/// Requests that failed, among all: a word and a shape where there are any.
pub(super) fn failed(errors: u64, requests: u64) -> AnyView {
    if requests == 0 {
        return "–".into_any();
    }
    if errors == 0 {
        return "0".into_any();
    }
    let title = format!("{} of {} requests", count(errors), count(requests));
    view! { <span title=title class="bad">{count(errors)} " (" {percent(errors, requests)} ")"</span> }
        .into_any()
}

/// When a certificate ends.
pub(super) fn certificate(certificate: Option<&Certificate>, now: i64) -> AnyView {
    let Some(Certificate { names, expires }) = certificate else {
        return "–".into_any();
    };
    let left = expires.saturating_sub(now);
    let warning = if left <= 0 {
        Some(pill(Tone::Bad, "Expired"))
    } else {
        (left < SOON).then(|| pill(Tone::Odd, "Soon"))
    };
    view! { <span title=names.join(", ")>{moment(*expires, now)}</span> " " {warning} }.into_any()
}

fn findings(findings: &[Notice], up_to_date: bool, href: &str) -> AnyView {
    let pills = [Severity::Error, Severity::Warning, Severity::Info].map(|severity| {
        let count = findings.iter().filter(|notice| notice.severity == severity).count();
        (count > 0).then(|| severity_pill(severity, count))
    });
    if findings.is_empty() && up_to_date {
        return view! { <span class="small">"None"</span> }.into_any();
    }
    let stale = (!up_to_date).then(|| pill(Tone::Bad, "Older version"));
    let href = format!("{href}#findings-title");
    view! { <a class="pills" href=href>{stale}{pills.into_iter().flatten().collect_view()}</a> }
        .into_any()
}

#[cfg(test)]
mod tests;
