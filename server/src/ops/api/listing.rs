//! `GET /api/v1/sessions`: who is signed in, page by page.
//!
//! A call looks at no more than `limit` sessions, however many there are; `next` goes on.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};

use super::Api;
use super::asked::{count, query};
use super::problem::Problem;
use super::who::{Named, ProviderName};
use crate::clock;
use crate::session::{ListedSession, PageCursor};
use crate::snapshot::Snapshot;

/// Which sessions are wanted: by one of these names, or all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// The session's own key.
    key: Option<String>,
    /// Subject.
    sub: Option<String>,
    /// Session of core.
    sid: Option<String>,
    /// Key in core, name or application of a provider.
    provider: Option<String>,
    /// User name.
    user: Option<String>,
    /// Address it was begun from.
    address: Option<String>,
    /// How many sessions are looked at; no more than 1000.
    limit: Option<usize>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// A page.
#[derive(Debug, Serialize)]
struct Page<'a> {
    /// In an order of the store's that new sessions do not disturb.
    sessions: Vec<Row<'a>>,
    /// How many sessions were looked at.
    scanned: usize,
    /// Where to go on; `null` at the end.
    next: Option<String>,
}

/// A session. Times are seconds since 1970.
#[derive(Debug, Serialize)]
struct Row<'a> {
    /// Its key: a hash, of no use to sign in with.
    key: String,
    /// Its provider.
    provider: ProviderRow<'a>,
    /// User name.
    user: &'a str,
    /// Subject.
    sub: &'a str,
    /// Session of core, where it hangs on one.
    sid: Option<&'a str>,
    /// How it came to be.
    origin: crate::session::Origin,
    /// When it came to be.
    created: i64,
    /// When its token ends, or the longest that settings allow.
    expires: i64,
    /// When it ends if nobody uses it any more, where there is an idle limit.
    idle_until: Option<i64>,
    /// When it was last used, as far as the store has been told.
    seen: i64,
    /// When core last vouched for it.
    verified: i64,
    /// Address it was begun from.
    client_address: Option<std::net::IpAddr>,
    /// User agent it was begun with.
    user_agent: &'a str,
}

/// Provider of a session.
#[derive(Debug, Serialize)]
struct ProviderRow<'a> {
    /// Its key in core.
    pk: i64,
    /// `null` where the configuration in effect does not know it.
    name: Option<&'a str>,
    /// Slug of its application.
    application: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn new(session: &'a ListedSession, snapshot: &'a Snapshot) -> Self {
        let about = &session.about;
        let provider = snapshot.ruleset.provider(about.provider);
        Self {
            key: session.key.to_string(),
            provider: ProviderRow {
                pk: about.provider,
                name: provider.map(|it| it.name.as_str()),
                application: provider.map(|it| it.application_slug.as_str()),
            },
            user: &about.user,
            sub: &about.sub,
            sid: about.sid.as_deref(),
            origin: about.origin,
            created: about.created.0,
            expires: about.expires.0,
            idle_until: about.idle_until(session.seen).map(|at| at.0),
            seen: session.seen.0,
            verified: about.verified.0,
            client_address: about.client_address,
            user_agent: &about.user_agent,
        }
    }
}

/// Answers the question in the query.
pub(super) async fn list(api: Data<Api>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let question: Question = query(&request)?;
    let snapshot = api.parts.snapshot.load_full();
    let named = Named {
        key: question.key,
        sub: question.sub,
        sid: question.sid,
        provider: question.provider.map(ProviderName::Text),
        user: question.user,
        address: question.address,
    };
    let selection = named.selection(&snapshot.ruleset)?;
    let limit = count(question.limit)?;
    let from = question.cursor.map(PageCursor);
    let sessions = &api.parts.sessions;
    let page = sessions.list(selection.as_ref(), from.as_ref(), limit, clock::now()).await?;
    let rows = page.sessions.iter().map(|session| Row::new(session, &snapshot));
    Ok(HttpResponse::Ok().json(Page {
        sessions: rows.collect(),
        scanned: page.sessions.len() + page.unreadable.len(),
        next: page.next.map(|cursor| cursor.0),
    }))
}
