//! Decisions: the latest ones, as they are made.

use leptos::prelude::*;

use super::parts::{
    Choice, Column, address, empty, encoded, keyed_row, moment, outcome_pill, outcome_title,
    region, select, table, text_input,
};
use super::{Page, words};
use crate::live::{Frame, Lines, Region};
use crate::model::{DecisionFilter, DecisionRow, Decisions, Outcome, Place, Role, Shell};
use crate::number::{count, counted, millis};

/// Id of the list that grows at its head.
const TAIL: &str = "decisions-tail";
/// Id of the figures above it.
const FIGURES: &str = "decisions-figures";
/// How many decisions the page shows at most: what is older goes.
const SHOWN: usize = 200;

const COLUMNS: [Column; 6] = [
    Column::classed("Decision", "decision"),
    Column::text("When"),
    Column::classed("Request", "request"),
    Column::classed("Who", "who"),
    Column::number("Status"),
    Column::number("Took"),
];

impl Page for Decisions {
    fn place(&self) -> Place {
        Place::Decisions
    }

    fn address(&self) -> Option<String> {
        Some(filtered(&self.filter))
    }

    fn content(&self, _: &Shell) -> AnyView {
        let rows = self.rows.iter().map(|row| line(row, self.now)).collect();
        view! {
            <h1>{self.title()}</h1>
            {form(self)}
            <section class="tail" aria-label="Latest decisions">
                <div class="bar">
                    {region(FIGURES, figures(self))}
                    <div class="actions">
                        <button type="button" class="main" data-live-new=TAIL hidden></button>
                        <button type="button" data-live-pause hidden>"Pause"</button>
                    </div>
                </div>
                {table("Latest decisions, newest first", &COLUMNS, Some(TAIL), rows)}
                {nothing(&self.filter)}
            </section>
        }
        .into_any()
    }

    fn changes(&self, _: Role) -> Frame {
        let lines = (!self.rows.is_empty()).then(|| {
            let rows: Vec<_> = self.rows.iter().map(|row| line(row, self.now)).collect();
            Lines { id: TAIL, html: super::html(rows), count: self.rows.len(), keep: SHOWN }
        });
        Frame { regions: vec![Region { id: FIGURES, html: super::html(figures(self)) }], lines }
    }
}

/// Address of the list with this filter.
pub(super) fn filtered(filter: &DecisionFilter) -> String {
    let DecisionFilter { provider, outcome, reason, user, path, address: client } = filter;
    let fields = [
        ("provider", provider.as_str()),
        ("outcome", outcome),
        ("reason", reason),
        ("user", user),
        ("path", path),
        ("address", client),
    ];
    address("/decisions", &fields)
}

fn form(decisions: &Decisions) -> AnyView {
    let DecisionFilter { provider, outcome, reason, user, path, address } = &decisions.filter;
    let providers = decisions
        .providers
        .iter()
        .map(|provider| Choice::new(provider.pk.to_string(), provider.name.clone()));
    let outcomes = Outcome::ALL.map(|outcome| Choice::new(outcome.code(), outcome_title(outcome)));
    let reasons =
        decisions.reasons.iter().map(|reason| Choice::new(reason.clone(), words::spaced(reason)));
    let everything = decisions.filter == DecisionFilter::default();
    view! {
        <form class="form card filter" method="get" action="/decisions" role="search" aria-label="Filter decisions">
            {select("provider", "Provider", any("Any provider", providers), provider)}
            {select("outcome", "Outcome", any("Any outcome", outcomes), outcome)}
            {select("reason", "Reason", any("Any reason", reasons), reason)}
            {text_input("user", "User name", user, "")}
            {text_input("path", "Host and path contain", path, "")}
            {text_input("address", "Client address begins", address, "")}
            <div class="actions">
                <button type="submit" class="main">"Filter"</button>
                {(!everything).then(|| view! { <a class="button" href="/decisions">"Show all"</a> })}
            </div>
        </form>
    }
    .into_any()
}

fn any(words: &str, choices: impl IntoIterator<Item = Choice>) -> Vec<Choice> {
    std::iter::once(Choice::new("", words)).chain(choices).collect()
}

fn figures(decisions: &Decisions) -> AnyView {
    let Decisions { seen, dropped, capacity, .. } = decisions;
    let lost = (*dropped > 0).then(|| {
        view! {
            ", " <strong class="odd">{count(*dropped)} " lost"</strong>
            " because more came than could be written down"
        }
    });
    view! {
        <p class="figures small">
            {counted(*seen, "decision", "decisions")} " since the start of this replica, which keeps the latest "
            {count(*capacity as u64)} {lost} "."
        </p>
    }
    .into_any()
}

fn line(row: &DecisionRow, now: i64) -> AnyView {
    let failure = row.failure.as_deref().filter(|failure| *failure != row.reason);
    let failure = failure.map(|failure| format!(", then {}", words::spaced(failure)));
    let decision = view! {
        <span class="verdict">
            {outcome_pill(row.outcome)}
            <a href=format!("/decisions/{}", encoded(&row.id))>
                {words::spaced(&row.reason)} {failure}
                <span class="unseen">{format!(": {} {}{}", row.method, row.host, row.path)}</span>
            </a>
        </span>
    };
    let request = view! {
        <span class="method">{row.method.clone()}</span> " "
        <code><b>{row.host.clone()}</b>{row.path.clone()}</code>
    };
    let who = view! {
        {row.user.clone().map(|user| view! { <span>{user}</span> " " })}
        {row.client.clone().map(|client| view! { <span class="small">{client}</span> })}
    };
    let cells = vec![
        decision.into_any(),
        moment(row.at, now),
        request.into_any(),
        who.into_any(),
        row.status.to_string().into_any(),
        millis(row.duration).into_any(),
    ];
    keyed_row(&row.sequence.to_string(), &COLUMNS, cells)
}

/// Stands below the list, and is seen while the list is empty.
fn nothing(filter: &DecisionFilter) -> AnyView {
    if *filter == DecisionFilter::default() {
        let then = view! {
            "Each request that this outpost decides about appears here at once. Open one of "
            <a href="/providers">"your applications"</a> ", or "
            <a href="/explain">"ask what would be decided"</a> "."
        };
        return empty("Nothing has been decided yet.", then);
    }
    let then = view! {
        "New ones appear here as they are made. " <a href="/decisions">"Show all decisions"</a>
        ", or loosen the filter: user names are compared as a whole, paths and addresses in part."
    };
    empty("No decision in the journal matches.", then)
}

#[cfg(test)]
mod tests;
