//! Sessions that nobody signed in for, in numbers.

mod copies;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use outpost::clock;
use outpost::session::redis::{RedisAddress, RedisOptions, RedisStore};
use outpost::session::seals::SealSecret;
use outpost::session::{Inserted, Origin, Session, SessionAbout, SessionId, SessionStore};

use crate::redis::RedisServer;

pub use copies::copies;

/// Sessions that begin at a time.
pub const AT_ONCE: usize = 64;

/// Bytes of a token as core gives them to a user with some groups.
pub const TOKEN: usize = 1_500;

/// A store of its own at this server, patient.
///
/// # Panics
/// When there can be none.
#[must_use]
pub fn store(redis: &RedisServer) -> Arc<RedisStore> {
    let address = redis.address();
    let address = RedisAddress { host: address.ip().to_string(), port: address.port() };
    let timeout = Duration::from_secs(20);
    let options =
        RedisOptions { connect_timeout: timeout, timeout, ..RedisOptions::single(address) };
    Arc::new(RedisStore::new(options).expect("a store"))
}

/// A small session of `sub` at a provider, for a day from now.
///
/// # Panics
/// Never: its claims are whole.
#[must_use]
pub fn session(provider: i64, sub: &str) -> Session {
    let now = clock::now();
    let expires = now.plus(24 * 3600);
    let claims = serde_json::json!({"sub": sub, "exp": expires.0, "preferred_username": sub});
    Session {
        about: SessionAbout {
            provider,
            sub: sub.to_owned(),
            user: sub.to_owned(),
            sid: None,
            origin: Origin::SignIn,
            created: now,
            expires,
            ends_by: None,
            idle_seconds: None,
            // Core does not know it and must not be asked.
            verified: expires,
            client_address: None,
            user_agent: Box::default(),
        },
        claims: serde_json::from_value(claims).expect("claims"),
        token: "t".repeat(200).into(),
        refresh_token: None,
        generation: 0,
    }
}

/// Begins so many sessions of `sub` at a provider, right in its store.
///
/// # Panics
/// When the store does not take them.
pub async fn fill(store: &dyn SessionStore, provider: i64, sub: &str, count: usize) {
    // Sealed once for all of them: nobody opens them.
    let id = SessionId::random().expect("randomness");
    let sealed = session(provider, sub).seal(&id, &SealSecret::of("nobody's"), clock::now());
    let record = &sealed.expect("it seals");
    let inserts = futures_util::stream::iter(0..count).map(|_| async move {
        let id = SessionId::random().expect("randomness");
        assert_eq!(store.insert(id.key(), record).await, Ok(Inserted::Kept));
    });
    inserts.buffer_unordered(AT_ONCE).for_each(|()| std::future::ready(())).await;
}

/// Begins so many sessions, as large as those of people are, of the subjects that `sub` names, sealed as
/// a provider's are; gives what their cookies hold.
///
/// # Panics
/// When the store does not take them.
pub async fn usable(
    store: &dyn SessionStore,
    count: usize,
    sub: impl Fn(usize) -> String,
    provider: i64,
    secret: &SealSecret,
) -> Vec<SessionId> {
    let inserted = futures_util::stream::iter(0..count).map(|number| {
        let (id, sub) = (SessionId::random().expect("randomness"), sub(number));
        async move {
            let record = person(provider, &sub).seal(&id, secret, clock::now()).expect("it seals");
            let inserted = store.insert(id.key(), &record).await.expect("room");
            assert_eq!(inserted, Inserted::Kept);
            id
        }
    });
    inserted.buffer_unordered(AT_ONCE).collect().await
}

/// A session as large as one of a person.
fn person(provider: i64, sub: &str) -> Session {
    let plain = session(provider, sub);
    let claims = serde_json::json!({
        "sub": sub, "exp": plain.about.expires.0, "preferred_username": sub, "name": sub,
        "email": format!("{sub}@example.com"), "groups": ["staff", "engineering", "on-call"],
    });
    Session {
        about: SessionAbout {
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101".into(),
            ..plain.about
        },
        claims: serde_json::from_value(claims).expect("claims"),
        token: "t".repeat(TOKEN).into(),
        ..plain
    }
}
