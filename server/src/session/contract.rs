//! What every session store must do, as a suite that each runs against the real thing.

#![expect(clippy::expect_used, reason = "a failed step of the suite must stop it")]

mod ending;
mod listing;
mod values;
mod versions;

use std::future::Future;
use std::sync::Arc;

use outpost_decision::claims::Claims;
use outpost_decision::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::id::{SessionId, SessionKey};
use super::record::{Origin, Record, Session, SessionAbout};
use super::seals::SealSecret;
use super::store::{Inserted, SessionStore};

/// Runs the whole suite; `fresh` gives an empty store each time. Times are seconds from the
/// present, so that stores whose server keeps the time can be asked, too.
///
/// # Panics
/// When the store breaks the contract.
pub async fn check<S, F, Fut>(fresh: F)
where
    S: SessionStore + 'static,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    keeps_what_was_put(&fresh().await).await;
    ends_at_the_expiry(&fresh().await).await;
    ends_when_idle(&fresh().await).await;
    versions::check(&fresh().await).await;
    ending::by_each_selection(&fresh().await).await;
    ending::an_absent_core_session_never_matches(&fresh().await).await;
    ending::many_at_once(&fresh().await).await;
    ending::is_final_under_concurrency(Arc::new(fresh().await)).await;
    ending::is_told_to_whoever_shares_the_store(&fresh().await).await;
    listing::check(&fresh().await).await;
    listing::by_what_changes(&fresh().await).await;
    listing::one_that_cannot_be_read(&fresh().await).await;
    values::check(&fresh().await).await;
}

/// The present of the suite.
#[must_use]
pub fn present() -> Timestamp {
    crate::clock::now()
}

/// A session for tests; `expires` in seconds from the present of the suite.
#[must_use]
pub fn session(provider: i64, sub: &str, sid: Option<&str>, expires: Timestamp) -> Session {
    Session {
        about: SessionAbout {
            provider,
            sub: sub.into(),
            user: format!("{sub}-name"),
            sid: sid.map(Into::into),
            origin: Origin::SignIn,
            created: Timestamp(0),
            expires,
            ends_by: None,
            idle_seconds: None,
            verified: Timestamp(0),
            client_address: Some([192, 0, 2, 7].into()),
            user_agent: "contract/1.0".into(),
        },
        claims: Claims {
            sub: sub.into(),
            exp: expires.0,
            name: "Ällice".into(),
            groups: ["a".into(), "b|c".into()].into(),
            ..Claims::default()
        },
        token: SecretString::from("header.payload.signature".to_owned()),
        refresh_token: Some(SecretString::from("refresh".to_owned())),
        generation: 0,
    }
}

/// The id of the `n`-th session of the suite.
#[must_use]
pub fn id(n: u8) -> SessionId {
    SessionId::from_bytes([n; 32])
}

/// Its key.
#[must_use]
pub fn key(n: u8) -> SessionKey {
    id(n).key()
}

/// What the sessions of all providers are sealed with here.
#[must_use]
pub fn secret() -> SealSecret {
    SealSecret::of("cookie")
}

/// The record of the `n`-th session, last used at 0.
///
/// # Panics
/// Without randomness.
#[must_use]
pub fn record(n: u8, provider: i64, sub: &str, sid: Option<&str>, expires: i64) -> Record {
    let session = session(provider, sub, sid, Timestamp(expires));
    session.seal(&id(n), &secret(), Timestamp(0)).expect("it seals")
}

/// A record whose session ends in `seconds`, last used now.
///
/// # Panics
/// Without randomness.
pub fn lasting(n: u8, provider: i64, sub: &str, sid: Option<&str>, seconds: i64) -> Record {
    let session = session(provider, sub, sid, present().plus(seconds));
    session.seal(&id(n), &secret(), present()).expect("it seals")
}

async fn put(store: &impl SessionStore, n: u8, record: Record) {
    assert_eq!(store.insert(key(n), &record).await, Ok(Inserted::Kept));
}

async fn has(store: &impl SessionStore, n: u8, now: Timestamp) -> bool {
    store.get(&key(n), now).await.expect("get").is_some()
}

async fn keeps_what_was_put(store: &impl SessionStore) {
    let now = present();
    assert!(!has(store, 1, now).await, "an empty store knows nobody");
    let put_in = lasting(1, 7, "alice", Some("sid-1"), 100);
    put(store, 1, put_in.clone()).await;
    let got = store.get(&key(1), now).await.expect("get").expect("is there");
    assert_eq!(got, put_in);
    let opened = got.open(&id(1), &secret()).expect("it opens with its cookie");
    assert_eq!(opened.about, put_in.about);
    assert_eq!(*opened.claims.groups, ["a", "b|c"].map(Box::<str>::from));
    assert_eq!(opened.token.expose_secret(), "header.payload.signature");
    assert!(!has(store, 2, now).await, "another key is another session");
}

async fn ends_at_the_expiry(store: &impl SessionStore) {
    let now = present();
    put(store, 1, lasting(1, 7, "alice", None, 100)).await;
    put(store, 2, lasting(2, 7, "alice", None, 200)).await;
    let expiry = store.get(&key(1), now).await.expect("get").expect("there").about.expires;
    assert!(has(store, 1, Timestamp(expiry.0 - 1)).await);
    assert!(!has(store, 1, expiry).await, "ended at the very second of its expiry, unswept");
    assert_eq!(store.count(None, expiry).await, Ok(1));
    store.sweep(expiry).await.expect("sweep");
    assert_eq!(store.count(None, expiry).await, Ok(1));
    assert!(has(store, 2, expiry).await, "others live on");
}

async fn ends_when_idle(store: &impl SessionStore) {
    let mut session = session(7, "alice", None, present().plus(1000));
    session.about.idle_seconds = Some(100);
    let begun = present();
    put(store, 1, session.seal(&id(1), &secret(), begun).expect("it seals")).await;
    assert!(has(store, 1, begun.plus(99)).await);
    assert!(!has(store, 1, begun.plus(100)).await, "nobody used it");
    assert_eq!(store.touch(&key(1), begun.plus(50)).await, Ok(Some(0)));
    assert!(has(store, 1, begun.plus(149)).await, "use defers the end");
    assert_eq!(store.touch(&key(1), begun.plus(40)).await, Ok(Some(0)));
    assert!(
        has(store, 1, begun.plus(149)).await,
        "a late report of an earlier use changes nothing"
    );
    assert!(!has(store, 1, begun.plus(150)).await);
    assert_eq!(store.touch(&key(1), begun.plus(150)).await, Ok(None), "too late");
    assert_eq!(store.touch(&key(9), begun).await, Ok(None), "there never was one");
}
