//! `POST /api/v1/sessions/revoke`: ends sessions, on every replica.
//!
//! What has begun is carried out, whether or not whoever asked waits for the answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::who::{Named, ProviderName, Who};
use super::{Admin, PAGE};
use crate::clock;
use crate::session::{PageCursor, Selection, SessionPage, Sessions, providers_of};

/// Most subjects that one user name may have. One person has one, or one for each provider where
/// those tell subjects differently.
const SUBJECTS: usize = 1000;

/// What is to end: one of the names, and whether it is only counted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    key: Option<String>,
    sub: Option<String>,
    sid: Option<String>,
    provider: Option<ProviderName>,
    user: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// What became of it.
#[derive(Debug, Default, Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_end: Option<usize>,
    /// Of a user name: how many subjects have it, and how many sessions were looked at to find
    /// them.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    search: Option<Search>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Search {
    subjects: usize,
    scanned: usize,
}

/// Ends, or counts, what the body names.
pub(super) async fn revoke(
    admin: Data<Admin>,
    request: HttpRequest,
    Json(order): Json<Order>,
) -> Result<HttpResponse, Problem> {
    let named = Named {
        key: order.key,
        sub: order.sub,
        sid: order.sid,
        provider: order.provider,
        user: order.user,
    };
    let who = Who::named(named, &admin.parts.snapshot.load().ruleset)?
        .ok_or_else(|| Problem::wrong("name one of key, sub, sid, provider and user"))?;
    let peer = request.peer_addr().map(|peer| peer.ip());
    // A task of its own: it does not die with the client's connection.
    let task = actix_web::rt::spawn(async move {
        if order.dry_run {
            count(&admin.parts.sessions, who).await
        } else {
            end(&admin, who, peer).await
        }
    });
    let report = task.await.map_err(|error| {
        tracing::error!(%error, "an operator's revocation failed");
        Problem::internal()
    })??;
    Ok(HttpResponse::Ok().json(report))
}

async fn end(admin: &Admin, who: Who, peer: Option<IpAddr>) -> Result<Report, Problem> {
    let by = who.by();
    let mut ended = 0;
    let result = end_all(admin, &who, &mut ended).await;
    admin.parts.metrics.operator_revoked(by, result.is_ok(), ended);
    match &result {
        Ok(_) => tracing::info!(?who, ?peer, ended, "an operator ended sessions"),
        Err(error) => {
            tracing::error!(?who, ?peer, ended, %error, "an operator's revocation failed; some sessions may have ended");
        }
    }
    let search = result?;
    Ok(Report { ended: Some(ended), search, ..Report::default() })
}

/// Ends what is meant, and counts in `ended` also what had ended before a failure.
async fn end_all(admin: &Admin, who: &Who, ended: &mut usize) -> Result<Option<Search>, Problem> {
    let (selections, search) = selections(&admin.parts.sessions, who).await?;
    for selection in selections {
        let gone = admin.parts.sessions.end(&selection).await?;
        *ended += gone.len();
        for provider in providers_of(&gone) {
            (admin.parts.changed)(provider);
        }
    }
    Ok(search)
}

async fn count(sessions: &Sessions, who: Who) -> Result<Report, Problem> {
    let (selections, search) = selections(sessions, &who).await?;
    let mut would_end = 0;
    for selection in &selections {
        would_end += match selection {
            Selection::Provider(pk) => sessions.count(Some(*pk), clock::now()).await?,
            selection => {
                let mut found = 0;
                each_page(sessions, Some(selection), |page| {
                    found += page.sessions.len();
                    Ok(())
                })
                .await?;
                found
            }
        };
    }
    Ok(Report { would_end: Some(would_end), search, ..Report::default() })
}

/// What stores can find of `who`. For a user name all sessions are looked at, a page at a time:
/// that takes the longer the more there are, but never more memory.
async fn selections(
    sessions: &Sessions,
    who: &Who,
) -> Result<(Vec<Selection>, Option<Search>), Problem> {
    let user = match who {
        Who::Of(selection) => return Ok((vec![selection.clone()], None)),
        Who::User(user) => user,
    };
    let mut subjects = BTreeSet::new();
    let mut scanned = 0;
    each_page(sessions, None, |page| {
        scanned += page.sessions.len();
        let of_user = page.sessions.into_iter().filter(|session| session.about.user == *user);
        subjects.extend(of_user.map(|session| session.about.sub));
        if subjects.len() > SUBJECTS { Err(Problem::many_subjects(SUBJECTS)) } else { Ok(()) }
    })
    .await?;
    let search = Search { subjects: subjects.len(), scanned };
    Ok((subjects.into_iter().map(Selection::Subject).collect(), Some(search)))
}

async fn each_page(
    sessions: &Sessions,
    selection: Option<&Selection>,
    mut look: impl FnMut(SessionPage) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut from: Option<PageCursor> = None;
    loop {
        let mut page = sessions.list(selection, from.as_ref(), PAGE, clock::now()).await?;
        from = page.next.take();
        look(page)?;
        if from.is_none() {
            return Ok(());
        }
    }
}
