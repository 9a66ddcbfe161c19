//! `POST /api/v1/sessions/revoke`: ends sessions, on every replica.
//!
//! By a user name, sessions of the same subjects under other names end, too. What has begun is
//! carried out, whether or not whoever asked waits for the answer.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::model::SearchBy;
use serde::{Deserialize, Serialize};

use super::Api;
use super::problem::Problem;
use super::who::{self, Named, ProviderName};
use crate::clock;
use crate::ops::access::Operator;
use crate::ops::audit::{Deed, Who};
use crate::session::meant::Meant;
use crate::session::{Selection, Sessions, providers_of};

/// What is to end: one of the names, and whether it is only counted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// A session's own key.
    key: Option<String>,
    /// Subject.
    sub: Option<String>,
    /// Session of core.
    sid: Option<String>,
    /// Key in core, name or application of a provider.
    provider: Option<ProviderName>,
    /// User name.
    user: Option<String>,
    /// Address that they were begun from.
    address: Option<String>,
    /// Whether sessions are only counted.
    #[serde(default)]
    dry_run: bool,
}

/// What became of it.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// How many have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<usize>,
    /// How many would end, where they are only counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_end: Option<usize>,
    /// Of a user name: how many subjects have it, and how many sessions were looked at to tell.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    search: Option<Search>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Search {
    /// How many subjects have the user name.
    subjects: usize,
    /// How many sessions were looked at to find them.
    scanned: usize,
}

/// Ends, or counts, what the body names.
pub(super) async fn revoke(
    api: Data<Api>,
    request: HttpRequest,
    Json(order): Json<Order>,
) -> Result<HttpResponse, Problem> {
    let named = Named {
        key: order.key,
        sub: order.sub,
        sid: order.sid,
        provider: order.provider,
        user: order.user,
        address: order.address,
    };
    let meant = named
        .selection(&api.parts.snapshot.load().ruleset)?
        .ok_or_else(|| Problem::wrong("name one of key, sub, sid, provider, user and address"))?;
    // The guard has put it there.
    let operator = Operator::of(&request).ok_or_else(Problem::internal)?;
    let report = if order.dry_run {
        count(&api.parts.sessions, &meant).await?
    } else {
        carried_out(Api::clone(&api), meant, Who::is(&operator)).await?
    };
    Ok(HttpResponse::Ok().json(report))
}

impl Api {
    /// Ends the sessions of this name on behalf of `operator`; how many.
    ///
    /// # Errors
    /// When the name makes no sense, or the store cannot end them; some may have ended then.
    pub(in crate::ops) async fn revoke_named(
        &self,
        by: SearchBy,
        value: String,
        operator: &Operator,
    ) -> Result<usize, Problem> {
        let value = Some(value);
        let named = match by {
            SearchBy::User => Named { user: value, ..Named::default() },
            SearchBy::Sid => Named { sid: value, ..Named::default() },
            SearchBy::Address => Named { address: value, ..Named::default() },
            SearchBy::Provider => {
                Named { provider: value.map(ProviderName::Text), ..Named::default() }
            }
            SearchBy::Sub => Named { sub: value, ..Named::default() },
            SearchBy::Key => Named { key: value, ..Named::default() },
        };
        let meant = named.selection(&self.parts.snapshot.load().ruleset)?;
        let meant =
            meant.ok_or_else(|| Problem::wrong("it is not said whose sessions are meant"))?;
        let report = carried_out(self.clone(), meant, Who::is(operator)).await?;
        Ok(report.ended.unwrap_or_default())
    }
}

/// Ends what is meant in a task of its own: it does not die with the client's connection.
async fn carried_out(api: Api, meant: Selection, who: Who) -> Result<Report, Problem> {
    let task = actix_web::rt::spawn(async move { end(&api, &meant, &who).await });
    task.await.map_err(|error| {
        tracing::error!(%error, "an operator's revocation failed");
        Problem::internal()
    })?
}

async fn end(api: &Api, meant: &Selection, who: &Who) -> Result<Report, Problem> {
    let mut ended = 0;
    let result = end_all(api, meant, &mut ended).await;
    let by = who::by(meant);
    api.parts.metrics.operator_revoked(by, result.is_ok(), ended);
    let failure = result.as_ref().err().map(ToString::to_string);
    let deed = Deed::Ended { by, value: &who::value(meant), count: ended, failure };
    api.parts.audit.tell(who, &deed);
    let search = result?;
    Ok(Report { ended: Some(ended), search, ..Report::default() })
}

/// Ends what is meant, and counts it in `ended`, also when it fails.
async fn end_all(
    api: &Api,
    meant: &Selection,
    ended: &mut usize,
) -> Result<Option<Search>, Problem> {
    let mut gone = Vec::new();
    let looked = api.parts.sessions.end_meant(meant, clock::now(), &mut gone).await;
    *ended += gone.len();
    for provider in providers_of(&gone) {
        (api.parts.changed)(provider);
    }
    Ok(Search::of(meant, &looked?))
}

async fn count(sessions: &Sessions, meant: &Selection) -> Result<Report, Problem> {
    let (would_end, search) = match meant {
        Selection::Provider(pk) => (sessions.count(Some(*pk), clock::now()).await?, None),
        meant => {
            let looked = sessions.look_at_meant(meant, clock::now(), |_| {}).await?;
            (looked.count, Search::of(meant, &looked))
        }
    };
    Ok(Report { would_end: Some(would_end), search, ..Report::default() })
}

impl Search {
    /// What is told of the search by a user name.
    fn of(meant: &Selection, looked: &Meant) -> Option<Self> {
        let by_name = matches!(meant, Selection::User(_));
        by_name.then_some(Self { subjects: looked.subjects.len(), scanned: looked.scanned })
    }
}
