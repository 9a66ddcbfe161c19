//! Whom an order to end sessions means: of a user, the person and not the name alone.
//!
//! A user may have been renamed, or be called otherwise by another provider's mapping, or not at
//! all. Whoever signs a user out means all of these: the sessions of the name, and those of every
//! subject among them.

use std::collections::{BTreeSet, HashSet};

use outpost_decision::time::Timestamp;

use super::{
    EndedSession, ListedSession, PageCursor, Selection, SessionPage, Sessions, StoreError,
};

/// Sessions looked at in one go.
const PAGE: usize = 1000;

/// What was found by looking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meant {
    /// How many sessions are meant, those that cannot be read included: they end, too.
    pub count: usize,
    /// By a user name: whose they are.
    pub subjects: BTreeSet<String>,
    /// By a user name: how many sessions were looked at to find the subjects.
    pub scanned: usize,
}

impl Sessions {
    /// Looks at every session that [`Sessions::end_meant`] would end, each once: in pages, so that
    /// it takes the longer the more there are, but never more memory than their subjects.
    ///
    /// # Errors
    /// When the store cannot tell of all of them.
    pub async fn look_at_meant(
        &self,
        selection: &Selection,
        now: Timestamp,
        mut each: impl FnMut(&ListedSession),
    ) -> Result<Meant, StoreError> {
        self.complete(selection).await?;
        let (mut meant, mut unreadable) = (Meant::default(), HashSet::new());
        self.each_page(selection, now, |page| {
            meant.take(selection, &page);
            meant.count += page.sessions.len();
            page.sessions.iter().for_each(&mut each);
            unreadable.extend(page.unreadable);
        })
        .await?;
        if let Selection::User(name) = selection {
            for sub in &meant.subjects {
                let theirs = Selection::Subject(sub.clone());
                self.each_page(&theirs, now, |page| {
                    // Those of the name have been looked at.
                    for other in page.sessions.iter().filter(|it| it.about.user != *name) {
                        meant.count += 1;
                        each(other);
                    }
                    unreadable.extend(page.unreadable);
                })
                .await?;
            }
        }
        meant.count += unreadable.len();
        Ok(meant)
    }

    /// Ends the sessions that are meant by `selection`, on behalf of an operator, and tells of them
    /// in `ended`, also when it fails. What is given counts no sessions.
    ///
    /// # Errors
    /// When not all of them could be found or ended; what could be has ended.
    pub async fn end_meant(
        &self,
        selection: &Selection,
        now: Timestamp,
        ended: &mut Vec<EndedSession>,
    ) -> Result<Meant, StoreError> {
        let mut meant = Meant::default();
        if !matches!(selection, Selection::User(_)) {
            ended.extend(self.end(selection).await?);
            return Ok(meant);
        }
        let mut looked = self.complete(selection).await;
        if looked.is_ok() {
            looked = self.each_page(selection, now, |page| meant.take(selection, &page)).await;
        }
        // Subjects first: whoever has to try again finds them while the name has sessions.
        for sub in &meant.subjects {
            ended.extend(self.end(&Selection::Subject(sub.clone())).await?);
        }
        // The name does not depend on what could be read.
        ended.extend(self.end(selection).await?);
        looked.map(|()| meant)
    }

    async fn each_page(
        &self,
        selection: &Selection,
        now: Timestamp,
        mut each: impl FnMut(SessionPage),
    ) -> Result<(), StoreError> {
        let mut from: Option<PageCursor> = None;
        loop {
            let mut page = self.list(Some(selection), from.as_ref(), PAGE, now).await?;
            from = page.next.take();
            each(page);
            if from.is_none() {
                return Ok(());
            }
        }
    }
}

impl Meant {
    /// Notes the subjects of a page by a user name.
    fn take(&mut self, selection: &Selection, page: &SessionPage) {
        if matches!(selection, Selection::User(_)) {
            let subjects = page.sessions.iter().map(|session| &session.about.sub);
            // No subject is nobody's.
            self.subjects.extend(subjects.filter(|sub| !sub.is_empty()).cloned());
            self.scanned += page.sessions.len() + page.unreadable.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::Session;
    use crate::session::contract::{id, key, present, session};
    use crate::session::memory::MemoryStore;

    async fn sessions() -> Sessions {
        let sessions = Sessions::new(Arc::new(MemoryStore::new(100)));
        let named = |sub: &str, user: &str| {
            let mut session: Session = session(7, sub, None, present().plus(1000));
            session.about.user = user.to_owned();
            session
        };
        for (n, session) in (1..).zip([
            named("one", "alice"),
            named("one", "alice-as-she-was"),
            named("one", ""),
            named("two", "alice"),
            named("two", "alice"),
            named("bob", "bob"),
            named("", "alice"),
            named("", "daemon"),
        ]) {
            assert!(sessions.begin(&id(n), session, present()).await.unwrap().is_some());
        }
        sessions
    }

    #[actix_rt::test]
    async fn a_user_is_signed_out_of_what_was_begun_under_other_names_too() {
        let sessions = sessions().await;
        let alice = Selection::User("alice".to_owned());
        let mut seen = Vec::new();
        let looked = sessions.look_at_meant(&alice, present(), |it| seen.push(it.key)).await;
        let looked = looked.unwrap();
        assert_eq!((looked.count, looked.scanned), (6, 4));
        assert_eq!(looked.subjects.iter().collect::<Vec<_>>(), ["one", "two"]);
        let mut ended = Vec::new();
        let meant = sessions.end_meant(&alice, present(), &mut ended).await.unwrap();
        assert_eq!((meant.subjects, meant.scanned), (looked.subjects, 4));
        let mut ended: Vec<_> = ended.into_iter().map(|it| it.key).collect();
        ended.sort();
        seen.sort();
        assert_eq!(ended, seen, "what was counted has ended, each once");
        let left = sessions.list(None, None, 10, present()).await.unwrap().sessions;
        let mut left: Vec<_> = left.into_iter().map(|it| it.key).collect();
        let mut others = vec![key(6), key(8)];
        left.sort();
        others.sort();
        assert_eq!(left, others, "nobody else, and no subject is nobody's");
    }

    #[actix_rt::test]
    async fn other_orders_mean_what_they_say() {
        let sessions = sessions().await;
        let one = Selection::Subject("one".to_owned());
        let looked = sessions.look_at_meant(&one, present(), |_| {}).await.unwrap();
        assert_eq!(looked, Meant { count: 3, ..Meant::default() });
        let mut ended = Vec::new();
        assert_eq!(sessions.end_meant(&one, present(), &mut ended).await, Ok(Meant::default()));
        assert_eq!(ended.len(), 3);
    }
}
