//! `GET /explain?url=&method=&headers=&peer=&user=&via=`: what would be decided about a request
//! that is never sent. What is wrong with the question is said in the answer.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::model::ExplainForm;

use super::Admin;
use super::problem::Problem;

pub(super) async fn explain(
    admin: Data<Admin>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let form = Query::<ExplainForm>::from_query(request.query_string())
        .map_err(|error| Problem::wrong(error.to_string()))?;
    if form.url.trim().is_empty() {
        return Err(Problem::wrong("url: name the URL that is asked about"));
    }
    Ok(HttpResponse::Ok().json(admin.parts.views.explain(form.into_inner())))
}
