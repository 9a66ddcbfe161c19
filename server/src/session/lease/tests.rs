use std::sync::Arc;

use super::*;
use crate::session::memory::MemoryStore;

const LIFETIME: Duration = Duration::from_secs(30);

fn sessions() -> Sessions {
    Sessions::new(Arc::new(MemoryStore::new(10)))
}

async fn taken(sessions: &Sessions, now: i64) -> Option<Lease> {
    Lease::acquire(sessions, "renew/1", LIFETIME, Timestamp(now)).await.unwrap()
}

#[actix_rt::test]
async fn only_one_has_it_until_it_is_released() {
    let sessions = sessions();
    let lease = taken(&sessions, 0).await.unwrap();
    assert!(lease.watch().is_ours());
    assert!(taken(&sessions, 1).await.is_none());
    lease.release(Timestamp(1)).await;
    assert!(taken(&sessions, 1).await.is_some());
}

#[actix_rt::test]
async fn it_lapses_and_what_was_ours_is_not_taken_from_the_next_owner() {
    let sessions = sessions();
    let first = taken(&sessions, 0).await.unwrap();
    assert_eq!(first.extend(Timestamp(20)).await, Ok(true));
    assert!(taken(&sessions, 50).await.is_none(), "extended");
    let second = taken(&sessions, 51).await.unwrap();
    assert_eq!(first.extend(Timestamp(52)).await, Ok(false));
    assert!(!first.watch().is_ours());
    first.release(Timestamp(52)).await;
    assert!(taken(&sessions, 53).await.is_none(), "the second one has it");
    assert_eq!(second.extend(Timestamp(53)).await, Ok(true));
}

#[actix_rt::test]
async fn work_is_done_once_and_the_lease_is_free_afterwards() {
    let sessions = sessions();
    let work = |ours: LeaseWatch| async move {
        assert!(ours.is_ours());
        7
    };
    let held = Lease::while_held(&sessions, "x", LIFETIME, work).await.unwrap().unwrap();
    assert_eq!((held.output, held.lost), (7, false));
    let held = Lease::while_held(&sessions, "x", LIFETIME, |_| async {
        let other = Lease::while_held(&sessions, "x", LIFETIME, |_| async { 1 }).await;
        assert!(other.unwrap().is_none(), "somebody is at it");
    });
    assert!(held.await.unwrap().is_some());
}

#[actix_rt::test]
async fn work_keeps_the_lease_while_it_lasts_and_learns_when_it_is_lost() {
    // Extended after a second; two more for a machine that is busy.
    let lifetime = Duration::from_secs(3);
    let sessions = sessions();
    let lease = Lease::acquire(&sessions, "x", lifetime, clock::now()).await.unwrap().unwrap();
    let ours = lease.watch();
    let begun = *ours.until();
    let held = lease
        .hold(async {
            while *ours.until() == begun {
                tokio::time::sleep(lifetime / 100).await;
            }
        })
        .await;
    assert!(!held.lost && *ours.until() > begun, "it was extended");
    let held = lease
        .hold(async {
            // As by a store that starts empty.
            sessions.values().write("x", None, None, clock::now()).await.unwrap();
            while ours.is_ours() {
                tokio::time::sleep(lifetime / 100).await;
            }
        })
        .await;
    assert!(held.lost);
}
