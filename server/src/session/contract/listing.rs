//! Counting and listing, page by page.

use super::{has, id, key, lasting, present, put, secret, session};
use crate::session::store::{PageCursor, Replaced, Selection, SessionStore, StoreError};

pub(super) async fn check(store: &impl SessionStore) {
    let now = present();
    let mapped = "::ffff:192.0.2.7".parse().expect("an address");
    for n in 0..10 {
        let sub = if n < 4 { "alice" } else { "bob" };
        let record = lasting(n, i64::from(n % 2), sub, Some("sid"), 100 + i64::from(n));
        put(store, n, record).await;
    }
    assert_eq!(store.count(None, now).await, Ok(10));
    assert_eq!(store.count(Some(0), now).await, Ok(5));
    assert_eq!(store.count(Some(5), now).await, Ok(0));
    for (selection, expected) in [
        (None, (0..10).collect::<Vec<u8>>()),
        (Some(Selection::Subject("alice".into())), vec![0, 1, 2, 3]),
        (Some(Selection::CoreSession("sid".into())), (0..10).collect()),
        (Some(Selection::Provider(1)), vec![1, 3, 5, 7, 9]),
        (Some(Selection::Key(key(3))), vec![3]),
        (Some(Selection::Keys(vec![key(3), key(4), key(99)])), vec![3, 4]),
        (Some(Selection::Subject("nobody".into())), vec![]),
        (Some(Selection::User("alice-name".into())), vec![0, 1, 2, 3]),
        (Some(Selection::User("Alice-name".into())), vec![]),
        (Some(Selection::User("alice".into())), vec![]),
        (Some(Selection::User(String::new())), vec![]),
        (Some(Selection::Address([192, 0, 2, 7].into())), (0..10).collect()),
        (Some(Selection::Address(mapped)), (0..10).collect()),
        (Some(Selection::Address([192, 0, 2, 8].into())), vec![]),
    ] {
        let mut listed = pages(store, selection.as_ref()).await;
        let mut wanted: Vec<_> = expected.iter().map(|n| key(*n)).collect();
        listed.sort();
        wanted.sort();
        assert_eq!(listed, wanted, "{selection:?}: each once, none missing");
    }
    let one = store.list(Some(&Selection::Key(key(3))), None, 10, now).await.expect("list");
    assert_eq!(one.sessions[0].about.user, "alice-name");
    let forged = PageCursor("../../etc".into());
    assert_eq!(store.list(None, Some(&forged), 3, now).await, Err(StoreError::NoSuchPage));
}

/// Users get other names, and sessions are found by the one that core told last.
pub(super) async fn by_what_changes(store: &impl SessionStore) {
    let mut first = session(7, "alice", None, present().plus(100));
    first.about.client_address = Some("::ffff:192.0.2.1".parse().expect("an address"));
    put(store, 1, first.seal(&id(1), &secret(), present()).expect("it seals")).await;
    put(store, 2, lasting(2, 7, "alice", None, 100)).await;
    let mut next = first.next_version();
    next.about.user = "alicia-name".to_owned();
    next.about.client_address = Some("2001:db8::1".parse().expect("an address"));
    next.about.expires = present().plus(200);
    let replaced =
        store.replace(key(1), &next.seal(&id(1), &secret(), present()).expect("it seals")).await;
    assert_eq!(replaced, Ok(Replaced::Kept));
    let user = |name: &str| Selection::User(name.to_owned());
    let address = |text: &str| Selection::Address(text.parse().expect("an address"));
    for (selection, expected) in [
        (user("alice-name"), vec![key(2)]),
        (user("alicia-name"), vec![key(1)]),
        (address("192.0.2.1"), vec![]),
        (address("2001:db8:0::0001"), vec![key(1)]),
        (address("192.0.2.7"), vec![key(2)]),
    ] {
        assert_eq!(pages(store, Some(&selection)).await, expected, "{selection:?}");
    }
    assert_eq!(store.end(&user("alice-name")).await.expect("end").len(), 1);
    assert!(has(store, 1, present()).await, "it is another name's now");
    assert_eq!(store.end(&address("2001:db8::1")).await.expect("end").len(), 1);
    assert!(!has(store, 1, present()).await);

    let mut nameless = session(7, "service", None, present().plus(100));
    nameless.about.user.clear();
    nameless.about.client_address = None;
    put(store, 3, nameless.seal(&id(3), &secret(), present()).expect("it seals")).await;
    assert_eq!(store.end(&user("")).await, Ok(vec![]), "no name is nobody's");
    assert!(has(store, 3, present()).await);
}

/// A newer outpost beside this one writes what this one cannot read: it is not shown, hides nobody,
/// and ends with the others.
pub(super) async fn one_that_cannot_be_read(store: &impl SessionStore) {
    for n in 1..=3 {
        let mut record = lasting(n, 7, "alice", Some("sid"), 100);
        if n == 2 {
            record.clear = "{\"v\":99}".into();
        }
        put(store, n, record).await;
    }
    for selection in [None, Some(Selection::User("alice-name".into()))] {
        let page = store.list(selection.as_ref(), None, 10, present()).await.expect("list");
        let shown = page.sessions.iter().map(|session| session.key);
        let mut all: Vec<_> = shown.chain(page.unreadable).collect();
        let mut wanted = vec![key(1), key(2), key(3)];
        all.sort();
        wanted.sort();
        assert_eq!(all, wanted, "{selection:?}");
    }
    let ended = store.end(&Selection::User("alice-name".into())).await.expect("end");
    assert_eq!(ended.len(), 3);
    assert_eq!(store.count(None, present()).await, Ok(0));
}

async fn pages(
    store: &impl SessionStore,
    selection: Option<&Selection>,
) -> Vec<crate::session::id::SessionKey> {
    let mut listed = Vec::new();
    let mut from = None;
    loop {
        let page = store.list(selection, from.as_ref(), 3, present()).await.expect("list");
        listed.extend(page.sessions.iter().map(|session| session.key));
        match page.next {
            Some(next) => from = Some(next),
            None => return listed,
        }
    }
}
