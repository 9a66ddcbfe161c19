//! Why something is decided: for what happened and for what is only asked about.

use leptos::prelude::*;

use super::parts::{Column, empty, icon, outcome_pill, provider_link, row, section, table};
use crate::model::{Near, Reasoning, SeenHeader, Step, Tone};

const HEADERS: [Column; 4] = [
    Column::text("Header"),
    Column::classed("Value", "value"),
    Column::text("From"),
    Column::text("Counted"),
];

/// What it came to, why, and what to change; `words::action` stands above it.
pub(super) fn verdict(reasoning: &Reasoning) -> AnyView {
    let remedy = (!reasoning.remedy.is_empty()).then(|| {
        view! { <p class="remedy prose"><strong>"What to change: "</strong>{reasoning.remedy.clone()}</p> }
    });
    let provider = reasoning.provider.as_ref().map(|provider| {
        view! { " · provider " {provider_link(provider)} }
    });
    view! {
        <div class="card verdict-card">
            <p class="head-line">
                {outcome_pill(reasoning.outcome)}
                <strong class="verdict-words">{reasoning.explanation.clone()}</strong>
            </p>
            {remedy}
            <p class="small wrap">
                "action " <code>{reasoning.action.clone()}</code> " · reason "
                <code>{reasoning.reason.clone()}</code> {provider}
            </p>
        </div>
    }
    .into_any()
}

/// What was looked at, which headers told of the request, and what nearly matched.
pub(super) fn reasoning(reasoning: &Reasoning) -> AnyView {
    let near = (!reasoning.near.is_empty())
        .then(|| section("near", "What nearly matched", near(&reasoning.near)));
    view! {
        {section("steps", "Step by step", steps(&reasoning.steps))}
        {section("told", "Headers that tell where the request came from", headers(&reasoning.headers))}
        {near}
    }
    .into_any()
}

fn steps(steps: &[Step]) -> AnyView {
    if steps.is_empty() {
        return empty("No step is known.", "Nothing has been kept about how this came to be.");
    }
    let steps = steps.iter().map(|Step { code, title, found, tone }| {
        view! {
            <li class=format!("step {}", class(*tone))>
                {icon(*tone)}
                <div>
                    <p>
                        <strong>{title.clone()}</strong>
                        <span class="unseen">{format!(" ({})", spoken(*tone))}</span> " "
                        <code class="code">{code.clone()}</code>
                    </p>
                    <p class="prose">{found.clone()}</p>
                </div>
            </li>
        }
    });
    // Lists without marks are not read as lists by every screen reader.
    view! { <ol class="steps card" role="list">{steps.collect_view()}</ol> }.into_any()
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Plain => "plain",
        Tone::Odd => "odd",
        Tone::Bad => "bad",
    }
}

/// What a step's colour and shape say.
const fn spoken(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "speaks for it",
        Tone::Plain => "neutral",
        Tone::Odd => "odd",
        Tone::Bad => "speaks against it",
    }
}

fn headers(headers: &[SeenHeader]) -> AnyView {
    if headers.is_empty() {
        return empty(
            "No header told.",
            "Host, path and address are those of the connection itself; no proxy headers came with the request.",
        );
    }
    let rows = headers.iter().map(|header| {
        let SeenHeader { name, value, from, trusted, .. } = header.clone();
        let peer = if trusted { "a trusted proxy" } else { "not trusted" };
        let cells = vec![
            view! { <code>{name}</code> }.into_any(),
            view! { <code>{value}</code> }.into_any(),
            view! { <code>{from}</code> <span class="small">", " {peer}</span> }.into_any(),
            counted(header),
        ];
        row(&HEADERS, cells)
    });
    table("Headers that tell where the request came from", &HEADERS, None, rows.collect())
}

/// Whether a header counted, in words and shape.
fn counted(header: &SeenHeader) -> AnyView {
    let (tone, text) = match (header.believed, header.trusted) {
        (true, _) => (Tone::Good, "believed"),
        (false, true) => (Tone::Plain, "not used"),
        (false, false) => (Tone::Odd, "ignored"),
    };
    super::parts::pill(tone, text)
}

fn near(near: &[Near]) -> AnyView {
    let items = near.iter().map(|Near { kind, what, provider, why_not }| {
        let kind = match kind.as_str() {
            "host" => "Host",
            "path" => "Path",
            "skip_rule" => "Skip rule",
            _ => "Other",
        };
        view! {
            <li>
                <p>{kind} " " <code>{what.clone()}</code> " of " {provider_link(provider)}</p>
                <p class="small prose">{why_not.clone()}</p>
            </li>
        }
    });
    view! { <ul class="near card" role="list">{items.collect_view()}</ul> }.into_any()
}
