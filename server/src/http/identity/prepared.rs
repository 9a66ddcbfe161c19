//! Identities as they are told, made once for a session and a configuration: what a request costs does
//! not depend on how much there is to say of its user.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use http::StatusCode;
use http::header::CACHE_CONTROL;
use outpost_decision::headers::IdentityHeaders;
use outpost_decision::provider::Provider;

use crate::downstream::SharedHead;
use crate::session::Session;

/// Most identities that a worker keeps: some megabytes, where tokens are 2 kB.
const CAPACITY: usize = 2048;

/// An identity, and the same as the head of an answer.
#[derive(Debug)]
pub struct Prepared {
    identity: IdentityHeaders,
    answer: OnceCell<Rc<SharedHead>>,
}

impl Prepared {
    /// Of this identity.
    #[must_use]
    pub fn new(identity: IdentityHeaders) -> Rc<Self> {
        Rc::new(Self { identity, answer: OnceCell::new() })
    }

    /// The head of an answer that tells it, with the headers that are only to overwrite; nobody is to
    /// keep such an answer.
    pub fn answer(&self) -> &Rc<SharedHead> {
        self.answer.get_or_init(|| {
            let told = self.identity.iter().map(|(name, value)| (name, value.as_bytes()));
            // Whatever an attribute of a user says of that.
            let told = told.filter(|(name, _)| !name.eq_ignore_ascii_case(CACHE_CONTROL.as_str()));
            let kept_by_nobody = (CACHE_CONTROL.as_str(), &b"no-store"[..]);
            SharedHead::new(StatusCode::OK, std::iter::once(kept_by_nobody).chain(told))
        })
    }
}

impl Deref for Prepared {
    type Target = IdentityHeaders;

    fn deref(&self) -> &IdentityHeaders {
        &self.identity
    }
}

/// The identities that one worker has told lately.
#[derive(Debug, Default)]
pub struct Identities(RefCell<HashMap<*const Session, Entry>>);

#[derive(Debug)]
struct Entry {
    /// Keeps the address, which is the key, from being given to another session.
    session: Weak<Session>,
    /// What it was made for.
    provider: Arc<Provider>,
    generation: u64,
    prepared: Rc<Prepared>,
}

impl Identities {
    /// The identity of `session` at `provider`, by the configuration of this generation; `make` makes
    /// it where it is not there.
    ///
    /// # Errors
    /// Those of `make`; they are not kept.
    pub fn of<E>(
        &self,
        session: &Arc<Session>,
        provider: &Arc<Provider>,
        generation: u64,
        make: impl FnOnce() -> Result<IdentityHeaders, E>,
    ) -> Result<Rc<Prepared>, E> {
        let key = Arc::as_ptr(session);
        if let Some(entry) = self.0.borrow().get(&key)
            && entry.generation == generation
            && Arc::ptr_eq(&entry.provider, provider)
        {
            return Ok(Rc::clone(&entry.prepared));
        }
        let prepared = Prepared::new(make()?);
        let entry = Entry {
            session: Arc::downgrade(session),
            provider: Arc::clone(provider),
            generation,
            prepared: Rc::clone(&prepared),
        };
        let mut all = self.0.borrow_mut();
        if all.len() >= CAPACITY {
            // Sessions that have ended, or have a newer version, are nobody's any more.
            all.retain(|_, entry| entry.session.strong_count() > 0);
            if all.len() > CAPACITY / 2 {
                all.clear();
            }
        }
        all.insert(key, entry);
        Ok(prepared)
    }
}

#[cfg(test)]
mod tests {
    use outpost_decision::headers::{IdentityRule, OutpostNames, TooLarge, identity_headers};
    use secrecy::ExposeSecret;

    use super::*;
    use crate::session::contract;
    use crate::snapshot::testing;

    fn provider(pk: i64) -> Arc<Provider> {
        testing::provider(pk, "app", |_| {})
    }

    fn session(sub: &str) -> Arc<Session> {
        Arc::new(contract::session(1, sub, None, contract::present().plus(60)))
    }

    fn told(
        identities: &Identities,
        session: &Arc<Session>,
        provider: &Arc<Provider>,
        generation: u64,
    ) -> Rc<Prepared> {
        let names = OutpostNames { name: "outpost", version: "1" };
        let (claims, token) = (&session.claims, session.token.expose_secret());
        let rule = IdentityRule::default();
        let make = || identity_headers(provider, claims, token, &names, &rule);
        identities.of(session, provider, generation, make).unwrap()
    }

    #[test]
    fn an_identity_is_made_once_for_a_session_and_a_configuration() {
        let (identities, one, app) = (Identities::default(), session("one"), provider(1));
        let first = told(&identities, &one, &app, 1);
        assert!(Rc::ptr_eq(&first, &told(&identities, &one, &app, 1)));
        assert!(!Rc::ptr_eq(&first, &told(&identities, &one, &app, 2)));
        let changed = provider(1);
        let again = told(&identities, &one, &changed, 2);
        assert!(Rc::ptr_eq(&again, &told(&identities, &one, &changed, 2)));
        let refused = identities.of(&session("two"), &app, 1, || Err::<IdentityHeaders, _>(()));
        assert!(refused.is_err());
    }

    #[test]
    fn nobody_is_told_as_somebody_else_however_many_come_and_go() {
        let (identities, app) = (Identities::default(), provider(1));
        let mut kept: Vec<Arc<Session>> = Vec::new();
        for number in 0..3 * CAPACITY {
            // Its address may be one that a session before had.
            let passing = session(&format!("passing-{number}"));
            let of = |session: &Arc<Session>| {
                let prepared = told(&identities, session, &app, 1);
                assert_eq!(
                    prepared.answer().headers()["x-authentik-uid"],
                    session.about.sub.as_str()
                );
            };
            of(&passing);
            if number % 3 == 0 {
                kept.push(passing);
            }
            if let Some(earlier) = kept.get(number / 7) {
                of(earlier);
            }
            assert!(identities.0.borrow().len() <= CAPACITY);
        }
    }

    #[test]
    fn what_cannot_be_told_is_not_kept() {
        let (identities, one, app) = (Identities::default(), session("one"), provider(1));
        let too_large = || Err::<IdentityHeaders, TooLarge>(TooLarge { bytes: 2, limit: 1 });
        assert!(identities.of(&one, &app, 1, too_large).is_err());
        assert!(!told(&identities, &one, &app, 1).answer().headers().is_empty());
    }
}
