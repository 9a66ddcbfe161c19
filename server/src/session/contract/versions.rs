//! The next version of a session: written by one, and never over the end of the session.

use super::{has, id, key, lasting, present, put, secret};
use crate::session::record::Record;
use crate::session::store::{Inserted, Replaced, Selection, SessionStore};

fn next(record: &Record, seconds: i64) -> Record {
    let opened = record.open(&id(1), &secret()).expect("it opens");
    let mut session = opened;
    session.generation += 1;
    session.about.expires = present().plus(seconds);
    session.seal(&id(1), &secret(), present()).expect("it seals")
}

pub(super) async fn check(store: &impl SessionStore) {
    let now = present();
    let first = lasting(1, 7, "alice", Some("sid"), 100);
    assert_eq!(store.replace(key(1), &next(&first, 200)).await, Ok(Replaced::Gone));
    assert!(!has(store, 1, now).await, "what is not there is not replaced");
    put(store, 1, first.clone()).await;
    let second = next(&first, 200);
    assert_eq!(store.replace(key(1), &second).await, Ok(Replaced::Kept));
    assert_eq!(store.get(&key(1), now).await, Ok(Some(second.clone())));
    assert_eq!(store.touch(&key(1), now).await, Ok(Some(1)), "its generation is told");
    assert_eq!(store.replace(key(1), &next(&first, 300)).await, Ok(Replaced::Outdated));
    assert_eq!(store.get(&key(1), now).await, Ok(Some(second.clone())));
    assert!(has(store, 1, now.plus(150)).await, "it lasts as long as its last version says");
    assert_eq!(store.count(Some(7), now.plus(150)).await, Ok(1), "the indexes know it too");
    let ended = store.end(&Selection::Subject("alice".into())).await.expect("end");
    assert_eq!(ended.len(), 1);
    assert_eq!(store.replace(key(1), &next(&second, 400)).await, Ok(Replaced::Gone));
    assert!(!has(store, 1, now).await, "an ended session stays ended");
    assert_eq!(store.count(None, now).await, Ok(0));
    if store.shared().is_some() {
        let late = store.insert(key(1), &first).await;
        assert_eq!(late, Ok(Inserted::Revoked), "a sign-in under way when it was revoked");
    }
}
