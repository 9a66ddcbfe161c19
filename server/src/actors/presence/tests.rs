use std::time::Duration;

use outpost_dashboard::model::DecisionRow;
use outpost_decision::link::LinkState;

use super::*;
use crate::actors::supervisor::{ControlPlane, Supervisor};
use crate::drain::Departure;
use crate::ops::questions::FleetDecision;
use crate::ops::readiness::StoreReach;
use crate::publish::published;
use crate::session::memory::MemoryStore;
use crate::snapshot::OutpostIdentity;

/// A replica of the outpost `uuid` over `sessions`.
struct Bench {
    parts: PresenceParts,
    departure: Departure,
    snapshot: Publisher<Snapshot>,
    fleet: Published<Fleet>,
}

fn bench(instance: &str, uuid: &str, sessions: &Sessions) -> Bench {
    let departure = Departure::new();
    let (snapshot, configuration) = published(Snapshot {
        generation: 1,
        outpost: OutpostIdentity { uuid: uuid.to_owned(), ..OutpostIdentity::default() },
        ..Snapshot::default()
    });
    let readiness = Readiness::new(configuration.clone(), StoreReach::default(), departure.drain());
    readiness.listening();
    let (publisher, fleet) = published(Fleet::default());
    let token = secrecy::SecretString::from("token".to_owned());
    let questions = Questions::new(sessions.clone(), configuration.clone(), &token);
    let link = LinkStatus { state: LinkState::Up, ..LinkStatus::idle(Timestamp(0)) };
    let parts = PresenceParts {
        instance: instance.to_owned(),
        hostname: format!("host-{instance}"),
        started: Timestamp(7),
        sessions: sessions.clone(),
        snapshot: configuration,
        status: published(RegistryStatus::default()).1,
        link: published(link).1,
        readiness,
        drain: departure.drain(),
        activity: Arc::default(),
        questions: Arc::new(questions),
        decisions: {
            let own = instance.to_owned();
            Arc::new(move |ids| ids.iter().map(|id| (*id == own).then(|| decision(id))).collect())
        },
        fleet: Arc::new(publisher),
    };
    Bench { parts, departure, snapshot, fleet }
}

/// A decision that only the replica of the same name knows.
fn decision(id: &str) -> DecisionPage {
    let row = DecisionRow { id: id.to_owned(), ..DecisionRow::default() };
    DecisionPage { row, ..DecisionPage::default() }
}

fn shared() -> Sessions {
    Sessions::new(Arc::new(MemoryStore::shared_within_process(100)))
}

async fn beat(bench: &Bench) -> Fleet {
    Presence::new(bench.parts.clone()).beat().await;
    (*bench.fleet.load_full()).clone()
}

fn names(fleet: &Fleet) -> Vec<&str> {
    fleet.replicas.iter().map(|replica| replica.instance.as_str()).collect()
}

#[tokio::test]
async fn replicas_of_one_outpost_see_each_other_and_no_others() {
    let sessions = shared();
    let (one, two) = (bench("one", "u", &sessions), bench("two", "u", &sessions));
    let stranger = bench("stranger", "another", &sessions);
    assert_eq!(names(&beat(&stranger).await), ["stranger"]);
    assert_eq!(names(&beat(&one).await), ["one"]);
    let seen = beat(&two).await;
    assert!(seen.shared && seen.error.is_none());
    assert_eq!(names(&seen), ["two", "one"], "its own comes first");
    let [this, other] = seen.replicas.as_slice() else { panic!("{seen:?}") };
    assert!(this.this && !other.this);
    assert_eq!(other.hostname, "host-one");
    assert_eq!((other.started, other.generation), (7, 1));
    assert_eq!((other.requests_per_second, other.errors_last_minute), (0.0, 0));
    assert!(other.ready && other.core_connected && !other.draining);
    assert!(!other.configuration.is_empty());
    assert_eq!(other.configuration, this.configuration);
    assert_eq!(names(&beat(&one).await), ["one", "two"]);
    leave(&one.parts).await.unwrap();
    assert_eq!(names(&beat(&two).await), ["two"]);
}

#[tokio::test]
async fn who_has_its_store_for_itself_is_alone_and_so_is_who_does_not_know_its_outpost() {
    let alone = bench("one", "u", &Sessions::new(Arc::new(MemoryStore::new(10))));
    let seen = beat(&alone).await;
    assert_eq!((seen.shared, seen.error.is_some(), seen.replicas.len()), (false, false, 1));
    let sessions = shared();
    let early = bench("early", "", &sessions);
    beat(&bench("one", "u", &sessions)).await;
    let seen = beat(&early).await;
    assert_eq!((seen.shared, seen.error.is_some(), seen.replicas.len()), (true, false, 1));
}

#[tokio::test]
async fn a_list_of_another_form_is_left_alone_and_garbage_is_replaced() {
    let sessions = shared();
    let one = bench("one", "u", &sessions);
    let write = async |text: &'static str| {
        let bytes = bytes::Bytes::from_static(text.as_bytes());
        sessions.values().write("fleet/u", Some(bytes), None, clock::now()).await.unwrap();
    };
    write(r#"{"v":2,"who":["somebody"]}"#).await;
    let seen = beat(&one).await;
    assert!(seen.error.is_some() && seen.replicas.len() == 1, "{seen:?}");
    let standing = sessions.values().read("fleet/u", clock::now()).await.unwrap().unwrap();
    assert_eq!(standing, r#"{"v":2,"who":["somebody"]}"#);
    write("nonsense").await;
    assert_eq!(beat(&one).await.error, None);
    assert_eq!(names(&beat(&bench("two", "u", &sessions)).await), ["two", "one"]);
}

#[actix::test]
async fn the_actor_tells_of_its_end_at_once_and_takes_itself_off_the_list() {
    let sessions = shared();
    let (one, two) = (bench("one", "u", &sessions), bench("two", "u", &sessions));
    let plane = ControlPlane::start().unwrap();
    let supervisor = Supervisor::default();
    let parts = one.parts.clone();
    supervisor.supervise("presence", &plane.handle(), move || PresenceActor::new(parts.clone()));
    one.fleet.wait_for(|fleet| fleet.replicas.len() == 1).await.unwrap();
    assert_eq!(names(&beat(&two).await), ["two", "one"]);
    // Far sooner than the next beat is due.
    let soon = Duration::from_secs(3);
    let next = Snapshot { generation: 2, ..own_snapshot("u") };
    one.snapshot.publish(next);
    let changed = one.fleet.wait_for(|fleet| fleet.replicas[0].generation == 2);
    tokio::time::timeout(soon, changed).await.unwrap().unwrap();
    one.departure.leave();
    let told = one.fleet.wait_for(|fleet| fleet.replicas[0].draining);
    tokio::time::timeout(soon, told).await.unwrap().unwrap();
    assert!(beat(&two).await.replicas[1].draining);
    assert!(supervisor.shutdown(Duration::from_secs(5)).await.is_empty());
    assert_eq!(names(&beat(&two).await), ["two"]);
}

#[actix::test]
async fn who_asks_for_a_decision_of_another_replica_gets_it() {
    let sessions = shared();
    let (one, two) = (bench("one", "u", &sessions), bench("two", "u", &sessions));
    let plane = ControlPlane::start().unwrap();
    let supervisor = Supervisor::default();
    for bench in [&one, &two] {
        let parts = bench.parts.clone();
        let new = move || PresenceActor::new(parts.clone());
        supervisor.supervise("presence", &plane.handle(), new);
    }
    let end = Instant::now() + Duration::from_secs(30);
    let found = loop {
        match one.parts.questions.ask("two").await {
            FleetDecision::Asking if Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answer => break answer,
        }
    };
    assert_eq!(found, FleetDecision::Found(Box::new(decision("two"))));
    assert!(supervisor.shutdown(Duration::from_secs(5)).await.is_empty());
}

fn own_snapshot(uuid: &str) -> Snapshot {
    let outpost = OutpostIdentity { uuid: uuid.to_owned(), ..OutpostIdentity::default() };
    Snapshot { outpost, ..Snapshot::default() }
}

#[tokio::test]
async fn many_at_once_all_come_through() {
    let sessions = shared();
    let benches: Vec<_> = (0..20).map(|n| bench(&format!("{n:02}"), "u", &sessions)).collect();
    futures_util::future::join_all(benches.iter().map(beat)).await;
    let seen = beat(&benches[0]).await;
    assert_eq!(seen.replicas.len(), 20, "{:?}", names(&seen));
}
