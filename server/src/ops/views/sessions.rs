//! Sessions, from the store. What cannot be told is said in words, never shown as an empty list:
//! nobody may take a store that is away for an outpost without users.

mod named;
#[cfg(test)]
mod tests;

use outpost_dashboard::model::{
    RevokePlan, SearchBy, SessionPage, SessionQuery, SessionRow, Sessions,
};
use outpost_decision::time::Timestamp;

use self::named::Named;
use super::Views;
use crate::clock;
use crate::session::{ListedSession, Origin, PageCursor, Selection, SessionKey, StoreError};

/// Sessions on a page.
const PAGE: usize = 50;

/// Other sessions of a user on a session's page.
const OTHERS: usize = 50;

/// Sessions shown of those that a revocation would end.
const SAMPLE: usize = 10;

impl Views {
    /// A page of sessions. What is wrong with the question, and a store that is away, is said in
    /// it.
    pub async fn sessions(&self, query: SessionQuery) -> Sessions {
        let now = clock::now();
        let mut page =
            Sessions { now: now.0, providers: self.provider_refs(), query, ..Sessions::default() };
        let selection = match self.named(page.query.by, &page.query.value) {
            Ok(named) => named.map(|named| named.selection),
            Err(problem) => return Sessions { problem: Some(problem), ..page },
        };
        let sessions = &self.parts.sessions;
        let cursor = page.query.cursor.clone().map(PageCursor);
        match sessions.list(selection.as_ref(), cursor.as_ref(), PAGE, now).await {
            Ok(found) => {
                page.rows = found.sessions.iter().map(|session| self.row(session)).collect();
                page.next = found.next.map(|next| next.0);
            }
            Err(error) => page.problem = Some(problem(&error)),
        }
        page.total = sessions.count(None, now).await.ok();
        page
    }

    /// One session, while it lives.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn session(&self, key: &SessionKey) -> Result<Option<SessionPage>, StoreError> {
        let now = clock::now();
        let sessions = &self.parts.sessions;
        let one = Selection::Key(*key);
        let found = sessions.list(Some(&one), None, 1, now).await?.sessions;
        let Some(session) = found.first() else { return Ok(None) };
        let about = &session.about;
        let theirs = match about.user.as_str() {
            "" => Selection::Subject(about.sub.clone()),
            user => Selection::User(user.to_owned()),
        };
        // One of them is the one shown.
        let others = sessions.list(Some(&theirs), None, OTHERS + 1, now).await?.sessions;
        let others = others
            .iter()
            .filter(|other| other.key != session.key && other.about.sub == about.sub)
            .take(OTHERS)
            .map(|other| self.row(other))
            .collect();
        Ok(Some(SessionPage { now: now.0, row: self.row(session), others }))
    }

    /// What revoking would end.
    pub async fn revoke_plan(&self, by: SearchBy, value: &str) -> RevokePlan {
        let plan = RevokePlan {
            now: clock::now().0,
            by,
            value: value.to_owned(),
            ..RevokePlan::default()
        };
        let named = match self.named(by, value) {
            Ok(Some(named)) => named,
            Ok(None) => {
                let missing = "Say whose sessions are meant: all at once are never ended here.";
                return RevokePlan { problem: Some(missing.to_owned()), ..plan };
            }
            Err(problem) => return RevokePlan { problem: Some(problem), ..plan },
        };
        let plan = RevokePlan { label: named.label, ..plan };
        match self.count(&named.selection).await {
            Ok((count, sample)) => RevokePlan { count, sample, ..plan },
            Err(error) => RevokePlan { problem: Some(problem(&error)), ..plan },
        }
    }

    fn named(&self, by: SearchBy, value: &str) -> Result<Option<Named>, String> {
        Named::of(by, value, &self.parts.snapshot.load().ruleset)
    }

    /// How many sessions are meant, and some of them. Cost grows with their number, but for those of
    /// a provider, which the store has counted.
    async fn count(&self, selection: &Selection) -> Result<(usize, Vec<SessionRow>), StoreError> {
        let sessions = &self.parts.sessions;
        if let Selection::Provider(pk) = selection {
            let now = clock::now();
            let some = sessions.list(Some(selection), None, SAMPLE, now).await?.sessions;
            let sample = some.iter().map(|session| self.row(session)).collect();
            return Ok((sessions.count(Some(*pk), now).await?, sample));
        }
        let mut sample = Vec::new();
        let take = |session: &ListedSession| {
            if sample.len() < SAMPLE {
                sample.push(self.row(session));
            }
        };
        let meant = sessions.look_at_meant(selection, clock::now(), take).await?;
        Ok((meant.count, sample))
    }

    fn row(&self, session: &ListedSession) -> SessionRow {
        let ListedSession { key, about, seen } = session;
        let idle = |until: Timestamp| until.min(about.expires).0;
        SessionRow {
            key: key.to_string(),
            user: about.user.clone(),
            sub: about.sub.clone(),
            sid: about.sid.clone(),
            provider: self.provider_ref(about.provider),
            origin: match about.origin {
                Origin::SignIn => "sign_in",
                Origin::Header => "header",
            }
            .to_owned(),
            created: about.created.0,
            seen: seen.0,
            verified: about.verified.0,
            expires: about.expires.0,
            idle_until: about.idle_until(*seen).map(idle),
            client_address: about.address().map(|address| address.to_string()),
            user_agent: about.user_agent.to_string(),
        }
    }
}

/// Why the store did not tell, for people.
fn problem(error: &StoreError) -> String {
    match error {
        StoreError::NoSuchPage => {
            "There is no such page: the list begins at its first one.".to_owned()
        }
        error => format!(
            "Who is signed in cannot be told: {error}. Nothing is known of sessions until it is back."
        ),
    }
}
