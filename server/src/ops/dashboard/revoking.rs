//! `POST /sessions/revoke`: ends the sessions that the plan (the same path with GET) has shown.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::model::Role;
use outpost_dashboard::page::Message;

use super::asked::{self, Understood};
use super::{Dashboard, answers, forms, refused};
use crate::ops::access::Asking;

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
    let allowed = access.same_origin(request.headers()).and_then(|()| operator.may(Role::Act));
    if let Err(refusal) = allowed {
        return refused(&request, refusal);
    }
    let fields = match forms::read(&request, body).await {
        Ok(fields) => fields,
        Err(answer) => return *answer,
    };
    let csrf = fields.raw("csrf");
    if let Err(refusal) = access.form(Asking::of(&request), &operator, &csrf, Role::Act) {
        return refused(&request, refusal);
    }
    let Understood { question, problem } = asked::named(&fields);
    if let Some(problem) = problem {
        return answers::say(StatusCode::BAD_REQUEST, "Nothing was ended", &problem, "Go back.");
    }
    let ended = dashboard.parts.admin.revoke_named(question.by, question.value, &operator);
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
