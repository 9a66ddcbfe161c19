//! How long a page of sessions takes by each index, in each store, as operators ask for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use outpost::clock;
use outpost::session::contract;
use outpost::session::file::{FileStore, FileStoreLimits};
use outpost::session::memory::MemoryStore;
use outpost::session::{Inserted, Selection, SessionId, SessionStore};
use outpost_tests::filler;
use outpost_tests::folder::Folder;
use outpost_tests::redis::RedisServer;

/// Sessions on a page.
const PAGE: usize = 50;

/// Sessions of one user, one session of core, one address: two pages.
const OF_ONE: usize = 2 * PAGE;

/// Pages asked for by each index.
const ROUNDS: usize = 100;

/// Longest that a page may take.
pub(crate) const LIMIT: Duration = Duration::from_millis(200);

/// Prints a row for each store, of as many sessions; the slowest page.
pub(crate) async fn measure(count: usize) -> Duration {
    let redis = RedisServer::start();
    let folder = Folder::new();
    let limits = FileStoreLimits { capacity: count, patience: Duration::from_secs(60) };
    let file = FileStore::open(&folder.path().join("sessions"), limits).expect("a store");
    let stores: [(&str, Arc<dyn SessionStore>); 3] = [
        ("memory", Arc::new(MemoryStore::new(count))),
        ("file", Arc::new(file)),
        ("redis", filler::store(&redis)),
    ];
    println!();
    println!("A page of {PAGE} among {count} sessions, p50 / p99:");
    println!();
    println!("| store | all | user | subject | core's session | address | provider | count |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut worst = Duration::ZERO;
    for (name, store) in stores {
        fill(&*store, count).await;
        let mut row = format!("| {name} |");
        for selection in [
            None,
            Some(Selection::User("user-0-name".to_owned())),
            Some(Selection::Subject("user-0".to_owned())),
            Some(Selection::CoreSession("sid-0".to_owned())),
            Some(Selection::Address([0, 0, 0, 0].into())),
            Some(Selection::Provider(0)),
        ] {
            let times = timed(async || {
                let page = store.list(selection.as_ref(), None, PAGE, clock::now()).await;
                assert_eq!(page.expect("a page").sessions.len(), PAGE, "{selection:?}");
            });
            let mut times = times.await;
            row += &format!(" {} |", crate::middle_and_worst(&mut times));
            worst = worst.max(times.last().copied().unwrap_or_default());
        }
        let counted = timed(async || {
            let all = store.count(None, clock::now()).await;
            assert_eq!(all, Ok(count));
        });
        println!("{row} {} |", crate::middle_and_worst(&mut counted.await));
    }
    worst
}

/// How long each of so many rounds took.
async fn timed(ask: impl AsyncFn()) -> Vec<Duration> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let asked = Instant::now();
        ask().await;
        times.push(asked.elapsed());
    }
    times
}

/// Begins so many sessions at ten providers.
async fn fill(store: &dyn SessionStore, count: usize) {
    let numbers = (0..count).map(|number| {
        let owner = u32::try_from(number / OF_ONE).expect("a small number");
        let end = clock::now().plus(24 * 3600 + i64::try_from(number % 3600).unwrap_or_default());
        let (sub, sid) = (format!("user-{owner}"), format!("sid-{owner}"));
        let provider = i64::try_from(number % 10).unwrap_or_default();
        let mut session = contract::session(provider, &sub, Some(&sid), end);
        session.about.client_address = Some(owner.to_be_bytes().into());
        async move {
            let id = SessionId::random().expect("randomness");
            let record = session.seal(&id, &contract::secret(), clock::now()).expect("it seals");
            assert_eq!(store.insert(id.key(), &record).await, Ok(Inserted::Kept));
        }
    });
    futures_util::stream::iter(numbers)
        .buffer_unordered(filler::AT_ONCE)
        .collect::<Vec<()>>()
        .await;
}
