//! The outpost's state at one glance, as tiles.

use leptos::prelude::*;

use super::super::parts::{Fact, facts, moment, moment_or, pill, section};
use crate::chart;
use crate::model::{Link, LinkState, Overview, Place, Store, Tone};
use crate::number::{count, counted, millis, percent, rate};

/// Core, configuration, requests, sessions, store.
pub(super) fn facts_of(overview: &Overview) -> AnyView {
    let tiles = vec![
        core(overview),
        configuration(overview),
        requests(overview),
        sessions(overview),
        store(&overview.store, overview.now),
    ];
    section("state-title", "State", facts(tiles))
}

fn core(overview: &Overview) -> Fact {
    let now = overview.now;
    let Link { state, since, last_hello, last_ack, error } = overview.link.clone();
    let (tone, text) = match state {
        LinkState::Connected => (Tone::Good, "Connected"),
        LinkState::Connecting => (Tone::Plain, "Connecting"),
        LinkState::Disconnected => (Tone::Bad, "Disconnected"),
        LinkState::Stopped => (Tone::Odd, "Stopped"),
    };
    let hellos = view! {
        "Hello " {moment_or(last_hello, now, "never")} ", answered " {moment_or(last_ack, now, "never")}
    };
    let fact = Fact::new("Core", pill(tone, text))
        .line(since.map(|at| view! { "Since " {moment(at, now)} }))
        .line(hellos);
    match error.filter(|_| state != LinkState::Connected) {
        Some(error) => fact.line(view! { <span class="bad">{error}</span> }),
        None => fact,
    }
}

fn configuration(overview: &Overview) -> Fact {
    let now = overview.now;
    let refresh = &overview.refresh;
    let value = match (refresh.last_success, &refresh.error) {
        (None, _) => pill(Tone::Bad, "None yet"),
        (Some(_), Some(_)) => pill(Tone::Odd, "Kept"),
        (Some(_), None) => pill(Tone::Good, "Current"),
    };
    let fact = Fact::new("Configuration", value)
        .line(view! { "Refreshed " {moment_or(refresh.last_success, now, "never")} })
        .line(view! {
            {refresh.next.map(|at| view! { "Next " {moment(at, now)} ", " })}
            "generation " {refresh.generation}
        });
    match refresh.error.clone() {
        Some(error) => fact.line(view! { <span class="bad">{error}</span> }),
        None => fact,
    }
}

fn requests(overview: &Overview) -> Fact {
    let all = chart::total(&overview.traffic);
    let failed = chart::failed(&overview.traffic);
    let replicas = &overview.fleet.replicas;
    let own = chart::latest_rate(&overview.traffic);
    let share = format!("{} of {} in 15 min", percent(failed, all), count(all));
    let fact = |value: f64| {
        Fact::new("Requests", view! { {rate(value)} <span class="unit">" a second"</span> })
    };
    let fact = if replicas.len() > 1 {
        let sum = replicas.iter().map(|replica| replica.requests_per_second).sum();
        fact(sum).line(format!("All {} replicas; this one {}", replicas.len(), rate(own)))
    } else {
        fact(own).line("Over the last minute")
    };
    fact.line(view! { "Failed: " {share} })
}

fn sessions(overview: &Overview) -> Fact {
    let value = match overview.sessions {
        Some(sessions) => {
            view! { <a href=Place::Sessions.path()>{count(sessions as u64)}</a> }.into_any()
        }
        None => pill(Tone::Odd, "Unknown"),
    };
    let providers = counted(overview.providers as u64, "provider", "providers");
    let fact = Fact::new("Sessions", value)
        .line(view! { "In " <a href=Place::Providers.path()>{providers}</a> });
    match overview.sessions {
        Some(_) => fact,
        None => fact.line("The store cannot tell; it is asked again."),
    }
}

fn store(store: &Store, now: i64) -> Fact {
    let value = if store.kind.is_empty() {
        pill(Tone::Plain, "Unknown")
    } else if !store.reachable {
        pill(Tone::Bad, "Away")
    } else {
        pill(Tone::Good, "Answers")
    };
    let durable = match (store.shared, store.durable) {
        (true, _) => "shared by replicas",
        (false, true) => "survives a restart, for one process",
        (false, false) => "a restart signs everybody out",
    };
    let place = if store.place.is_empty() {
        format!(", {durable}")
    } else {
        format!(" at {}, {durable}", store.place)
    };
    let mut fact = Fact::new("Session store", value).wide();
    if !store.kind.is_empty() {
        fact = fact.line(view! { <b>{store.kind.clone()}</b> {place} });
    }
    if store.operations > 0 {
        let speed = store.speed.map_or_else(String::new, |speed| {
            format!("p50 {}, p99 {}; ", millis(speed.p50), millis(speed.p99))
        });
        let asked = counted(store.operations, "question", "questions");
        fact = fact.line(format!("{speed}{asked} in 15 min, {} unanswered", count(store.failures)));
    }
    match store.last_failure.clone() {
        Some((at, said)) => {
            let class = if store.reachable { "" } else { "bad" };
            fact.line(
                view! { "Last failure " {moment(at, now)} ": " <span class=class>{said}</span> },
            )
        }
        None => fact,
    }
}
