//! The operators' pages, mounted: who may ask ([`access`](super::access)), which page is meant
//! ([`asked`]), what stands on it ([`found`]).
//!
//! Every answer is locked down by its headers ([`answers`]); pages hold no script or style
//! themselves, but ask for files ([`files`]).

pub(in crate::ops) mod answers;
mod asked;
mod files;
mod found;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use outpost_dashboard::model::Shell;
use outpost_dashboard::page;

use self::asked::{Asked, Fields};
use self::found::Found;
use super::access::{Access, Operator, Refusal};
use super::views::Views;

/// Longest path and query, in bytes: room for the headers of an explained request.
const URL_BYTES: usize = 16 * 1024;

/// What the pages stand on.
pub struct DashboardParts {
    /// What they show.
    pub views: Views,
    /// Who may see them.
    pub access: Arc<Access>,
}

/// The dashboard. Cheap to clone.
#[derive(Clone)]
pub struct Dashboard {
    parts: Arc<DashboardParts>,
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard").field("access", &self.parts.access).finish_non_exhaustive()
    }
}

impl Dashboard {
    /// The pages over `parts`.
    #[must_use]
    pub fn new(parts: DashboardParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Routes of the dashboard listener: all that no other has taken.
    pub fn configure(&self, config: &mut ServiceConfig) {
        let pages = web::scope("")
            .app_data(Data::new(self.clone()))
            .default_service(web::to(show))
            .wrap(from_fn(guarded));
        config.service(pages);
    }

    /// Who asks, if they may see pages at all.
    fn operator(&self, request: &HttpRequest) -> Result<Operator, Refusal> {
        let peer = request.peer_addr().map(|peer| peer.ip());
        self.parts.access.page(peer, request.method(), request.headers())
    }

    /// What stands around a page that `operator` sees.
    fn shell(&self, operator: &Operator) -> Shell {
        self.parts.views.shell(operator.viewer())
    }
}

/// Locks every answer down.
async fn guarded(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let long = request.uri().path_and_query().map_or(0, |asked| asked.as_str().len());
    let mut answer = if long > URL_BYTES {
        request.into_response(answers::say(
            StatusCode::URI_TOO_LONG,
            "Too long",
            &format!("The path and query are longer than {URL_BYTES} bytes."),
            "",
        ))
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    answers::lock_down(answer.headers_mut());
    Ok(answer)
}

/// A file or a page.
async fn show(dashboard: Data<Dashboard>, request: HttpRequest) -> HttpResponse {
    let operator = match dashboard.operator(&request) {
        Ok(operator) => operator,
        Err(refusal) => return refused(&request, refusal),
    };
    let asset = files::find(request.path());
    let asked = Asked::read(request.path(), request.query_string());
    if asset.is_none() && asked.is_none() {
        return answers::not_found();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answers::other_method(request).await;
    }
    match (asset, asked) {
        (Some(asset), _) => files::serve(&request, asset),
        (None, Some(asked)) => show_page(&dashboard, &request, &operator, &asked).await,
        (None, None) => answers::not_found(),
    }
}

async fn show_page(
    dashboard: &Dashboard,
    request: &HttpRequest,
    operator: &Operator,
    asked: &Asked,
) -> HttpResponse {
    if operator.role < asked.role() {
        return may_not_act();
    }
    match found::find(&dashboard.parts.views, asked, None).await {
        Found::Page(page) => {
            let mut shell = dashboard.shell(operator);
            if matches!(asked, Asked::Sessions(_)) {
                shell.done = ended(request.query_string());
            }
            answers::document(StatusCode::OK, page::render(&shell, &*page))
        }
        Found::Nothing(message) => answers::message(StatusCode::NOT_FOUND, &message),
        Found::Away(message) => answers::message(StatusCode::SERVICE_UNAVAILABLE, &message),
    }
}

/// What a revocation came to, from the number alone: anybody can make a link.
fn ended(query: &str) -> Option<String> {
    let count: usize = Fields::read(query).some("ended")?.parse().ok()?;
    Some(match count {
        1 => "1 session was ended, on every replica.".to_owned(),
        count => format!("{count} sessions were ended, on every replica."),
    })
}

fn may_not_act() -> HttpResponse {
    answers::say(
        StatusCode::FORBIDDEN,
        "Not for you",
        "You may look, and this changes something.",
        "Ask somebody who may act, or sign in as one.",
    )
}

fn refused(request: &HttpRequest, refusal: Refusal) -> HttpResponse {
    tracing::warn!(peer = ?request.peer_addr(), ?refusal, "an operators' page was refused");
    let status = match refusal {
        Refusal::Host => StatusCode::MISDIRECTED_REQUEST,
        _ => StatusCode::FORBIDDEN,
    };
    answers::say(status, "Not from here", &format!("{refusal}."), refusal.remedy())
}
