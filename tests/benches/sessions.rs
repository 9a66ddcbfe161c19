//! What sessions in Redis cost, with three outposts on this machine:
//!
//! ```text
//! cargo build --release -p outpost
//! cargo bench -p outpost-tests --bench sessions -- [pages] [sessions of other users …]
//! ```
//!
//! One row for each number of sessions, by default 1,000, 10,000 and 100,000; then how long a page
//! of them takes operators, which ends with exit code 1 where a release build takes longer than it may.
//! The word `pages` leaves out all but the pages.
#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to say")]
#![expect(clippy::print_stdout, reason = "that is what it is for")]

#[path = "sessions/pages.rs"]
mod pages;
#[path = "sessions/setup.rs"]
mod setup;

use std::process::{ExitCode, exit};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use outpost::session::seals::SealSecret;
use outpost::session::{Selection, SessionId, SessionStore as _};
use outpost_tests::load::{Load, Request};
use outpost_tests::redis::RedisServer;

use outpost_tests::filler::{store, usable as fill};
use setup::{Front, REPLICAS};

/// In a debug build less is measured, to see that it works.
const SHARE: usize = if cfg!(debug_assertions) { 20 } else { 1 };

/// Sign-outs measured.
const ROUNDS: usize = 60 / SHARE;

/// Sessions of the user who has many.
const MANY: usize = 10_000 / SHARE;

/// Sessions that are put into one outpost's cache to weigh them.
const CACHED: usize = 10_000 / SHARE;

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let words = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let (pages, numbers): (Vec<_>, Vec<_>) = words.partition(|word| word == "pages");
    let counts: Vec<usize> = numbers
        .into_iter()
        .map(|number| {
            number.parse().unwrap_or_else(|_| {
                println!("{number:?} is no number of sessions");
                exit(2)
            })
        })
        .collect();
    let counts = if counts.is_empty() { vec![1_000, 10_000, 100_000] } else { counts };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        if pages.is_empty() {
            table(&counts).await;
        }
        let mut worst = Duration::ZERO;
        for count in counts {
            worst = worst.max(pages::measure(count).await);
        }
        println!();
        println!("The slowest page: {worst:.1?}, of {:?} that it may take.", pages::LIMIT);
        let within = worst <= pages::LIMIT || cfg!(debug_assertions);
        if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}

/// A row for each number of sessions.
async fn table(counts: &[usize]) {
    println!(
        "| sessions | refused everywhere after sign-out, p50 / p99 | commands per sign-out \
             (in scripts) | bytes each in Redis | bytes each in an outpost's cache | {MANY} of one \
             user end in | others meanwhile, p50 / p99, failures |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for count in counts {
        println!("{}", measure(*count).await);
    }
}

/// One row.
async fn measure(count: usize) -> String {
    let redis = RedisServer::start();
    let store = store(&redis);
    // Nobody opens these.
    let secret = SealSecret::of("cookie");
    // What Redis has of scripts, indexes and buffers is there before it is weighed.
    fill(&*store, 1, |_| "warm-up".to_owned(), 0, &secret).await;
    let before = redis.used_memory();
    fill(&*store, count, |number| format!("user-{number}"), 0, &secret).await;
    let each = per(redis.used_memory().saturating_sub(before), count);

    fill(&*store, 1, |_| "leaving".to_owned(), 0, &secret).await;
    let end = async |sub: &str| {
        let ended = store.end(&Selection::Subject(sub.to_owned())).await.expect("an end");
        assert_eq!(ended.len(), 1);
    };
    // It knows the scripts after this.
    end("warm-up").await;
    let monitor = redis.monitor();
    end("leaving").await;
    let commands = monitor.stop();
    let in_scripts = commands.iter().filter(|line| line.contains(" lua]")).count();
    let asked = commands.len() - in_scripts;

    let front = Front::start(&redis).await;
    let cached = cached(&front, &store).await;
    let mut refused = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        refused.push(refused_everywhere(&front).await);
    }
    let (ended, meanwhile) = many(&front, &store).await;
    format!(
        "| {count} | {} | {asked} ({in_scripts}) | {each} | {cached} | {ended:.0?} | {meanwhile} |",
        middle_and_worst(&mut refused),
    )
}

/// From the answer to a sign-out until the last of all outposts has refused the session.
async fn refused_everywhere(front: &Front) -> Duration {
    let alice = front.member("alice").await;
    for replica in 0..REPLICAS {
        assert_eq!(front.status(replica, &alice).await, 200);
    }
    front.sign_out(&alice).await;
    let answered = Instant::now();
    let refusals = (0..REPLICAS).map(async |replica| {
        while front.status(replica, &alice).await == 200 {}
        answered.elapsed()
    });
    let refusals = futures_util::future::join_all(refusals).await;
    refusals.into_iter().max().unwrap_or_default()
}

/// Bytes of an outpost's memory for each session that it keeps at hand.
async fn cached(front: &Front, store: &outpost::session::redis::RedisStore) -> u64 {
    let bob = front.member("bob").await;
    let provider = front.provider(store, &bob).await;
    let ids =
        fill(store, 2 * CACHED, |number| format!("cached-{number}"), provider, &front.secret).await;
    let (warm_up, weighed) = ids.split_at(CACHED);
    ask_for(front, &bob, warm_up).await;
    let before = front.resident(0);
    ask_for(front, &bob, weighed).await;
    per(front.resident(0).saturating_sub(before), CACHED)
}

/// Asks the first outpost with each of these sessions.
async fn ask_for(front: &Front, like: &setup::Member, ids: &[SessionId]) {
    let asked = futures_util::stream::iter(ids).map(async |id| {
        let member = like.with(id);
        assert_eq!(front.status(0, &member).await, 200);
    });
    asked.buffer_unordered(16).collect::<Vec<()>>().await;
}

/// How long it takes to end many sessions of one user, and how others fare meanwhile.
async fn many(front: &Front, store: &outpost::session::redis::RedisStore) -> (Duration, String) {
    let (carol, bob) = (front.member("carol").await, front.member("bob").await);
    let provider = front.provider(store, &carol).await;
    fill(store, MANY, |_| carol.sub.clone(), provider, &front.secret).await;
    let times = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&times);
    let request = Request {
        url: front.url(0),
        headers: vec![("cookie".to_owned(), bob.cookies.clone())],
        rest: Duration::from_millis(1),
        is_apart: false,
    };
    let load = Load::of(2, request, move |answer| {
        let took = answer.asked.elapsed();
        record.lock().unwrap_or_else(PoisonError::into_inner).push(took);
        if answer.status == 200 { Ok(()) } else { Err(answer.status.to_string()) }
    });
    load.answers(10).await;
    let start = Instant::now();
    front.sign_out(&carol).await;
    let ended = start.elapsed();
    let totals = load.stop();
    let failures = totals.failed + totals.violated;
    let mut times = std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
    (ended, format!("{}, {failures} of {}", middle_and_worst(&mut times), totals.answers()))
}

/// The 50th and the 99th of a hundred, in text.
fn middle_and_worst(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().max(1) - 1));
    let [middle, worst] = [at(50), at(99)].map(|time| time.copied().unwrap_or_default());
    format!("{middle:.1?} / {worst:.1?}")
}

fn per(bytes: u64, count: usize) -> u64 {
    bytes / u64::try_from(count.max(1)).unwrap_or(u64::MAX)
}
