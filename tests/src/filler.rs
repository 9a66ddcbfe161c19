//! Sessions that nobody uses, in numbers: what a store holds while something else is looked at.

use futures_util::StreamExt as _;
use outpost::clock;
use outpost::session::seals::SealSecret;
use outpost::session::{Inserted, Origin, Session, SessionAbout, SessionId, SessionStore};

/// Sessions that begin at a time.
const AT_ONCE: usize = 64;

/// A session of `sub` at a provider, for a day from now.
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
            user_agent: String::new(),
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
