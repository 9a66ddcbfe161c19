//! `GET /api/v1/sessions`: who is signed in, page by page.
//!
//! A call looks at no more than `limit` sessions, however many there are; `next` goes on.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::who::{Named, ProviderName};
use super::{Admin, PAGE};
use crate::clock;
use crate::session::{ListedSession, PageCursor};
use crate::snapshot::Snapshot;

/// Sessions a call looks at, unless it says how many.
const USUAL: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    key: Option<String>,
    sub: Option<String>,
    sid: Option<String>,
    provider: Option<String>,
    user: Option<String>,
    address: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// A page.
#[derive(Debug, Serialize)]
struct Page<'a> {
    sessions: Vec<Row<'a>>,
    /// How many sessions were looked at.
    scanned: usize,
    /// Where to go on; `null` at the end.
    next: Option<String>,
}

/// A session. Times are seconds since 1970.
#[derive(Debug, Serialize)]
struct Row<'a> {
    key: String,
    provider: ProviderRow<'a>,
    user: &'a str,
    sub: &'a str,
    sid: Option<&'a str>,
    origin: crate::session::Origin,
    created: i64,
    /// When its token ends, or the longest that settings allow.
    expires: i64,
    /// When it ends if nobody uses it any more, where there is an idle limit.
    idle_until: Option<i64>,
    seen: i64,
    verified: i64,
    client_address: Option<std::net::IpAddr>,
    user_agent: &'a str,
}

#[derive(Debug, Serialize)]
struct ProviderRow<'a> {
    pk: i64,
    /// `null` where the configuration in effect does not know it.
    name: Option<&'a str>,
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
pub(super) async fn list(
    admin: Data<Admin>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let question = Query::<Question>::from_query(request.query_string())
        .map_err(|error| Problem::wrong(error.to_string()))?
        .into_inner();
    let snapshot = admin.parts.snapshot.load_full();
    let named = Named {
        key: question.key,
        sub: question.sub,
        sid: question.sid,
        provider: question.provider.map(ProviderName::Text),
        user: question.user,
        address: question.address,
    };
    let selection = named.selection(&snapshot.ruleset)?;
    let limit = question.limit.unwrap_or(USUAL);
    if !(1..=PAGE).contains(&limit) {
        return Err(Problem::wrong(format!("limit: must be between 1 and {PAGE}")));
    }
    let from = question.cursor.map(PageCursor);
    let sessions = &admin.parts.sessions;
    let page = sessions.list(selection.as_ref(), from.as_ref(), limit, clock::now()).await?;
    let rows = page.sessions.iter().map(|session| Row::new(session, &snapshot));
    Ok(HttpResponse::Ok().json(Page {
        sessions: rows.collect(),
        scanned: page.sessions.len(),
        next: page.next.map(|cursor| cursor.0),
    }))
}
