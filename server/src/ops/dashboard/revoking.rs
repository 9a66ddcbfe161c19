//! `POST /sessions/revoke`: ends the sessions that the plan (the same path with GET) has shown.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::model::Role;
use outpost_dashboard::page::Message;

use super::asked::{self, Understood};
use super::{Dashboard, answers, forms, refused};

/// Ends what the form names.
pub(super) async fn revoke(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    body: Payload,
) -> HttpResponse {
    let operator = match dashboard.operator(&request).await {
        Ok(operator) => operator,
        // Not on to the entrance: what was sent would be lost on the way.
        Err(refusal) => return refused(&request, refusal),
    };
    let access = &dashboard.parts.access;
    let fields = match forms::meant(access, &operator, Role::Act, &request, body).await {
        Ok(fields) => fields,
        Err(answer) => return *answer,
    };
    let Understood { question, problem } = asked::named(&fields);
    if let Some(problem) = problem {
        return answers::say(StatusCode::BAD_REQUEST, "Nothing was ended", &problem, "Go back.");
    }
    let ended = dashboard.parts.api.revoke_named(question.by, question.value, &operator);
    match ended.await {
        Ok(count) => answers::go_on(&format!("/sessions?ended={count}")),
        Err(problem) => {
            let message = Message {
                title: "Not all was ended".to_owned(),
                text: problem.to_string(),
                remedy: problem.remedy().to_owned(),
            };
            answers::message(problem.status(), &message)
        }
    }
}
