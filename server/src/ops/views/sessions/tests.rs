use std::sync::Arc;

use super::*;
use crate::ops::views::testing::parts;
use crate::session::contract::{self, id, present};
use crate::session::memory::MemoryStore;
use crate::session::{Session, SessionOptions};

/// Views of these sessions, the first of which has key 1.
async fn views(of: Vec<Session>) -> Views {
    let views = Views::new(parts());
    for (n, session) in (1..).zip(of) {
        let begun = views.parts.sessions.begin(&id(n), session, present()).await.unwrap();
        assert!(begun.is_some());
    }
    views
}

fn session(sub: &str, provider: i64) -> Session {
    contract::session(provider, sub, Some("sid"), present().plus(1000))
}

fn query(by: SearchBy, value: &str) -> SessionQuery {
    SessionQuery { by, value: value.to_owned(), cursor: None }
}

#[actix_rt::test]
async fn sessions_are_found_by_whatever_they_are_looked_for_by() {
    let views = views(vec![session("alice", 1), session("alice", 2), session("bob", 2)]).await;
    let key = contract::key(3).to_string();
    for (by, value, expected) in [
        (SearchBy::User, "", 3),
        (SearchBy::User, "alice-name", 2),
        (SearchBy::User, " alice-name ", 2),
        (SearchBy::User, "ALICE-name", 0),
        (SearchBy::Sub, "bob", 1),
        (SearchBy::Sid, "sid", 3),
        (SearchBy::Address, "192.0.2.7", 3),
        (SearchBy::Address, "::ffff:192.0.2.7", 3),
        (SearchBy::Address, "2001:db8::1", 0),
        (SearchBy::Provider, "2", 2),
        (SearchBy::Provider, "99", 0),
        (SearchBy::Key, &key, 1),
    ] {
        let page = views.sessions(query(by, value)).await;
        assert_eq!(page.problem, None, "{by:?} {value}");
        assert_eq!(page.rows.len(), expected, "{by:?} {value}");
        assert_eq!(page.total, Some(3));
    }
    for (by, value) in
        [(SearchBy::Address, "192.0.2"), (SearchBy::Provider, "nobody's"), (SearchBy::Key, "12")]
    {
        let page = views.sessions(query(by, value)).await;
        assert!(page.problem.is_some() && page.rows.is_empty(), "{by:?} {value}");
    }
}

#[actix_rt::test]
async fn a_row_says_what_the_store_keeps_in_the_clear() {
    let mut session = session("alice", 7);
    session.about.idle_seconds = Some(100);
    session.about.client_address = Some("::ffff:192.0.2.9".parse().unwrap());
    let about = session.about.clone();
    let views = views(vec![session]).await;
    let page = views.sessions(query(SearchBy::User, "alice-name")).await;
    let [row] = page.rows.as_slice() else { panic!("{page:?}") };
    assert_eq!(row.key, contract::key(1).to_string());
    assert_eq!((row.user.as_str(), row.sub.as_str()), ("alice-name", "alice"));
    assert_eq!((row.sid.as_deref(), row.origin.as_str()), (Some("sid"), "sign_in"));
    assert_eq!((row.provider.pk, row.expires), (7, about.expires.0));
    assert_eq!(row.client_address.as_deref(), Some("192.0.2.9"));
    assert_eq!(row.idle_until, Some(row.seen + 100));
    let text = format!("{page:?}");
    for secret in ["header.payload.signature", "refresh", "Ällice"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[actix_rt::test]
async fn pages_follow_each_other_and_a_made_up_one_is_said_to_be() {
    let views = views((0..120).map(|_| session("alice", 1)).collect()).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = views.sessions(SessionQuery { cursor, ..SessionQuery::default() }).await;
        assert!(page.rows.len() <= PAGE && page.problem.is_none());
        seen.extend(page.rows.into_iter().map(|row| row.key));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 120);
    let made_up = SessionQuery { cursor: Some("../etc".to_owned()), ..SessionQuery::default() };
    let page = views.sessions(made_up).await;
    assert!(page.problem.is_some_and(|said| said.contains("no such page")));
}

#[actix_rt::test]
async fn a_session_is_shown_with_the_others_of_its_user() {
    let mut namesake = session("another", 1);
    namesake.about.user = "alice-name".to_owned();
    let mut nameless = session("service", 1);
    nameless.about.user.clear();
    let mut all: Vec<_> = (0..60).map(|_| session("alice", 1)).collect();
    all.extend([namesake, session("bob", 1), nameless]);
    let views = views(all).await;
    let page = views.session(&contract::key(1)).await.unwrap().unwrap();
    assert!(page.others.len() <= OTHERS && page.others.len() >= OTHERS - 2);
    assert!(page.others.iter().all(|other| other.sub == "alice" && other.key != page.row.key));
    for alone in [62, 63] {
        let page = views.session(&contract::key(alone)).await.unwrap().unwrap();
        assert_eq!(page.others, [], "{alone}");
    }
    assert_eq!(views.session(&contract::key(99)).await, Ok(None));
}

#[actix_rt::test]
async fn a_plan_says_whom_it_means_and_ends_nobody() {
    let views = views((0..20).map(|n| session("alice", n % 2)).collect()).await;
    for (by, value, label, count) in [
        (SearchBy::User, "alice-name", "all sessions of alice-name", 20),
        (SearchBy::Sub, "alice", "all sessions of the subject alice", 20),
        (SearchBy::Sid, "sid", "all sessions that hang on core's session sid", 20),
        (SearchBy::Address, "::ffff:192.0.2.7", "all sessions begun from 192.0.2.7", 20),
        (SearchBy::Provider, "1", "all sessions of the provider 1", 10),
        (SearchBy::Key, &contract::key(1).to_string(), "this one session", 1),
        (SearchBy::User, "nobody", "all sessions of nobody", 0),
    ] {
        let plan = views.revoke_plan(by, value).await;
        assert_eq!((plan.problem, plan.label.as_str(), plan.count), (None, label, count));
        assert_eq!(plan.sample.len(), count.min(SAMPLE));
    }
    for (by, value) in [(SearchBy::User, " "), (SearchBy::Key, "x"), (SearchBy::Provider, "x")] {
        let plan = views.revoke_plan(by, value).await;
        assert!(plan.problem.is_some() && plan.count == 0, "{by:?} {value:?}");
    }
    assert_eq!(views.sessions(SessionQuery::default()).await.total, Some(20));
}

#[actix_rt::test]
async fn a_plan_for_a_user_counts_their_sessions_under_other_names() {
    let mut renamed = session("alice", 1);
    renamed.about.user = "alice-before".to_owned();
    let views = views(vec![session("alice", 1), renamed, session("bob", 1)]).await;
    let plan = views.revoke_plan(SearchBy::User, "alice-name").await;
    assert_eq!((plan.problem, plan.count), (None, 2));
    let mut users: Vec<_> = plan.sample.into_iter().map(|row| row.user).collect();
    users.sort();
    assert_eq!(users, ["alice-before", "alice-name"]);
}

/// A store that is away.
#[derive(Debug)]
struct Away(MemoryStore);

mod away {
    use async_trait::async_trait;

    use super::Away;
    use crate::session::{
        EndedSession, Inserted, PageCursor, Record, Replaced, RevocationLog, Selection, SessionKey,
        SessionPage, SessionStore, SharedValues, StoreError,
    };
    use outpost_decision::time::Timestamp;

    fn away<T>() -> Result<T, StoreError> {
        Err(StoreError::Unavailable("it is away".to_owned()))
    }

    #[async_trait]
    impl SessionStore for Away {
        async fn get(&self, _: &SessionKey, _: Timestamp) -> Result<Option<Record>, StoreError> {
            away()
        }

        async fn insert(&self, _: SessionKey, _: &Record) -> Result<Inserted, StoreError> {
            away()
        }

        async fn replace(&self, _: SessionKey, _: &Record) -> Result<Replaced, StoreError> {
            away()
        }

        async fn touch(&self, _: &SessionKey, _: Timestamp) -> Result<Option<u64>, StoreError> {
            away()
        }

        async fn end(&self, _: &Selection) -> Result<Vec<EndedSession>, StoreError> {
            away()
        }

        async fn sweep(&self, _: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
            away()
        }

        async fn count(&self, _: Option<i64>, _: Timestamp) -> Result<usize, StoreError> {
            away()
        }

        async fn list(
            &self,
            _: Option<&Selection>,
            _: Option<&PageCursor>,
            _: usize,
            _: Timestamp,
        ) -> Result<SessionPage, StoreError> {
            away()
        }

        fn shared(&self) -> Option<&dyn RevocationLog> {
            None
        }

        fn values(&self) -> &dyn SharedValues {
            self.0.values()
        }
    }
}

#[actix_rt::test]
async fn a_store_that_is_away_never_looks_like_nobody_is_signed_in() {
    let store = Arc::new(Away(MemoryStore::new(1)));
    let sessions = crate::session::Sessions::with(store, SessionOptions::default(), None);
    let views = Views::new(crate::ops::views::ViewParts { sessions, ..parts() });
    let page = views.sessions(query(SearchBy::User, "alice")).await;
    assert!(page.problem.is_some_and(|said| said.contains("it is away")));
    assert_eq!(page.total, None);
    assert!(views.session(&contract::key(1)).await.is_err());
    let plan = views.revoke_plan(SearchBy::User, "alice").await;
    assert!(plan.problem.is_some_and(|said| said.contains("it is away")));
}
