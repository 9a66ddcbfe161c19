//! Requests each second, as an area.

use std::fmt::Write as _;

use leptos::prelude::*;

use super::scale::{Top, float};
use super::sentence;
use crate::model::{Traffic, TrafficColumn};
use crate::number::rate;

/// Parts of the height.
const PARTS: u32 = 1000;

/// The drawing, and how high it is.
pub(super) fn plot(id: &'static str, traffic: &Traffic) -> (AnyView, Top) {
    let rates = rates(traffic);
    let top = Top::of_rates(rates.iter().copied().fold(0.0, f64::max));
    let (line, area) = paths(&rates, &top);
    let said = match rates.last() {
        Some(latest) => {
            let most = rates.iter().copied().fold(0.0, f64::max);
            format!(
                "{} Lately {} a second, at most {}.",
                sentence(traffic),
                rate(*latest),
                rate(most)
            )
        }
        None => sentence(traffic),
    };
    let width = rates.len().saturating_sub(1).max(1);
    let drawing = view! {
        <svg role="img" aria-labelledby=format!("{id}-said") focusable="false">
            <title id=format!("{id}-said")>{said}</title>
            {grid()}
            <svg viewBox=format!("0 0 {width} {PARTS}") preserveAspectRatio="none">
                <path class="area" d=area />
                <path class="line" d=line />
            </svg>
        </svg>
    };
    (drawing.into_any(), top)
}

/// The lines of the axis.
pub(super) fn grid() -> impl IntoView {
    view! {
        <g class="grid">
            <line x1="0" x2="100%" y1="0" y2="0" />
            <line x1="0" x2="100%" y1="50%" y2="50%" />
            <line x1="0" x2="100%" y1="100%" y2="100%" />
        </g>
    }
}

/// Requests each second by column, without the one that is still being filled.
fn rates(traffic: &Traffic) -> Vec<f64> {
    let complete = traffic.columns.len().saturating_sub(1);
    let step = f64::from(traffic.step.max(1));
    traffic
        .columns
        .iter()
        .take(complete)
        .map(|column| float(TrafficColumn::total(column)) / step)
        .collect()
}

/// The line, and what is below it.
pub(super) fn paths(rates: &[f64], top: &Top) -> (String, String) {
    let mut line = String::with_capacity(rates.len() * 9);
    for (x, rate) in rates.iter().enumerate() {
        let y = PARTS - top.height(*rate, PARTS);
        // Writing to a string does not fail.
        let _ = write!(line, "{}{x} {y}", if x == 0 { 'M' } else { 'L' });
    }
    let area = match rates.len() {
        0 => String::new(),
        count => format!("{line}L{} {PARTS}L0 {PARTS}Z", count - 1),
    };
    (line, area)
}
