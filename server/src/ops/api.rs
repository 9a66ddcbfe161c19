//! The operators' API, mounted on the listener of their pages: what those show ([`reading`],
//! [`explaining`]), who is signed in ([`listing`]), and signing out ([`revoking`]).
//!
//! All calls stand in one table ([`calls`]) and are described ([`openapi`]); who may ask is said in
//! [`access`](super::access). Answers are JSON; what goes wrong is a [`problem::Problem`]. No
//! answer holds a token, a claim or a cookie.

mod asked;
mod calls;
mod explaining;
mod listing;
mod openapi;
mod problem;
mod reading;
mod revoking;
#[cfg(test)]
mod tests;
mod who;

use std::fmt;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse, fn_service};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, JsonConfig, ServiceConfig};
use actix_web::{Error, HttpMessage, ResponseError};
use outpost_dashboard::model::Role;

use self::problem::Problem;
use super::access::{Access, Asking, Operator};
use super::audit::Audit;
use super::dashboard::URL_BYTES;
use super::dashboard::answers::lock_down;
use super::metrics::Metrics;
use super::views::Views;
use crate::publish::Published;
use crate::session::Sessions;
use crate::snapshot::Snapshot;

/// Path below which the API answers.
pub const PREFIX: &str = "/api/v1";

/// Longest body, in bytes.
const BODY_BYTES: usize = 8192;

/// Most sessions that one call looks at.
pub const PAGE: usize = 1000;

/// What the API stands on.
pub struct ApiParts {
    /// The sessions.
    pub sessions: Sessions,
    /// For names of providers.
    pub snapshot: Published<Snapshot>,
    /// Revocations are counted here.
    pub metrics: Arc<Metrics>,
    /// Who may ask.
    pub access: Arc<Access>,
    /// What is shown.
    pub views: Views,
    /// What operators do is told here.
    pub audit: Audit,
    /// Told of the key of each provider whose sessions have ended here.
    pub changed: Arc<dyn Fn(i64) + Send + Sync>,
}

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    parts: Arc<ApiParts>,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("access", &self.parts.access).finish_non_exhaustive()
    }
}

impl Api {
    /// The API over `parts`.
    #[must_use]
    pub fn new(parts: ApiParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Routes of the dashboard listener, all below [`PREFIX`] but the description of them. To be
    /// mounted before the page, which answers nobody under foreign names.
    pub fn configure(&self, config: &mut ServiceConfig) {
        let json = JsonConfig::default()
            .limit(BODY_BYTES)
            .error_handler(|error, _| Problem::unreadable_body(&error).into());
        let nothing = fn_service(async |request: ServiceRequest| {
            Ok(request.into_response(Problem::no_such_thing().error_response()))
        });
        let api = web::scope(PREFIX)
            .app_data(Data::new(self.clone()))
            .app_data(json)
            .configure(|config| calls::all().into_iter().for_each(|call| call.mount(config)))
            .default_service(nothing)
            .wrap(from_fn(guarded));
        let description = web::resource(openapi::PATH)
            .app_data(Data::new(self.clone()))
            .route(web::get().to(reading::description))
            .wrap(from_fn(guarded));
        config.service(api).service(description);
    }

    /// Who asks, if they may.
    async fn operator(&self, request: &ServiceRequest) -> Result<Operator, Problem> {
        let asking = Asking::of_service(request);
        let (client, reads) = (
            self.parts.access.client(asking),
            matches!(*request.method(), Method::GET | Method::HEAD),
        );
        let role = if reads { Role::View } else { Role::Act };
        let called = self.parts.access.call(asking).await;
        let operator = called.and_then(|operator| operator.may(role).map(|()| operator));
        let operator = operator.inspect_err(|refusal| {
            Audit::refused(client, request.path(), *refusal);
        })?;
        let long = request.uri().path_and_query().map_or(0, |asked| asked.as_str().len());
        if long > URL_BYTES { Err(Problem::long_url()) } else { Ok(operator) }
    }
}

/// Looks at who asks before anything else, and locks every answer down.
async fn guarded(
    api: Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut answer = match api.operator(&request).await {
        Err(problem) => request.into_response(problem.error_response()).map_into_boxed_body(),
        Ok(operator) => {
            request.extensions_mut().insert(operator);
            next.call(request).await?.map_into_boxed_body()
        }
    };
    lock_down(answer.headers_mut());
    Ok(answer)
}
