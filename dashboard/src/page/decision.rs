//! One decision: what happened, why, and what to change.

use leptos::prelude::*;

use super::decisions::filtered;
use super::parts::{
    Column, address, exact, outcome_title, pairs, provider_link, row, section, table,
};
use super::reasoning::{reasoning, verdict};
use super::{Page, words};
use crate::model::{DecisionFilter, DecisionPage, DecisionRow, ExplainForm, Place, Shell};
use crate::number::millis;

const LOGGED: [Column; 2] = [Column::text("Header"), Column::classed("Value", "value")];

impl Page for DecisionPage {
    fn place(&self) -> Place {
        Place::Decisions
    }

    fn title(&self) -> String {
        let DecisionRow { outcome, method, host, path, .. } = &self.row;
        format!("{}: {method} {host}{path}", outcome_title(*outcome))
    }

    fn content(&self, _: &Shell) -> AnyView {
        let row = &self.row;
        let logged = (!self.logged.is_empty()).then(|| {
            section("logged", "Request headers that the settings want logged", logged(&self.logged))
        });
        let changed = self.configuration_changed.then(|| {
            view! {
                <p class="prose">
                    <strong class="odd">"The configuration has changed since."</strong>
                    " What nearly matched is worked out with today's; explain the request again to see what would be decided now."
                </p>
            }
        });
        view! {
            <p class="kicker"><a href="/decisions">"All decisions"</a></p>
            <h1 class="wrap">{words::action(&row.action)} ": " <code>{row.method.clone()} " " {row.host.clone()} {row.path.clone()}</code></h1>
            {verdict(&self.reasoning)}
            {after(row)}
            {changed}
            {leads(self)}
            {reasoning(&self.reasoning)}
            {section("request", "The request", facts(self))}
            {logged}
        }
        .into_any()
    }
}

/// What went wrong after the decision.
fn after(row: &DecisionRow) -> Option<AnyView> {
    row.failure.as_deref().map(|failure| {
        view! {
            <p class="notice bad prose">
                <strong>"It was let through and then failed: "</strong> {words::spaced(failure)} "."
            </p>
        }
        .into_any()
    })
}

/// Where to go from here.
fn leads(page: &DecisionPage) -> AnyView {
    let row = &page.row;
    let ExplainForm { url, method, headers, peer, user, via } = &page.again;
    let again = address(
        "/explain",
        &[
            ("url", url.as_str()),
            ("method", method),
            ("headers", headers),
            ("peer", peer),
            ("user", user),
            ("via", via.code()),
        ],
    );
    let list = |filter: DecisionFilter| filtered(&filter);
    let reason = list(DecisionFilter { reason: row.reason.clone(), ..DecisionFilter::default() });
    let client = row.client.clone().map(|client| {
        let href = list(DecisionFilter { address: client, ..DecisionFilter::default() });
        view! { <a class="button" href=href>"From the same client"</a> }
    });
    let user = row.user.clone().map(|user| {
        let href = list(DecisionFilter { user, ..DecisionFilter::default() });
        view! { <a class="button" href=href>"Of the same user"</a> }
    });
    view! {
        <nav class="actions" aria-label="Related">
            <a class="button main" href=again>"Explain this request again"</a>
            <a class="button" href=reason>"For the same reason"</a>
            {client} {user}
        </nav>
    }
    .into_any()
}

fn facts(page: &DecisionPage) -> AnyView {
    let row = &page.row;
    let code = |text: &str| {
        let text = text.to_owned();
        view! { <code>{text}</code> }.into_any()
    };
    let mut lines = vec![
        ("When", exact(row.at, page.now)),
        ("Request", code(&format!("{} {}{}", row.method, row.host, row.path))),
        ("Answer", row.status.to_string().into_any()),
        ("Took", took(row).into_any()),
        ("User", row.user.clone().unwrap_or_else(|| "nobody signed in".to_owned()).into_any()),
        ("Client", row.client.clone().unwrap_or_else(|| "unknown".to_owned()).into_any()),
    ];
    if let Some(provider) = &row.provider {
        lines.push(("Provider", provider_link(provider)));
    }
    lines.push(("Replica", page.replica.clone().into_any()));
    lines.push(("Decision id", code(&row.id)));
    if let Some(trace) = &page.trace {
        lines.push(("Trace id", code(trace)));
    }
    pairs(lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn took(row: &DecisionRow) -> String {
    let all = millis(row.duration);
    match row.upstream {
        Some(upstream) => format!("{all}, of which the application took {}", millis(upstream)),
        None => all,
    }
}

fn logged(headers: &[(String, String)]) -> AnyView {
    let rows = headers.iter().map(|(name, value)| {
        let (name, value) = (name.clone(), value.clone());
        let cells = vec![
            view! { <code>{name}</code> }.into_any(),
            view! { <code>{value}</code> }.into_any(),
        ];
        row(&LOGGED, cells)
    });
    table("Request headers", &LOGGED, None, rows.collect())
}

#[cfg(test)]
mod tests;
