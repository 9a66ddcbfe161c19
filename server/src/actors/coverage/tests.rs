use outpost_decision::link::LinkState;

use super::*;
use crate::actors::supervisor::{ControlPlane, Supervisor};
use crate::publish::published;
use crate::session::memory::MemoryStore;

struct Bench {
    parts: CoverageParts,
    link: Publisher<LinkStatus>,
}

impl Bench {
    fn new(sessions: Sessions, patience: Duration) -> Self {
        let (link, status) = published(LinkStatus::idle(clock::now()));
        let (coverage, _) = published(None);
        let coverage = Arc::new(coverage);
        Self { parts: CoverageParts { link: status, sessions, coverage, patience }, link }
    }

    fn known(&self) -> Coverage {
        (*self.parts.coverage.load()).clone().expect("it is published")
    }

    async fn hears(&self, hearing: &Hearing) -> Coverage {
        look(&self.parts, Some(hearing)).await.unwrap();
        self.known()
    }
}

fn sessions() -> Sessions {
    Sessions::new(Arc::new(MemoryStore::new(100)))
}

fn hearing(connection: &str, since: Timestamp, until: Timestamp) -> Hearing {
    Hearing { connection: connection.to_owned(), since, until }
}

#[tokio::test]
async fn without_a_connection_what_the_store_knows_is_told() {
    let bench = Bench::new(sessions(), Duration::ZERO);
    look(&bench.parts, None).await.unwrap();
    assert_eq!(
        bench.known(),
        Coverage::default(),
        "nothing is in doubt as long as nothing is known"
    );
    let other = Bench::new(bench.parts.sessions.clone(), Duration::ZERO);
    let now = clock::now();
    let written = other.hears(&hearing("other", now, now)).await;
    look(&bench.parts, None).await.unwrap();
    assert_eq!(bench.known(), written);
}

#[tokio::test]
async fn who_is_alone_covers_from_its_connection_on_and_finds_each_gap() {
    let bench = Bench::new(sessions(), Duration::ZERO);
    let now = clock::now();
    let first = bench.hears(&hearing("a/1", now.plus(-100), now.plus(-100))).await;
    assert_eq!(first.recheck_before, now.plus(CLOCKS_DIFFER - 100));
    let second = bench.hears(&hearing("a/1", now.plus(-100), now.plus(-50))).await;
    assert_eq!(second.covered_until, now.plus(-50));
    assert_eq!(second.recheck_before, first.recheck_before);
    let third = bench.hears(&hearing("a/2", now.plus(-20), now.plus(-10))).await;
    assert_eq!(third.gap_since, Some(now.plus(-50)));
    assert_eq!(third.recheck_before, now.plus(CLOCKS_DIFFER - 20));
}

#[tokio::test]
async fn replicas_that_overlap_have_no_gap_and_wait_for_each_other() {
    let old = Bench::new(sessions(), Duration::from_secs(28));
    let new = Bench::new(old.parts.sessions.clone(), Duration::from_secs(28));
    let now = clock::now();
    let first = old.hears(&hearing("old", now.plus(-100), now.plus(-20))).await;
    let waiting = new.hears(&hearing("new", now.plus(-10), now.plus(-5))).await;
    assert_eq!(waiting, first, "the other may yet prove what it has heard");
    old.hears(&hearing("old", now.plus(-100), now.plus(-2))).await;
    let joined = new.hears(&hearing("new", now.plus(-10), now)).await;
    assert_eq!(joined.covered_until, now);
    assert_eq!(joined.recheck_before, first.recheck_before);
}

#[tokio::test]
async fn what_a_newer_outpost_wrote_is_left_alone() {
    let bench = Bench::new(sessions(), Duration::ZERO);
    let now = clock::now();
    let newer = Bytes::from_static(br#"{"v":2}"#);
    let values = bench.parts.sessions.values();
    values.write(NAME, Some(newer.clone()), None, now).await.unwrap();
    let trouble = look(&bench.parts, Some(&hearing("a", now, now))).await;
    assert!(trouble.is_err());
    assert_eq!(values.read(NAME, now).await.unwrap(), Some(newer));
    assert_eq!(bench.known(), Coverage::default());
}

#[tokio::test]
async fn a_store_that_lost_its_latest_writes_takes_no_doubt_away() {
    let bench = Bench::new(sessions(), Duration::ZERO);
    let now = clock::now();
    let known = bench.hears(&hearing("a", now.plus(-5), now)).await;
    bench.parts.sessions.values().write(NAME, None, None, now).await.unwrap();
    look(&bench.parts, None).await.unwrap();
    assert_eq!(bench.known(), known);
}

#[actix::test]
async fn the_actor_follows_the_link() {
    let bench = Bench::new(sessions(), Duration::ZERO);
    let plane = ControlPlane::start().unwrap();
    let supervisor = Supervisor::default();
    let parts = bench.parts.clone();
    supervisor.supervise("coverage", &plane.handle(), move || CoverageActor::new(parts.clone()));
    let coverage = bench.parts.coverage.reader();
    let told = coverage.wait_for(Option::is_some).await.unwrap();
    assert_eq!(*told, Some(Coverage::default()), "the store is read before there is a link");
    let now = clock::now();
    bench.link.publish(LinkStatus {
        state: LinkState::Up,
        hearing: Some(hearing("a/1", now, now)),
        ..LinkStatus::idle(now)
    });
    let doubts = |known: &Option<Coverage>| {
        known.as_ref().is_some_and(|known| known.recheck_before > Timestamp(0))
    };
    coverage.wait_for(doubts).await.unwrap();
    supervisor.shutdown(Duration::from_secs(5)).await;
}

#[test]
fn patience_is_for_hellos_of_others_where_there_are_others() {
    assert_eq!(patience(false, Duration::from_secs(10)), Duration::ZERO);
    assert_eq!(patience(true, Duration::from_secs(10)), Duration::from_secs(28));
    assert_eq!(patience(true, Duration::from_millis(10)), Duration::from_secs(6));
}
