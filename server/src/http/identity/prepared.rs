//! Identities as they are told, made once for a session and a configuration: what a request costs does
//! not depend on how much there is to say of its user.

use std::cell::{OnceCell, RefCell};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use http::StatusCode;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use outpost_decision::headers::IdentityHeaders;
use outpost_decision::provider::Provider;

use crate::downstream::SharedHead;
use crate::session::Session;
use crate::upstream::{Told, UpstreamError};

/// Places for identities that a worker keeps, a power of two: some megabytes, where tokens are 2 kB.
/// Whoever comes more rarely has his made anew, which is cheap.
const PLACES: usize = 1024;

/// An identity, and the same as the head of an answer, or as headers of a request.
#[derive(Debug)]
pub struct Prepared {
    identity: IdentityHeaders,
    has_authorization: bool,
    answer: OnceCell<Rc<SharedHead>>,
    request: OnceCell<Told>,
}

impl Prepared {
    /// Of this identity.
    #[must_use]
    pub fn new(identity: IdentityHeaders) -> Rc<Self> {
        let has_authorization = identity.get(AUTHORIZATION.as_str()).is_some();
        let (answer, request) = (OnceCell::new(), OnceCell::new());
        Rc::new(Self { identity, has_authorization, answer, request })
    }

    /// Whether `Authorization` is among them.
    #[must_use]
    pub const fn has_authorization(&self) -> bool {
        self.has_authorization
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

    /// The headers of a request that tell it, to an application that the client's own do not reach.
    ///
    /// # Errors
    /// [`UpstreamError::BadHeader`]; no identity is known that has one.
    pub fn request(&self) -> Result<&Told, UpstreamError> {
        if let Some(told) = self.request.get() {
            return Ok(told);
        }
        let told = self.identity.told().map(|(name, value)| (name, value.as_bytes()));
        let told = Told::new(told)?;
        Ok(self.request.get_or_init(|| told))
    }
}

impl Deref for Prepared {
    type Target = IdentityHeaders;

    fn deref(&self) -> &IdentityHeaders {
        &self.identity
    }
}

/// The identities that one worker has told lately. Each has one place, by the address of its session,
/// and gives way to the next that has the same.
#[derive(Debug)]
pub struct Identities(RefCell<Box<[Option<Entry>]>>);

impl Default for Identities {
    fn default() -> Self {
        Self(RefCell::new((0..PLACES).map(|_| None).collect()))
    }
}

#[derive(Debug)]
struct Entry {
    /// Keeps its address from being given to another session.
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
        let place = place(session);
        if let Some(entry) = &self.0.borrow()[place]
            && Weak::as_ptr(&entry.session) == Arc::as_ptr(session)
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
        self.0.borrow_mut()[place] = Some(entry);
        Ok(prepared)
    }
}

/// Its place: a few bits of its address, which all of them have a part in.
fn place(session: &Arc<Session>) -> usize {
    let address = Arc::as_ptr(session).addr();
    (address.wrapping_mul(0x9E37_79B9) >> 16) & (PLACES - 1)
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
        for number in 0..3 * PLACES {
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
        }
        let used = identities.0.borrow().iter().flatten().count();
        assert!(used > PLACES / 3, "sessions have places of their own: {used}");
    }

    #[test]
    fn what_cannot_be_told_is_not_kept() {
        let (identities, one, app) = (Identities::default(), session("one"), provider(1));
        let too_large = || Err::<IdentityHeaders, TooLarge>(TooLarge { bytes: 2, limit: 1 });
        assert!(identities.of(&one, &app, 1, too_large).is_err());
        assert!(!told(&identities, &one, &app, 1).answer().headers().is_empty());
    }
}
