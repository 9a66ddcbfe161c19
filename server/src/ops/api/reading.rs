//! What the pages show, as JSON: the very same read models.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use outpost_dashboard::model::{DecisionFilter, Outcome};
use serde::Deserialize;

use super::asked::{count, query};
use super::problem::Problem;
use super::{Api, openapi};
use crate::ops::questions::FleetDecision;
use crate::session::SessionKey;

/// What is asked about a provider.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Trying {
    /// A path with a query, or a URL, to be tried against the provider's skip rules.
    r#try: Option<String>,
}

/// Which decisions are wanted. What is left out asks for all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    /// Key of the provider in core.
    provider: String,
    /// `allowed`, `sign_in`, `denied` or `failed`.
    outcome: String,
    /// Stable name of a reason.
    reason: String,
    /// The user name.
    user: String,
    /// Part of host, path and query.
    path: String,
    /// The client's address, or how it begins.
    address: String,
    /// Only those made after the one of this number: `latest` of the answer before.
    after: Option<u64>,
    /// How many at most: 100, unless said otherwise; no more than 1000.
    limit: Option<usize>,
}

pub(super) async fn overview(api: Data<Api>) -> HttpResponse {
    HttpResponse::Ok().json(api.parts.views.overview())
}

pub(super) async fn providers(api: Data<Api>) -> HttpResponse {
    HttpResponse::Ok().json(api.parts.views.providers())
}

pub(super) async fn provider(
    api: Data<Api>,
    pk: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let question: Trying = query(&request)?;
    let found =
        pk.parse().ok().and_then(|key| api.parts.views.provider(key, question.r#try.as_deref()));
    let found = found.ok_or_else(|| Problem::unknown_provider(&pk))?;
    Ok(HttpResponse::Ok().json(found))
}

pub(super) async fn session(api: Data<Api>, key: Path<String>) -> Result<HttpResponse, Problem> {
    let key = SessionKey::parse(&key).ok_or_else(Problem::no_session)?;
    let found = api.parts.views.session(&key).await?.ok_or_else(Problem::no_session)?;
    Ok(HttpResponse::Ok().json(found))
}

pub(super) async fn decisions(
    api: Data<Api>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let Wanted { provider, outcome, reason, user, path, address, after, limit } = query(&request)?;
    if !outcome.is_empty() && !Outcome::ALL.iter().any(|known| known.code() == outcome) {
        let known = Outcome::ALL.map(Outcome::code).join(", ");
        return Err(Problem::wrong(format!("outcome: must be one of {known}")));
    }
    let limit = count(limit)?;
    let filter = DecisionFilter { provider, outcome, reason, user, path, address };
    Ok(HttpResponse::Ok().json(api.parts.views.decisions(&filter, after, limit)))
}

pub(super) async fn decision(api: Data<Api>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let views = &api.parts.views;
    if let Some(found) = views.decision(&id) {
        return Ok(HttpResponse::Ok().json(found));
    }
    match views.fleet_decision(&id).await {
        FleetDecision::Found(found) => Ok(HttpResponse::Ok().json(found)),
        // No failure: the same call finds the answer in a moment.
        FleetDecision::Asking => Ok(Problem::asking().error_response()),
        FleetDecision::Nobody => Err(Problem::no_decision()),
        FleetDecision::Away(error) => Err(Problem::nobody_to_ask(&error)),
    }
}

pub(super) async fn doctor(api: Data<Api>) -> HttpResponse {
    HttpResponse::Ok().json(api.parts.views.doctor())
}

pub(super) async fn fleet(api: Data<Api>) -> HttpResponse {
    HttpResponse::Ok().json(api.parts.views.fleet())
}

/// The description of all calls.
pub(super) async fn description() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::DOCUMENT)
}
