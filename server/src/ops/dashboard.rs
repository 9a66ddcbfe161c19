//! The operators' page, mounted. It has no sign-in of its own yet: its listener is bound to
//! loopback addresses only (settings see to that), and the `Host` header must name one, so that no
//! web page can reach it through a name of its own that resolves to this machine.

use actix_web::dev::{ServiceRequest, fn_service};
use actix_web::guard::GuardContext;
use actix_web::http::header::HeaderMap;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder};
use outpost_dashboard::assets::STYLE;
use outpost_dashboard::page;
use outpost_decision::target::Authority;

use super::host::{is_loopback_address, only_host};
use super::views::{Views, local_viewer};

/// Headers of every answer: nothing from elsewhere, no frame, no script at all.
pub(super) const SECURITY: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// The dashboard. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dashboard(Views);

impl Dashboard {
    /// Shows these views.
    #[must_use]
    pub const fn new(views: Views) -> Self {
        Self(views)
    }

    /// Routes of the dashboard listener.
    pub fn configure(&self, config: &mut ServiceConfig) {
        let strange = |request: &GuardContext<'_>| !names_loopback(request.head().headers());
        config
            .app_data(Data::new(self.clone()))
            .service(web::resource("{any:.*}").guard(strange).to(misdirected))
            .route("/", web::get().to(overview))
            .route(STYLE.path, web::get().to(style))
            .default_service(fn_service(async |request: ServiceRequest| {
                Ok(request.into_response(not_found()))
            }));
    }
}

async fn overview(dashboard: Data<Dashboard>) -> HttpResponse {
    answer(HttpResponse::Ok())
        .content_type("text/html; charset=utf-8")
        .body(page::render(&dashboard.0.shell(local_viewer()), &dashboard.0.overview()))
}

async fn style() -> HttpResponse {
    answer(HttpResponse::Ok()).content_type(STYLE.content_type).body(STYLE.body)
}

async fn misdirected() -> HttpResponse {
    answer(HttpResponse::MisdirectedRequest())
        .content_type("text/plain; charset=utf-8")
        .body("The dashboard answers under localhost, 127.0.0.1 and [::1] only.\n")
}

fn not_found() -> HttpResponse {
    answer(HttpResponse::NotFound())
        .content_type("text/plain; charset=utf-8")
        .body("There is nothing here; the dashboard is at /.\n")
}

fn answer(mut answer: HttpResponseBuilder) -> HttpResponseBuilder {
    for header in SECURITY {
        answer.insert_header(header);
    }
    answer
}

/// Whether there is exactly one `Host` and it is a name of this machine that no DNS server decides.
fn names_loopback(headers: &HeaderMap) -> bool {
    // RFC 6761: names under localhost resolve to loopback.
    only_host(headers).is_some_and(|Authority { host, .. }| {
        host == "localhost" || host.ends_with(".localhost") || is_loopback_address(&host)
    })
}

#[cfg(test)]
mod tests;
