//! Ends of sessions that core told while nobody was connected: found out afterwards, once for each
//! session, and without a stampede.

use std::time::Duration;

use outpost::boot::Held;
use outpost_decision::coverage::Coverage;
use outpost_demo::core::{CoreOptions, Endpoint, StandInCore};
use outpost_tests::{Answer, Browser, Figures, World};

mod crowd;
mod outage;
mod replicas;
mod single;

/// Longest that anything is awaited.
const PATIENCE: Duration = Duration::from_secs(40);

/// Quick hellos, so that a connection soon proves what it has heard.
const QUICK: (&str, &str) = ("OUTPOST__CORE__HELLO_INTERVAL", "200ms");

/// Sessions in doubt are checked before their next use.
const AT_ONCE: (&str, &str) = ("OUTPOST__SESSIONS__RECHECK_WITHIN", "0s");

/// A world with the application at `app.test`, its outpost connected to core.
async fn world(variables: &[(&str, &str)]) -> World {
    let mut all = vec![QUICK];
    all.extend_from_slice(variables);
    let world = World::with(CoreOptions::default(), &all).await;
    world.serve([world.proxy()]).await;
    doubts_after(&world.outpost, 0).await;
    world
}

/// Before when sessions are in doubt, as this outpost sees it.
fn doubts_before(outpost: &Held) -> i64 {
    outpost.published.coverage.load().as_ref().as_ref().map_or(0, |known| known.recheck_before.0)
}

/// Waits until the outpost knows of a gap later than one that brought doubts before `known`.
async fn doubts_after(outpost: &Held, known: i64) -> Coverage {
    let later = |coverage: &Option<Coverage>| {
        coverage.as_ref().is_some_and(|coverage| coverage.recheck_before.0 > known)
    };
    let found = outpost.published.coverage.wait_for(later);
    let found = tokio::time::timeout(PATIENCE, found).await.expect("a gap is noticed in time");
    (*found.expect("the outpost lives")).clone().expect("it is known")
}

/// Core ends `ended` while no outpost is connected; returns once every outpost knows of the gap.
async fn gap(core: &StandInCore, outposts: &[&Held], ended: &[String]) {
    let before: Vec<i64> = outposts.iter().map(|outpost| doubts_before(outpost)).collect();
    core.cut_link();
    for sid in ended {
        core.end_session(sid);
    }
    for outpost in outposts {
        let down = outpost.published.link.wait_for(|link| !link.is_up());
        tokio::time::timeout(PATIENCE, down).await.expect("it notices").expect("it lives");
    }
    core.mend_link();
    for (outpost, before) in outposts.iter().zip(before) {
        doubts_after(outpost, before).await;
    }
}

/// A browser that is signed in, and the session it has with core.
async fn signed_in(world: &World, user: &str) -> (Browser, String) {
    let before = world.core.sessions_of(user);
    let browser = Browser::new();
    let page = browser.sign_in(&world.url("app.test", "/json"), user).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let sid = world.core.sessions_of(user).into_iter().find(|sid| !before.contains(sid));
    (browser, sid.expect("a session with core"))
}

async fn visit(world: &World, browser: &Browser) -> Answer {
    browser.get(&world.url("app.test", "/json")).await
}

/// How often core was asked about this session.
fn asked(core: &StandInCore, sid: &str) -> u64 {
    core.observe(|seen| seen.introspections_of_session(sid))
}

/// How often core was asked at all.
fn asked_at_all(core: &StandInCore) -> u64 {
    core.observe(|seen| seen.count(Endpoint::Introspect))
}

/// The value of one series, 0 where it is missing.
async fn figure(outpost: &Held, series: &str) -> u64 {
    Figures::at(outpost.addresses.metrics[0]).await.count(series).unwrap_or(0)
}
