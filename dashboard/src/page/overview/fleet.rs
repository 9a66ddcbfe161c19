//! The replicas, and whether they agree.

use leptos::prelude::*;

use super::super::parts::{
    Column, empty, icon, keyed_row, moment, moment_or, pill, section, table,
};
use crate::model::{Overview, Replica, Tone};
use crate::number::{count, rate};

/// Seconds without a word after which a replica is shown as silent.
const SILENT: i64 = 30;

const COLUMNS: [Column; 9] = [
    Column::text("Replica"),
    Column::text("State"),
    Column::text("Core"),
    Column::text("Configuration"),
    Column::number("Requests/s"),
    Column::number("Errors, 1 min"),
    Column::number("Cached sessions"),
    Column::text("Started"),
    Column::text("Heard"),
];

/// This replica, and the others as they last said of themselves.
pub(super) fn replicas(overview: &Overview) -> AnyView {
    let fleet = &overview.fleet;
    let content = view! {
        {fleet.error.clone().map(|error| hint(Tone::Bad, format!("The other replicas cannot be told of: {error}")))}
        {disagreement(&fleet.replicas)}
        {if fleet.replicas.is_empty() {
            empty("No replica has said anything of itself yet.", "Wait a moment: each says so every few seconds.")
        } else {
            let own = fleet.replicas.iter().find(|replica| replica.this);
            let own = own.map(|replica| replica.configuration.as_str()).unwrap_or_default();
            let rows = fleet.replicas.iter().map(|replica| line(replica, own, overview.now)).collect();
            let rows = table("Replicas that share the session store", &COLUMNS, None, rows);
            view! { <div class="fleet">{rows}</div> }.into_any()
        }}
        {alone(fleet.shared, fleet.replicas.len())}
    };
    section("fleet-title", "Replicas", content.into_any())
}

/// What to say where two replicas decide by different configurations.
fn disagreement(replicas: &[Replica]) -> Option<AnyView> {
    let mut known: Vec<&str> =
        replicas.iter().map(|replica| replica.configuration.as_str()).collect();
    known.retain(|configuration| !configuration.is_empty());
    known.sort_unstable();
    known.dedup();
    (known.len() > 1).then(|| {
        let text = format!(
            "The replicas decide by {} different configurations. That is normal for some seconds \
             after a change; later, look at the connection to core of those that differ, and \
             whether all have the same token and settings.",
            known.len()
        );
        hint(Tone::Odd, text)
    })
}

fn alone(shared: bool, count: usize) -> Option<AnyView> {
    let text = match (shared, count) {
        (false, _) => {
            "The session store cannot be shared, so other replicas are not seen. For more than one \
             replica, set sessions.store to a Redis or Valkey URL."
        }
        (true, 0 | 1) => {
            "No other replica shares this session store. One that is started with the same \
             sessions.store and sessions.prefix appears here within seconds."
        }
        (true, _) => return None,
    };
    Some(view! { <p class="small prose">{text}</p> }.into_any())
}

fn hint(tone: Tone, text: String) -> AnyView {
    view! { <p class="remark prose">{icon(tone)} " " {text}</p> }.into_any()
}

fn line(replica: &Replica, own: &str, now: i64) -> AnyView {
    let name = if replica.hostname.is_empty() { &replica.instance } else { &replica.hostname };
    let this = replica.this.then(|| view! { " " <span class="tag">"this one"</span> });
    let short: String = replica.instance.chars().take(8).collect();
    let about = format!("{} · {short}", replica.version);
    keyed_row(
        &replica.instance,
        &COLUMNS,
        vec![
            view! { {name.clone()}{this}<div class="small" title=replica.instance.clone()>{about}</div> }
                .into_any(),
            state(replica, now),
            match replica.core_connected {
                true => pill(Tone::Good, "Connected"),
                false => pill(Tone::Bad, "Away"),
            },
            configuration(replica, own, now),
            rate(replica.requests_per_second).into_any(),
            count(replica.errors_last_minute).into_any(),
            count(replica.cached_sessions as u64).into_any(),
            moment(replica.started, now),
            // Said between the moment of this page and now.
            moment(replica.seen.min(now), now),
        ],
    )
}

fn state(replica: &Replica, now: i64) -> AnyView {
    if !replica.this && now.saturating_sub(replica.seen) > SILENT {
        pill(Tone::Odd, "Silent")
    } else if replica.draining {
        pill(Tone::Odd, "Draining")
    } else if replica.ready {
        pill(Tone::Good, "Ready")
    } else {
        pill(Tone::Bad, "Not ready")
    }
}

fn configuration(replica: &Replica, own: &str, now: i64) -> AnyView {
    if replica.configuration.is_empty() {
        return pill(Tone::Bad, "None yet");
    }
    let differs = (!own.is_empty() && replica.configuration != own)
        .then(|| view! { " " {pill(Tone::Odd, "Differs")} });
    view! {
        <code>{replica.configuration.clone()}</code>{differs}
        <div class="small">"Generation " {replica.generation}</div>
        <div class="small">"Confirmed " {moment_or(replica.refreshed, now, "never")}</div>
    }
    .into_any()
}
