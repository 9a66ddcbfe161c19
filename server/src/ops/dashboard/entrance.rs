//! Coming in and going out: the page to sign in on, with a token, and signing out.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::model::Role;
use outpost_dashboard::page::Entrance;

use super::asked::{Asked, Fields};
use super::{Dashboard, answers, forms, refused};
use crate::ops::access::{Asking, Badge, How, Refusal, Ways};
use crate::ops::audit::{Audit, Deed, Who};

/// Where signing in goes on to when nothing else was asked for.
const FRONT: &str = "/";

/// `GET /sign-in?next=`: how one can sign in.
pub(super) async fn page(dashboard: Data<Dashboard>, request: HttpRequest) -> HttpResponse {
    let next = next(&Fields::read(request.query_string()).raw("next"));
    let Some(ways) = dashboard.parts.access.ways() else { return answers::go_on(&next) };
    match dashboard.operator(&request).await {
        Ok(_) => answers::go_on(&next),
        Err(Refusal::SignIn) => answers::document(StatusCode::OK, form(ways, next, None)),
        Err(refusal) => refused(&request, refusal),
    }
}

/// `POST /sign-in`: with a token.
pub(super) async fn by_token(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    body: Payload,
) -> HttpResponse {
    let access = &dashboard.parts.access;
    let Some(ways) = access.ways() else { return answers::go_on(FRONT) };
    let asking = Asking::of(&request);
    // Otherwise another site could sign somebody in under a name that is not theirs.
    let allowed = access.entrance(asking).and_then(|()| access.same_origin(request.headers()));
    if let Err(refusal) = allowed {
        return refused(&request, refusal);
    }
    let fields = match forms::read(&request, body).await {
        Ok(fields) => fields,
        Err(answer) => return *answer,
    };
    let next = next(&fields.raw("next"));
    let client = access.client(asking);
    match access.admit_by_token(asking, &fields.text("token")) {
        Ok(badge) => {
            let who = Who { name: badge.name.clone(), how: How::Token, peer: client };
            dashboard.parts.audit.tell(&who, &Deed::SignedIn);
            welcome(&dashboard, &badge, &next)
        }
        Err(refusal @ Refusal::Limited(_)) => {
            // Core has been told of those that led to this.
            Audit::refused(client, request.path(), refusal);
            not_admitted(ways, next, refusal)
        }
        Err(refusal) => {
            let who = Who { name: String::new(), how: How::Token, peer: client };
            let why = refusal.to_string();
            dashboard.parts.audit.tell(&who, &Deed::NotSignedIn { why: &why });
            not_admitted(ways, next, refusal)
        }
    }
}

/// `POST /sign-out`.
pub(super) async fn leave(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    body: Payload,
) -> HttpResponse {
    let operator = match dashboard.operator(&request).await {
        Ok(operator) => operator,
        Err(Refusal::SignIn) => return answers::go_on("/sign-in"),
        Err(refusal) => return refused(&request, refusal),
    };
    let access = &dashboard.parts.access;
    if let Err(answer) = forms::meant(access, &operator, Role::View, &request, body).await {
        return *answer;
    }
    let Some(badge) = &operator.badge else { return answers::go_on(FRONT) };
    dashboard.parts.audit.tell(&Who::is(&operator), &Deed::SignedOut);
    let mut answer = answers::go_on("/sign-in");
    if let Some(cookie) = access.dismiss(badge).await {
        set_cookie(&mut answer, &cookie);
    }
    answer
}

/// Lets somebody in who has shown who they are.
pub(super) fn welcome(dashboard: &Dashboard, badge: &Badge, next: &str) -> HttpResponse {
    match dashboard.parts.access.cookie(badge) {
        Ok(cookie) => {
            let mut answer = answers::go_on(next);
            set_cookie(&mut answer, &cookie);
            answer
        }
        Err(refusal) => {
            let text = format!("{refusal}.");
            answers::say(StatusCode::SERVICE_UNAVAILABLE, "Not now", &text, refusal.remedy())
        }
    }
}

fn not_admitted(ways: Ways, next: String, refusal: Refusal) -> HttpResponse {
    let (status, problem) = match refusal {
        Refusal::Limited(_) => (
            StatusCode::TOO_MANY_REQUESTS,
            format!(
                "There were too many wrong tokens. Try again in {} s.",
                refusal.retry_after().unwrap_or_default()
            ),
        ),
        Refusal::Token => (StatusCode::FORBIDDEN, "This is not the token.".to_owned()),
        other => (StatusCode::SERVICE_UNAVAILABLE, format!("{other}.")),
    };
    let mut answer = answers::document(status, form(ways, next, Some(problem)));
    if let Some(seconds) = refusal.retry_after() {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// The page to sign in on.
pub(super) fn form(ways: Ways, next: String, problem: Option<String>) -> String {
    Entrance { token: ways.token, core: ways.core, next, problem }.render()
}

/// Where to go on to: one of our pages, whatever was asked for.
pub(super) fn next(asked: &str) -> String {
    let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
    let ours = asked.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\')
        && Asked::read(path, query).is_some();
    if ours { asked.to_owned() } else { FRONT.to_owned() }
}

/// Adds a cookie to an answer.
pub(super) fn set_cookie(answer: &mut HttpResponse, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_our_pages_only() {
        for (asked, expected) in [
            ("/", "/"),
            ("/sessions?by=user&value=a%20b", "/sessions?by=user&value=a%20b"),
            ("/doctor", "/doctor"),
            ("", "/"),
            ("//evil.example.com", "/"),
            ("//evil.example.com/doctor", "/"),
            ("/\\evil.example.com", "/"),
            ("https://evil.example.com/doctor", "/"),
            ("javascript:alert(1)", "/"),
            ("/sign-in?next=/sign-in", "/"),
            ("/sign-out", "/"),
            ("/doctor?x=\r\nset-cookie: a=b", "/"),
            ("/doctor#x", "/"),
            ("/doctor?\u{e9}", "/"),
        ] {
            assert_eq!(next(asked), expected, "{asked}");
        }
    }
}
