//! `GET /explain?url=&method=&headers=&peer=&user=&via=`: what would be decided about a request
//! that is never sent. What is wrong with the question is said in the answer.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::model::ExplainForm;

use super::Api;
use super::asked::query;
use super::problem::Problem;

pub(super) async fn explain(api: Data<Api>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let form: ExplainForm = query(&request)?;
    if form.url.trim().is_empty() {
        return Err(Problem::wrong("url: name the URL that is asked about"));
    }
    Ok(HttpResponse::Ok().json(api.parts.views.explain(form)))
}
