//! Skip rules: how often each matched, and trying a path out against them.

use leptos::prelude::*;

use super::super::parts::{Column, empty, pill, row, table, text_input};
use crate::model::{SkipRule, SkipTry, Tone};
use crate::number::count;

const COLUMNS: [Column; 4] = [
    Column::text("Rule"),
    Column::number("Line"),
    Column::number("Matches"),
    Column::text("Remark"),
];

/// The rules in their order, with how often each has matched.
pub(super) fn list(rules: &[SkipRule]) -> AnyView {
    if rules.is_empty() {
        return empty(
            "Every path needs a session.",
            "To make paths public, give the provider regular expressions under \
             \"Unauthenticated Paths\", one a line, for instance ^/public/",
        );
    }
    let rows = rules.iter().map(|rule| {
        let SkipRule { line, source, matches, problem } = rule.clone();
        row(
            &COLUMNS,
            vec![
                view! { <code>{source}</code> }.into_any(),
                line.into_any(),
                count(matches).into_any(),
                match problem {
                    Some(problem) => view! { {pill(Tone::Odd, "Odd")} " " {problem} }.into_any(),
                    None if matches == 0 => {
                        view! { <span class="small">"Never matched"</span> }.into_any()
                    }
                    None => ().into_any(),
                },
            ],
        )
    });
    table("Skip rules in their order", &COLUMNS, None, rows.collect())
}

/// The form to try a path out, and what it came to. Nothing is sent to the application.
pub(super) fn trying(path: &str, tried: Option<&SkipTry>) -> AnyView {
    let input = tried.map(|tried| tried.input.as_str()).unwrap_or_default();
    view! {
        <form class="card try" method="get" action=format!("{path}#tried")>
            {text_input("try", "Try a path out", input, "A path with its query, or a whole URL. Nothing is sent anywhere.")}
            <div class="actions"><button type="submit">"Try"</button></div>
        </form>
        <div id="tried">{tried.map(verdict)}</div>
    }
    .into_any()
}

fn verdict(tried: &SkipTry) -> AnyView {
    let SkipTry { text, lines, refused, .. } = tried.clone();
    if let Some(refused) = refused {
        return view! { <p class="remark prose">{pill(Tone::Odd, "No rule is tried")} " " {refused}</p> }
            .into_any();
    }
    let tested = view! { <span class="small">"Tried against: "<code>{text}</code></span> };
    match lines.split_first() {
        None => view! {
            <p class="remark prose">{pill(Tone::Plain, "Needs a session")} " No rule matches. " {tested}</p>
        }
        .into_any(),
        Some((first, others)) => {
            let others: Vec<String> = others.iter().map(ToString::to_string).collect();
            let also = (!others.is_empty())
                .then(|| format!("Matching as well, without effect: line {}. ", others.join(", ")));
            view! {
                <p class="remark prose">
                    {pill(Tone::Good, "Public")} " The rule in line " <b>{*first}</b> " matches. " {also} {tested}
                </p>
            }
            .into_any()
        }
    }
}
