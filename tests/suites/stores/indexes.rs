//! Sessions by user name and address: found whoever wrote them, at a cost that does not grow.

use std::collections::BTreeMap;

use outpost::session::contract::{self, present};
use outpost::session::redis::RedisStore;
use outpost::session::{Inserted, Selection, SessionId, SessionKey, SessionStore};
use outpost_tests::redis::{Monitor, RedisServer};

use crate::stores::support::{options, store};

/// Sessions on a page.
const PAGE: usize = 50;

fn id(n: u32) -> SessionId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    SessionId::from_bytes(bytes)
}

/// Makes of every session what an outpost wrote that knew no user names and addresses.
fn make_older(server: &RedisServer) {
    let script = "
        for _, key in ipairs(redis.call('KEYS', '*')) do
          if string.find(key, ':[na]:') or string.find(key, '^[na]:') then
            redis.call('DEL', key)
          elseif redis.call('TYPE', key).ok == 'hash' then
            local words = redis.call('HGET', key, 'indexes')
            words = string.match(words, '^%S+ %S+ %S+')
            redis.call('HSET', key, 'indexes', words)
          end
        end
        return redis.call('DEL', KEYS[1])";
    let _ = server.cli(&["eval", script, "1", "outpost:v:indexed"]);
}

async fn users(store: &RedisStore, name: &str) -> Vec<SessionKey> {
    let selection = Selection::User(name.to_owned());
    let page = store.list(Some(&selection), None, PAGE, present()).await.unwrap();
    let mut keys: Vec<_> = page.sessions.iter().map(|session| session.key).collect();
    keys.sort();
    keys
}

#[actix_rt::test]
async fn sessions_of_an_older_outpost_are_found_once_they_are_used_or_swept() {
    let server = RedisServer::start();
    let store = store(options(&server));
    for n in 1..=3 {
        let record = contract::lasting(n, 7, "alice", Some("sid"), 1000);
        assert_eq!(store.insert(contract::key(n), &record).await, Ok(Inserted::Kept));
    }
    assert_eq!(users(&store, "alice-name").await.len(), 3);
    make_older(&server);
    assert_eq!(users(&store, "alice-name").await, [], "as before the upgrade");

    assert_eq!(store.touch(&contract::key(2), present().plus(1)).await, Ok(Some(0)));
    assert_eq!(users(&store, "alice-name").await, [contract::key(2)]);
    let seen = store.get(&contract::key(2), present()).await.unwrap().unwrap();
    assert_eq!(seen.about.user, "alice-name");

    store.sweep(present()).await.unwrap();
    assert_eq!(users(&store, "alice-name").await.len(), 3);
    let everybody = Selection::Address([192, 0, 2, 7].into());
    let ended = store.end(&everybody).await.unwrap();
    assert_eq!(ended.len(), 3);
    assert_eq!(users(&store, "alice-name").await, []);
    assert_eq!(server.cli(&["keys", "*:n:*"]), "", "nothing is left of them");
}

/// Makes a session's clear part what only a newer outpost can read.
fn make_unreadable(server: &RedisServer, n: u8) {
    let session = format!("outpost:s:{}", contract::key(n));
    assert_eq!(server.cli(&["hset", &session, "clear", "{\"v\":99}"]), "0");
}

#[actix_rt::test]
async fn a_session_that_cannot_be_read_keeps_no_other_from_being_found() {
    let server = RedisServer::start();
    let store = store(options(&server));
    for n in 1..=3 {
        let record = contract::lasting(n, 7, "alice", Some("sid"), 1000);
        assert_eq!(store.insert(contract::key(n), &record).await, Ok(Inserted::Kept));
    }
    make_older(&server);
    make_unreadable(&server, 2);
    store.sweep(present()).await.unwrap();
    assert_eq!(server.cli(&["get", "outpost:v:indexed"]), "done");
    let mut found = [contract::key(1), contract::key(3)];
    found.sort();
    assert_eq!(users(&store, "alice-name").await, found);
    let everybody = store.list(None, None, PAGE, present()).await.unwrap();
    assert_eq!(everybody.unreadable, [contract::key(2)]);
    assert_eq!(store.end(&Selection::Provider(7)).await.unwrap().len(), 3);
}

#[actix_rt::test]
async fn sessions_of_an_older_outpost_do_not_escape_who_is_signed_out_before_the_first_sweep() {
    let server = RedisServer::start();
    let store = store(options(&server));
    let alice = Selection::User("alice-name".to_owned());
    let everybody = Selection::Address([192, 0, 2, 7].into());
    for (selection, noted) in [(&alice, None), (&everybody, Some("looking"))] {
        let _ = server.cli(&["flushall"]);
        for n in 1..=3 {
            let record = contract::lasting(n, 7, "alice", Some("sid"), 1000);
            assert_eq!(store.insert(contract::key(n), &record).await, Ok(Inserted::Kept));
        }
        make_older(&server);
        if let Some(noted) = noted {
            // A replica that died while it looked.
            let _ = server.cli(&["set", "outpost:v:indexed", noted]);
        }
        assert_eq!(store.end(selection).await.unwrap().len(), 3, "{selection:?}");
        assert_eq!(server.cli(&["get", "outpost:v:indexed"]), "done");
    }
    assert_eq!(store.count(None, present()).await, Ok(0));
}

/// What an outpost of the older version does to sessions of this one.
#[actix_rt::test]
async fn sessions_that_an_older_outpost_ends_are_not_shown() {
    let server = RedisServer::start();
    let store = store(options(&server));
    for n in 1..=2 {
        let record = contract::lasting(n, 7, "alice", Some("sid"), 1000);
        assert_eq!(store.insert(contract::key(n), &record).await, Ok(Inserted::Kept));
    }
    let session = format!("outpost:s:{}", contract::key(1));
    assert_eq!(server.cli(&["del", &session]), "1");
    assert_eq!(users(&store, "alice-name").await, [contract::key(2)]);
    let alice = Selection::User("alice-name".to_owned());
    assert_eq!(store.end(&alice).await.unwrap().len(), 1);
}

/// The names of the commands that each question for a page takes, with how often.
async fn commands(
    server: &RedisServer,
    store: &RedisStore,
    selection: Option<&Selection>,
) -> BTreeMap<String, usize> {
    let monitor = server.monitor();
    let page = store.list(selection, None, PAGE, present()).await.unwrap();
    assert_eq!(page.sessions.len(), PAGE, "{selection:?}");
    counted(monitor)
}

/// The names of the commands that were seen, with how often, those of scripts among them.
fn counted(monitor: Monitor) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for line in monitor.stop() {
        let name = line.split('"').nth(1).expect("a command").to_ascii_uppercase();
        // Of the connection that the reader gets: no part of what a page takes.
        if name == "HELLO" {
            continue;
        }
        *names.entry(name).or_default() += 1;
    }
    names
}

/// Sessions up to this many, of which as many as fit on a page and one belong to alice.
async fn fill(store: &RedisStore, from: u32, to: u32) {
    let record = |n: u32| {
        let sub = if n < 50 { "alice".to_owned() } else { format!("user-{n}") };
        let sid = if n < 50 { "alices".to_owned() } else { format!("sid-{n}") };
        let mut session = contract::session(7, &sub, Some(&sid), present().plus(10_000));
        session.about.client_address =
            Some(if n < 50 { [192, 0, 2, 7] } else { n.to_be_bytes() }.into());
        session.seal(&id(n), &contract::secret(), present()).unwrap()
    };
    let numbers: Vec<_> = (from..to).collect();
    for chunk in numbers.chunks(200) {
        let inserted = chunk.iter().map(|n| async move {
            assert_eq!(store.insert(id(*n).key(), &record(*n)).await, Ok(Inserted::Kept));
        });
        futures_util::future::join_all(inserted).await;
    }
}

#[actix_rt::test]
async fn a_page_by_any_index_costs_the_same_among_a_thousand_and_among_twenty_thousand() {
    let server = RedisServer::start();
    let store = store(options(&server));
    let selections = [
        None,
        Some(Selection::User("alice-name".to_owned())),
        Some(Selection::Subject("alice".to_owned())),
        Some(Selection::CoreSession("alices".to_owned())),
        Some(Selection::Address([192, 0, 2, 7].into())),
        Some(Selection::Provider(7)),
    ];
    fill(&store, 0, 1_000).await;
    // The server knows the script from the first page on.
    store.list(None, None, PAGE, present()).await.unwrap();
    let mut few = Vec::new();
    for selection in &selections {
        few.push(commands(&server, &store, selection.as_ref()).await);
    }
    fill(&store, 1_000, 20_000).await;
    for (selection, few) in selections.iter().zip(few) {
        let many = commands(&server, &store, selection.as_ref()).await;
        assert_eq!(few, many, "{selection:?}");
        assert_eq!(many["HMGET"], PAGE, "{many:?}");
        for forbidden in ["SCAN", "KEYS", "SSCAN", "HSCAN", "ZSCAN", "HGETALL"] {
            assert!(!many.contains_key(forbidden), "{selection:?}: {many:?}");
        }
    }
}

/// However many end in one second, as after a start of core at which everybody signs in at once; and though
/// the session that the page before ended with is gone.
#[actix_rt::test]
async fn a_page_costs_the_same_wherever_it_begins() {
    const SESSIONS: u32 = 4_000;
    let server = RedisServer::start();
    let store = store(options(&server));
    fill(&store, 0, SESSIONS).await;
    // What is no key passes by, wherever it stands.
    for stray in ["", "stray", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"] {
        let ends = present().plus(10_000).0.to_string();
        assert_eq!(server.cli(&["zadd", "outpost:p:7", &ends, stray]), "1");
    }
    let (mut seen, mut from) = (Vec::new(), None);
    loop {
        let monitor = server.monitor();
        let page = store.list(None, from.as_ref(), 200, present()).await.unwrap();
        let commands = counted(monitor);
        seen.extend(page.sessions.iter().map(|session| session.key));
        // Two to know where the second is, twelve to halve it; and the next part, twice at the strays.
        let looks: usize = ["ZCOUNT", "ZREVRANGE"]
            .iter()
            .map(|name| commands.get(*name).copied().unwrap_or_default())
            .sum();
        assert!((1..=2 * 15).contains(&looks), "after {}: {commands:?}", seen.len());
        let Some(next) = page.next else { break };
        from = Some(next);
        let last = Selection::Key(*seen.last().unwrap());
        assert_eq!(store.end(&last).await.unwrap().len(), 1);
    }
    let found = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((found, seen.len()), (4_000, 4_000), "each once");
}
