//! Requests by what became of them, as stacked bars.

use leptos::prelude::*;

use super::area::grid;
use super::scale::{Top, float};
use super::{of, sentence, title};
use crate::model::{Outcome, Traffic, TrafficColumn};
use crate::number::count;
use crate::time;

/// Parts of the width and of the height: hundredths of a percent.
const PARTS: u32 = 10_000;
/// The least height of what there is any of: one failure among thousands is still seen.
const LEAST: u32 = 250;
/// How much of its room a bar takes, in hundredths.
const FILLED: u32 = 78;

/// The drawing, and how high it is.
pub(super) fn plot(id: &'static str, traffic: &Traffic) -> (AnyView, Top) {
    let top = Top::of_counts(traffic.columns.iter().map(TrafficColumn::total).max().unwrap_or(0));
    let all = u32::try_from(traffic.columns.len().max(1)).unwrap_or(PARTS);
    let columns = traffic.columns.iter().zip(0_u32..).map(|(column, index)| {
        let left = PARTS * index / all;
        let room = PARTS * (index + 1) / all - left;
        drawn(id, column, &top, left, room)
    });
    let drawing = view! {
        <svg role="img" aria-labelledby=format!("{id}-said") focusable="false">
            <title id=format!("{id}-said")>{sentence(traffic)}</title>
            <defs>{patterns(id)}</defs>
            {grid()}
            {columns.collect_view()}
        </svg>
    };
    (drawing.into_any(), top)
}

/// One column: a bar of each outcome there is any of, and a title over all of its room.
fn drawn(id: &str, column: &TrafficColumn, top: &Top, left: u32, room: u32) -> AnyView {
    if column.total() == 0 {
        return ().into_any();
    }
    let width = percent(room * FILLED / 100);
    let x = percent(left + room * (100 - FILLED) / 200);
    let bars = stack(column, top).into_iter().map(|Bar { outcome, from, height }| {
        let (y, height) = (percent(PARTS - from - height), percent(height));
        view! {
            <rect class=ground(outcome) x=x.clone() y=y.clone() width=width.clone() height=height.clone() />
            <rect fill=paint(id, outcome) x=x.clone() y=y width=width.clone() height=height />
        }
    });
    let when = time::rfc3339(column.at);
    let mut said = format!("{} UTC", when.get(11..19).unwrap_or_default());
    for outcome in Outcome::ALL.into_iter().filter(|outcome| of(column, *outcome) > 0) {
        said.push_str(", ");
        said.push_str(&count(of(column, outcome)));
        said.push(' ');
        said.push_str(&title(outcome).to_lowercase());
    }
    view! {
        <g>
            <title>{said}</title>
            {bars.collect_view()}
            <rect class="room" x=percent(left) y="0" width=percent(room) height="100%" />
        </g>
    }
    .into_any()
}

/// A bar within a column, in parts of the height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) outcome: Outcome,
    pub(super) from: u32,
    pub(super) height: u32,
}

/// The bars of a column, from the ground up. Each is at least [`LEAST`] high; where that makes
/// them higher than the chart, the highest gives way.
pub(super) fn stack(column: &TrafficColumn, top: &Top) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Outcome::ALL
        .into_iter()
        .filter(|outcome| of(column, *outcome) > 0)
        .map(|outcome| {
            let height = top.height(float(of(column, outcome)), PARTS).max(LEAST);
            Bar { outcome, from: 0, height }
        })
        .collect();
    let over = bars.iter().map(|bar| bar.height).sum::<u32>().saturating_sub(PARTS);
    if let Some(highest) = bars.iter_mut().max_by_key(|bar| bar.height) {
        highest.height = highest.height.saturating_sub(over);
    }
    let mut from = 0;
    for bar in &mut bars {
        bar.from = from;
        from += bar.height;
    }
    bars
}

/// The class of the colour below an outcome's pattern.
pub(super) const fn ground(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "ground allowed",
        Outcome::SignIn => "ground sign-in",
        Outcome::Denied => "ground denied",
        Outcome::Failed => "ground failed",
    }
}

/// What an outcome is painted with: all over, strokes one way, stripes, a lattice.
pub(super) fn paint(id: &str, outcome: Outcome) -> String {
    match outcome {
        Outcome::Allowed => "none".to_owned(),
        other => format!("url(#{id}-{})", other.code()),
    }
}

fn patterns(id: &'static str) -> impl IntoView {
    let name = move |outcome: Outcome| format!("{id}-{}", outcome.code());
    view! {
        <pattern id=name(Outcome::SignIn) width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect class="gap" width="2" height="5" />
        </pattern>
        <pattern id=name(Outcome::Denied) width="5" height="5" patternUnits="userSpaceOnUse">
            <rect class="gap" width="5" height="2" />
        </pattern>
        <pattern id=name(Outcome::Failed) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect class="gap" width="1.5" height="6" />
            <rect class="gap" width="6" height="1.5" />
        </pattern>
    }
}

/// A bar beside a figure: which part of the most it is. The figure itself says the same in words.
pub(crate) fn bar(part: u64, most: u64, outcome: Outcome) -> AnyView {
    let share = part.min(most).saturating_mul(u64::from(PARTS)).checked_div(most).unwrap_or(0);
    let share = u32::try_from(share).unwrap_or(PARTS);
    let width = percent(if part > 0 { share.max(100) } else { 0 });
    view! {
        <svg class="gauge" aria-hidden="true" focusable="false">
            <rect class=ground(outcome) width=width height="100%" rx="2" />
        </svg>
    }
    .into_any()
}

/// Hundredths of a percent, as SVG wants them.
fn percent(parts: u32) -> String {
    format!("{}.{:02}%", parts / 100, parts % 100)
}
