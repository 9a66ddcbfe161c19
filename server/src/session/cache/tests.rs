use std::sync::atomic::AtomicU32;
use std::thread;

use super::*;
use crate::session::contract::{self, key};

fn session(generation: u64) -> Arc<Session> {
    let session = contract::session(7, "alice", None, Timestamp(1000));
    Arc::new(Session { generation, ..session })
}

fn enter(cache: &SessionCache, n: u8, generation: u64, ticket: Ticket) -> bool {
    cache.enter(key(n), &session(generation), Timestamp(0), Instant::now(), ticket)
}

fn end(cache: &SessionCache, n: u8) {
    cache.end([key(n)].into_iter(), Instant::now());
}

#[test]
fn a_session_that_ended_while_it_was_read_is_not_entered() {
    let cache = SessionCache::new(100);
    let ticket = cache.ticket();
    end(&cache, 1);
    assert!(!enter(&cache, 1, 0, ticket));
    assert!(cache.get(&key(1)).is_none());
    assert!(!enter(&cache, 1, 0, cache.ticket()), "nor ever again: keys do not come back");
    assert!(enter(&cache, 2, 0, ticket), "others are");
    assert!(cache.get(&key(2)).is_some());
}

#[test]
fn what_was_read_before_a_doubt_is_used_once_and_not_kept() {
    let cache = SessionCache::new(100);
    assert!(enter(&cache, 1, 0, cache.ticket()));
    let ticket = cache.ticket();
    cache.doubt();
    assert!(cache.is_empty());
    assert!(enter(&cache, 2, 0, ticket));
    assert!(cache.is_empty());
}

#[test]
fn an_older_version_never_replaces_a_newer_one() {
    let cache = SessionCache::new(100);
    let ticket = cache.ticket();
    assert!(enter(&cache, 1, 3, ticket));
    assert!(enter(&cache, 1, 2, ticket));
    assert_eq!(cache.get(&key(1)).unwrap().session.generation, 3);
    cache.confirm(&key(1), 2, Timestamp(50), Instant::now());
    assert_eq!(cache.get(&key(1)).unwrap().seen, Timestamp(0), "what another version was told");
    cache.confirm(&key(1), 3, Timestamp(50), Instant::now());
    assert_eq!(cache.get(&key(1)).unwrap().seen, Timestamp(50));
}

#[test]
fn the_capacity_holds_and_what_is_used_stays() {
    let cache = SessionCache::new(64 * 4);
    let many = |n: u32| {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&n.to_le_bytes());
        SessionKey(bytes)
    };
    let hot = many(0);
    cache.enter(hot, &session(0), Timestamp(0), Instant::now(), cache.ticket());
    for n in 1..10_000 {
        assert!(cache.get(&hot).is_some(), "{n}");
        cache.enter(many(n), &session(0), Timestamp(0), Instant::now(), cache.ticket());
        if n % 2 == 0 {
            cache.forget(&many(n - 1));
        }
    }
    assert!(cache.len() <= 64 * 4, "{}", cache.len());
    for shard in &cache.shards {
        let waiting = shard.read().unwrap().hand.len();
        assert!(waiting <= 2 * 4 + 1, "{waiting}");
    }
}

#[test]
fn no_capacity_keeps_nothing_but_knows_what_ended() {
    let cache = SessionCache::new(0);
    assert!(enter(&cache, 1, 0, cache.ticket()));
    assert!(cache.is_empty());
    end(&cache, 1);
    assert!(!enter(&cache, 1, 0, cache.ticket()));
}

#[test]
fn one_asks_while_the_others_go_on() {
    let cache = SessionCache::new(100);
    enter(&cache, 1, 0, cache.ticket());
    let asking = cache.claim(&key(1)).unwrap();
    assert!(cache.claim(&key(1)).is_none());
    assert!(cache.claim(&key(2)).is_some(), "another session is another question");
    drop(asking);
    assert!(cache.claim(&key(1)).is_some());
    assert!(cache.confirming.lock().unwrap().is_empty());
}

/// Readers enter what they read before a revocation while it runs, from many threads: once the
/// revocation has returned, nobody ever finds the session again.
#[test]
fn no_interleaving_brings_a_revoked_session_back() {
    let cache = SessionCache::new(10_000);
    let (round, risen) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while round.load(Ordering::SeqCst) < 250 {
                    let n = u8::try_from(round.load(Ordering::SeqCst)).unwrap_or(u8::MAX);
                    enter(&cache, n, 0, cache.ticket());
                }
            });
        }
        for n in 0..250u8 {
            end(&cache, n);
            if cache.get(&key(n)).is_some() {
                risen.fetch_add(1, Ordering::SeqCst);
            }
            round.store(u32::from(n) + 1, Ordering::SeqCst);
            if cache.get(&key(n)).is_some() {
                risen.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    assert_eq!(risen.load(Ordering::SeqCst), 0);
    assert!((0..250).all(|n| cache.get(&key(n)).is_none()));
}
