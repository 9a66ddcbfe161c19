//! Keeps figures and the log level in step with what actors publish.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use outpost_decision::coverage::Coverage;
use outpost_decision::link::LinkCounters;

use crate::actors::core_link::LinkStatus;
use crate::actors::registry::RegistryReaders;
use crate::actors::supervisor::Supervisor;
use crate::clock;
use crate::ops::activity::Activity;
use crate::ops::logging::LogControl;
use crate::ops::metrics::{Direction, Metrics, RefreshOutcome};
use crate::publish::Published;
use crate::snapshot::Snapshot;
use crate::status::RegistryStatus;

/// How often figures that nobody announces are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// What is followed.
pub(super) struct Followed<'a> {
    /// Our uuid.
    pub(super) instance: &'a str,
    /// What happened lately, of the providers there are.
    pub(super) activity: &'a Arc<Activity>,
    /// What the registry publishes.
    pub(super) readers: &'a RegistryReaders,
    /// The link to core.
    pub(super) link: &'a Published<LinkStatus>,
    /// What is known of core's news.
    pub(super) coverage: &'a Published<Option<Coverage>>,
    /// Who rebuilds actors.
    pub(super) supervisor: &'a Supervisor,
}

/// Follows, in tasks of the calling thread, until its system ends.
pub(super) fn follow(metrics: &Arc<Metrics>, followed: &Followed<'_>, log: Option<LogControl>) {
    let Followed { instance, activity, readers, link, coverage, supervisor } = *followed;
    let (own, snapshots, instance) =
        (Arc::clone(metrics), readers.snapshot.clone(), instance.to_owned());
    actix_web::rt::spawn(async move { own.follow(&instance, &snapshots).await });
    let (activity, snapshots) = (Arc::clone(activity), readers.snapshot.clone());
    actix_web::rt::spawn(async move { activity.follow(&snapshots).await });
    actix_web::rt::spawn(follow_link(Arc::clone(metrics), link.clone()));
    actix_web::rt::spawn(follow_coverage(Arc::clone(metrics), coverage.clone()));
    actix_web::rt::spawn(follow_refreshes(Arc::clone(metrics), readers.status.clone()));
    actix_web::rt::spawn(follow_age(Arc::clone(metrics), readers.snapshot.clone()));
    actix_web::rt::spawn(look(Arc::clone(metrics), readers.clone(), supervisor.clone()));
    if let Some(log) = log {
        actix_web::rt::spawn(look_at_log(Arc::clone(metrics), log.clone()));
        let snapshots = readers.snapshot.clone();
        actix_web::rt::spawn(async move {
            let mut seen = None;
            while let Some(snapshot) = snapshots
                .wait_for(|now| now.is_loaded() && seen.as_ref() != Some(&now.outpost.log_level))
                .await
            {
                log.follow_core(snapshot.outpost.log_level.as_deref());
                seen = Some(snapshot.outpost.log_level.clone());
            }
        });
    }
}

async fn follow_link(metrics: Arc<Metrics>, link: Published<LinkStatus>) {
    let mut seen = LinkCounters::default();
    let mut up = None;
    loop {
        let changed = link.wait_for(|now| up != Some(now.is_up()) || now.counters != seen).await;
        let Some(status) = changed else { return };
        if up != Some(status.is_up()) {
            up = Some(status.is_up());
            metrics.core_connected(status.is_up());
        }
        let now = status.counters;
        let times = |count: u64, before: u64| 0..count.saturating_sub(before);
        let messages = |direction, instruction, count, before| {
            times(count, before).for_each(|_| metrics.core_message(direction, instruction));
        };
        messages(Direction::Sent, 1, now.hellos, seen.hellos);
        messages(Direction::Received, 0, now.acks, seen.acks);
        messages(Direction::Received, 2, now.triggers, seen.triggers);
        messages(Direction::Received, 3, now.provider_specific, seen.provider_specific);
        messages(Direction::Received, 4, now.session_ends, seen.session_ends);
        messages(Direction::Received, UNKNOWN_INSTRUCTION, now.unknown, seen.unknown);
        let failures =
            |counters: &LinkCounters| counters.connect_failures + counters.closed + counters.dead;
        times(failures(&now), failures(&seen)).for_each(|_| metrics.core_reconnecting());
        seen = now;
    }
}

/// Counts the gaps noticed while this process lives, whichever replica noticed them.
async fn follow_coverage(metrics: Arc<Metrics>, coverage: Published<Option<Coverage>>) {
    let Some(first) = coverage.wait_for(Option::is_some).await else { return };
    let doubts_before = |known: &Option<Coverage>| known.as_ref().map(|known| known.recheck_before);
    let mut seen = doubts_before(&first);
    while let Some(now) = coverage.wait_for(|now| doubts_before(now) != seen).await {
        seen = doubts_before(&now);
        // A first start is none: there was nothing before it.
        if now.as_ref().as_ref().is_some_and(|known| known.gap_since.is_some()) {
            metrics.rechecks().gap();
        }
    }
}

/// No instruction has this number; the figures call it `other`.
const UNKNOWN_INSTRUCTION: i64 = -1;

async fn follow_refreshes(metrics: Arc<Metrics>, status: Published<RegistryStatus>) {
    let mut seen = 0;
    while let Some(now) = status.wait_for(|now| now.refreshes != seen).await {
        let outcome = match now.last_error {
            None => RefreshOutcome::Complete,
            Some(_) => RefreshOutcome::Failed,
        };
        metrics.refreshed(outcome);
        seen = now.refreshes;
    }
}

/// Looks at each new configuration at once, and in between.
async fn follow_age(metrics: Arc<Metrics>, snapshots: Published<Snapshot>) {
    loop {
        let now = snapshots.load().refreshed_at;
        metrics.configuration_age(now.map(|at| at.seconds_until(clock::now())));
        let changed = snapshots.wait_for(|next| next.refreshed_at != now);
        if let Ok(None) = tokio::time::timeout(LOOK, changed).await {
            return;
        }
    }
}

async fn look(metrics: Arc<Metrics>, readers: RegistryReaders, supervisor: Supervisor) {
    let mut rebuilt: HashMap<String, u64> = HashMap::new();
    let mut every = tokio::time::interval(LOOK);
    loop {
        every.tick().await;
        for actor in supervisor.report() {
            let before = rebuilt.insert(actor.name.clone(), actor.rebuilt).unwrap_or(0);
            for _ in before..actor.rebuilt {
                metrics.actor_restarted(kind(&actor.name));
            }
        }
        let states: Vec<_> = readers.providers.load().values().map(Published::load_full).collect();
        metrics.sessions(
            states.iter().filter_map(|state| Some((state.name.as_str(), state.sessions.live?))),
        );
    }
}

async fn look_at_log(metrics: Arc<Metrics>, log: LogControl) {
    let mut every = tokio::time::interval(LOOK);
    loop {
        every.tick().await;
        metrics.log_lost(log.lost());
    }
}

/// The kind of an actor, for a label: providers are many.
fn kind(name: &str) -> &'static str {
    const KINDS: [&str; 9] = [
        "registry",
        "core link",
        "coverage",
        "keys",
        "presence",
        "revocations",
        "revocation log",
        "reports",
        "provider",
    ];
    KINDS.into_iter().find(|kind| name.starts_with(kind)).unwrap_or("other")
}
