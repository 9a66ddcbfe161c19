//! The operators' pages, mounted: who may ask ([`access`](super::access)), which page is meant
//! ([`asked`]), what stands on it ([`found`]).
//!
//! Every answer is locked down by its headers ([`answers`]); pages hold no script or style
//! themselves, but ask for files ([`files`]).

pub(in crate::ops) mod answers;
mod asked;
mod core;
mod entrance;
mod files;
mod forms;
mod found;
mod live;
mod looks;
mod revoking;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse, Resource};
use outpost_dashboard::model::Shell;
use outpost_dashboard::page;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::asked::{Asked, Fields};
pub use self::core::{ClientParts, CoreDoor, operators_client};
use self::found::{Found, Reader};
pub use self::live::LiveParts;
use self::looks::Looks;
use super::access::{Access, Asking, Operator, Refusal};
use super::api::Api;
use super::audit::Audit;
use super::views::Views;

/// Longest path and query, in bytes: room for the headers of an explained request.
pub(super) const URL_BYTES: usize = 16 * 1024;

/// What the pages stand on.
pub struct DashboardParts {
    /// What they show.
    pub views: Views,
    /// Who may see them.
    pub access: Arc<Access>,
    /// How they are kept up to date.
    pub live: LiveParts,
    /// What their buttons do.
    pub api: Api,
    /// Where it is told.
    pub audit: Audit,
    /// The way in through core, where there is one.
    pub core: Option<CoreDoor>,
}

/// The dashboard. Cheap to clone.
#[derive(Clone)]
pub struct Dashboard {
    parts: Arc<DashboardParts>,
    looks: Arc<Looks>,
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
        Self { parts: Arc::new(parts), looks: Arc::default() }
    }

    /// Routes of the dashboard listener: all that no other has taken.
    pub fn configure(&self, config: &mut ServiceConfig) {
        if let Some(door) = &self.parts.core {
            config.app_data(Data::new(core::BackChannel((door.oidc)())));
        }
        let pages = web::scope("")
            .app_data(Data::new(self.clone()))
            .service(only("/live").route(web::get().to(live::open)))
            .service(
                only("/sign-in")
                    .route(web::get().to(entrance::page))
                    .route(web::head().to(entrance::page))
                    .route(web::post().to(entrance::by_token)),
            )
            .service(only("/sign-in/core").route(web::get().to(core::begin)))
            .service(only("/sign-in/callback").route(web::get().to(core::finish)))
            .service(only("/sign-out").route(web::post().to(entrance::leave)))
            .service(
                only("/sessions/revoke")
                    .route(web::get().to(show))
                    .route(web::head().to(show))
                    .route(web::post().to(revoking::revoke)),
            )
            .default_service(web::to(show))
            .wrap(from_fn(guarded));
        config.service(pages);
    }

    /// Who asks, if they may see pages at all.
    async fn operator(&self, request: &HttpRequest) -> Result<Operator, Refusal> {
        self.parts.access.page(Asking::of(request)).await
    }

    /// What stands around a page that `operator` sees.
    fn shell(&self, operator: &Operator) -> Shell {
        self.parts.views.shell(operator.viewer())
    }
}

/// A path of ours; other methods than those it has get a page that says so.
fn only(path: &str) -> Resource {
    web::resource(path).default_service(web::to(answers::other_method))
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
    let access = &dashboard.parts.access;
    if let Err(refusal) = access.entrance(Asking::of(&request)) {
        return refused(&request, refusal);
    }
    let asset = files::find(request.path());
    let asked = Asked::read(request.path(), request.query_string());
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match (asset, asked) {
        (None, None) => answers::not_found(),
        _ if !reads => answers::other_method(request).await,
        // Files are for everybody: the entrance needs them.
        (Some(asset), _) => files::serve(&request, asset),
        (None, Some(asked)) => match dashboard.operator(&request).await {
            Ok(operator) => show_page(&dashboard, &request, &operator, &asked).await,
            Err(Refusal::SignIn) => to_entrance(&request),
            Err(refusal) => refused(&request, refusal),
        },
    }
}

/// The way to the entrance, and back from there.
fn to_entrance(request: &HttpRequest) -> HttpResponse {
    let asked = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
    let next = utf8_percent_encode(asked, NON_ALPHANUMERIC);
    answers::go_on(&format!("/sign-in?next={next}"))
}

async fn show_page(
    dashboard: &Dashboard,
    request: &HttpRequest,
    operator: &Operator,
    asked: &Asked,
) -> HttpResponse {
    if let Err(refusal) = operator.may(asked.role()) {
        return refused(request, refusal);
    }
    match found::find(&dashboard.parts.views, asked, Reader::Page).await {
        Found::Page { page, .. } => {
            let mut shell = dashboard.shell(operator);
            if matches!(asked, Asked::Sessions(_)) {
                shell.done = ended(request.query_string());
            }
            answers::document(StatusCode::OK, page::render(&shell, &*page))
        }
        Found::Nothing(message) => answers::message(StatusCode::NOT_FOUND, &message),
        Found::Away(message) => answers::message(StatusCode::SERVICE_UNAVAILABLE, &message),
        Found::Later(message) => answers::later(&message),
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

/// Says why not.
fn refused(request: &HttpRequest, refusal: Refusal) -> HttpResponse {
    let asking = Asking::of(request);
    let access = request.app_data::<Data<Dashboard>>().map(|it| &it.parts.access);
    let client = access.map_or(asking.peer, |access| access.client(asking));
    Audit::refused(client, request.path(), refusal);
    let (status, title) = match refusal {
        Refusal::Host => (StatusCode::MISDIRECTED_REQUEST, "Not under this name"),
        Refusal::SignIn | Refusal::Token => (StatusCode::UNAUTHORIZED, "Not signed in"),
        Refusal::Role => (StatusCode::FORBIDDEN, "Not for you"),
        Refusal::Form => (StatusCode::FORBIDDEN, "Not from here"),
        Refusal::Unsure | Refusal::Broken => (StatusCode::SERVICE_UNAVAILABLE, "Not now"),
        Refusal::Limited(_) => (StatusCode::TOO_MANY_REQUESTS, "Not now"),
        Refusal::Peer
        | Refusal::Forwarded
        | Refusal::Version
        | Refusal::Site
        | Refusal::ContentType => (StatusCode::FORBIDDEN, "Not from here"),
    };
    answers::say(status, title, &sentence(&refusal.to_string()), refusal.remedy())
}

/// A text that begins large and ends with a full stop.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", rest.as_str())
}
