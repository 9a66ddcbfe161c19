//! Charts of requests over time, as SVG that stretches with the page, and as tables of the same.
//!
//! Points are rounded to whole parts before anything is written: formatting fractions is what
//! rendering a chart costs. Outcomes differ by pattern, not by colour alone.

mod area;
mod bars;
mod scale;
#[cfg(test)]
mod tests;

use leptos::prelude::*;

use crate::model::{Outcome, Traffic, TrafficColumn};
use crate::number::{count, counted, percent};
use crate::page::parts::outcome_title as title;
use crate::time;

pub(crate) use bars::bar;

/// Requests each second, as an area. What is still being counted is left out.
pub(crate) fn requests(id: &'static str, traffic: &Traffic) -> AnyView {
    let (plot, top) = area::plot(id, traffic);
    figure(id, "Requests per second", (), plot, &top, traffic)
}

/// Requests by what became of them, as stacked bars, with what each sums up to.
pub(crate) fn outcomes(id: &'static str, traffic: &Traffic) -> AnyView {
    let (plot, top) = bars::plot(id, traffic);
    figure(id, "Decisions by outcome", legend(id, traffic), plot, &top, traffic)
}

/// The frame of a chart: title, legend, axes. The boxes have fixed heights: nothing jumps.
fn figure(
    id: &'static str,
    title: &'static str,
    legend: impl IntoAny,
    plot: AnyView,
    top: &scale::Top,
    traffic: &Traffic,
) -> AnyView {
    let quiet = (total(traffic) == 0)
        .then(|| view! { <p class="quiet-chart">"No requests in this time."</p> });
    let minutes = span(traffic).div_ceil(60);
    let ago = |part: u64| match minutes * part / 3 {
        0 => "now".to_owned(),
        minutes => format!("{minutes} min ago"),
    };
    view! {
        <figure class="chart card" aria-labelledby=format!("{id}-title")>
            <figcaption>
                <h3 id=format!("{id}-title")>{title}</h3>
                {legend.into_any()}
            </figcaption>
            <div class="plot">
                <div class="axis-y" aria-hidden="true">
                    <span>{top.whole.clone()}</span><span>{top.half.clone()}</span><span>"0"</span>
                </div>
                <div class="canvas">{plot}{quiet}</div>
                <div class="axis-x" aria-hidden="true">
                    <span>{ago(3)}</span><span>{ago(2)}</span><span>{ago(1)}</span><span>"now"</span>
                </div>
            </div>
        </figure>
    }
    .into_any()
}

/// What each outcome sums up to, with the pattern that stands for it.
fn legend(id: &'static str, traffic: &Traffic) -> AnyView {
    let all = total(traffic);
    let entries = Outcome::ALL.map(|outcome| {
        let sum: u64 = traffic.columns.iter().map(|column| of(column, outcome)).sum();
        view! {
            <li>
                <svg class="swatch" aria-hidden="true" focusable="false">
                    <rect class=bars::ground(outcome) width="100%" height="100%" />
                    <rect fill=bars::paint(id, outcome) width="100%" height="100%" />
                </svg>
                <span>{title(outcome)}</span>
                <b class="figures" title=percent(sum, all)>{count(sum)}</b>
            </li>
        }
    });
    view! { <ul class="legend">{entries.collect_view()}</ul> }.into_any()
}

/// The same in numbers, minute by minute, for those who do not see charts or want to know exactly.
pub(crate) fn numbers(id: &'static str, traffic: &Traffic) -> AnyView {
    let rows = minutes(traffic).into_iter().rev().map(|(at, sums)| {
        let full = time::rfc3339(at);
        let shown = full.get(11..16).unwrap_or_default().to_owned();
        let figures = Outcome::ALL.map(|outcome| view! { <td>{count(of(&sums, outcome))}</td> });
        view! {
            <tr>
                <th scope="row"><time datetime=full>{shown}</time></th>
                <td>{count(sums.total())}</td>
                {figures.collect_view()}
            </tr>
        }
    });
    let heads = Outcome::ALL.map(|outcome| view! { <th scope="col">{title(outcome)}</th> });
    view! {
        <details id=id>
            <summary>"These charts in numbers"</summary>
            <table class="numbers">
                <caption class="unseen">"Requests by minute and outcome"</caption>
                <thead>
                    <tr><th scope="col">"Minute (UTC)"</th><th scope="col">"All"</th>{heads.collect_view()}</tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </details>
    }
    .into_any()
}

/// Requests of whole minutes, oldest first.
fn minutes(traffic: &Traffic) -> Vec<(i64, TrafficColumn)> {
    let mut minutes: Vec<(i64, TrafficColumn)> = Vec::new();
    for column in &traffic.columns {
        let at = column.at - column.at.rem_euclid(60);
        if minutes.last().is_none_or(|(last, _)| *last != at) {
            minutes.push((at, TrafficColumn { at, ..TrafficColumn::default() }));
        }
        if let Some((_, sums)) = minutes.last_mut() {
            sums.allowed += column.allowed;
            sums.sign_in += column.sign_in;
            sums.denied += column.denied;
            sums.failed += column.failed;
        }
    }
    minutes
}

/// A chart in one sentence, for its text alternative.
fn sentence(traffic: &Traffic) -> String {
    let sums = Outcome::ALL.map(|outcome| {
        let sum: u64 = traffic.columns.iter().map(|column| of(column, outcome)).sum();
        format!("{} {}", count(sum), title(outcome).to_lowercase())
    });
    format!(
        "{} in {}: {}.",
        counted(total(traffic), "request", "requests"),
        counted(span(traffic).div_ceil(60), "minute", "minutes"),
        sums.join(", ")
    )
}

/// Requests each second over the last minute, without what is still being counted.
pub(crate) fn latest_rate(traffic: &Traffic) -> f64 {
    let step = u64::from(traffic.step.max(1));
    let complete = traffic.columns.len().saturating_sub(1);
    let wanted = usize::try_from(60_u64.div_ceil(step)).unwrap_or(1);
    let latest = traffic.columns.get(complete.saturating_sub(wanted)..complete).unwrap_or_default();
    if latest.is_empty() {
        return 0.0;
    }
    let requests: u64 = latest.iter().map(TrafficColumn::total).sum();
    scale::float(requests) / scale::float(step * latest.len() as u64)
}

/// All requests.
pub(crate) fn total(traffic: &Traffic) -> u64 {
    traffic.columns.iter().map(TrafficColumn::total).sum()
}

/// Requests that failed.
pub(crate) fn failed(traffic: &Traffic) -> u64 {
    traffic.columns.iter().map(|column| column.failed).sum()
}

/// Seconds it tells of.
fn span(traffic: &Traffic) -> u64 {
    u64::from(traffic.step) * traffic.columns.len() as u64
}

const fn of(column: &TrafficColumn, outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Allowed => column.allowed,
        Outcome::SignIn => column.sign_in,
        Outcome::Denied => column.denied,
        Outcome::Failed => column.failed,
    }
}
