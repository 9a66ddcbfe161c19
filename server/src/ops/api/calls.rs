//! Every call of the API, in one table: its routes are made of it, and its description
//! ([`super::openapi`]) is held against it.

use actix_web::dev::{ServiceRequest, fn_service};
use actix_web::web::ServiceConfig;
use actix_web::{ResponseError, Route, web};

use super::problem::Problem;
use super::{explaining, listing, reading, revoking};

/// A call of the API.
pub(super) struct Call {
    /// `GET` or `POST`.
    pub(super) method: &'static str,
    /// Path below [`super::PREFIX`]; what stands in braces is a parameter.
    pub(super) path: &'static str,
    route: Route,
}

/// Every call.
pub(super) fn all() -> Vec<Call> {
    let get = |path, route: Route| Call { method: "GET", path, route };
    let post = |path, route: Route| Call { method: "POST", path, route };
    vec![
        get("/overview", web::get().to(reading::overview)),
        get("/providers", web::get().to(reading::providers)),
        get("/providers/{pk}", web::get().to(reading::provider)),
        get("/sessions", web::get().to(listing::list)),
        post("/sessions/revoke", web::post().to(revoking::revoke)),
        get("/sessions/{key}", web::get().to(reading::session)),
        get("/decisions", web::get().to(reading::decisions)),
        get("/decisions/{id}", web::get().to(reading::decision)),
        get("/explain", web::get().to(explaining::explain)),
        get("/doctor", web::get().to(reading::doctor)),
        get("/fleet", web::get().to(reading::fleet)),
    ]
}

impl Call {
    /// Its resource, which answers other methods as well: that they are none.
    pub(super) fn mount(self, config: &mut ServiceConfig) {
        let allowed = self.method;
        let other = fn_service(move |request: ServiceRequest| {
            let problem = Problem::other_method(allowed).error_response();
            std::future::ready(Ok::<_, actix_web::Error>(request.into_response(problem)))
        });
        config.service(web::resource(self.path).route(self.route).default_service(other));
    }
}
