//! Counting and listing, page by page.

use super::{key, lasting, present, put};
use crate::session::store::{PageCursor, Selection, SessionStore, StoreError};

pub(super) async fn check(store: &impl SessionStore) {
    let now = present();
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
