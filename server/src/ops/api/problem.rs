//! What operators are told when something cannot be done.

use std::fmt;

use actix_web::error::JsonPayloadError;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::{BODY_BYTES, URL_BYTES};
use crate::ops::access::Refusal;
use crate::session::StoreError;

/// A refusal or failure as JSON: a code for programs, a message and a remedy for people.
#[derive(Debug, Serialize)]
pub(in crate::ops) struct Problem {
    #[serde(skip)]
    status: StatusCode,
    /// Its stable name.
    error: &'static str,
    /// What is the matter.
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "str::is_empty")]
    remedy: &'static str,
    /// After how many seconds it may be tried again, where that is known.
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, message: message.into(), remedy: "", retry_after: None }
    }

    /// The status of the answer.
    pub(in crate::ops) const fn status(&self) -> StatusCode {
        self.status
    }

    /// What to do about it; may be empty.
    pub(in crate::ops) const fn remedy(&self) -> &'static str {
        self.remedy
    }

    /// Something in the request is not as it must be.
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// No provider is called so.
    pub(super) fn unknown_provider(name: &str) -> Self {
        let message = format!("no provider or application in effect is called {name:?}");
        let remedy = "Name the provider by its number in core.";
        Self { remedy, ..Self::new(StatusCode::NOT_FOUND, "unknown_provider", message) }
    }

    /// Several providers are called so.
    pub(super) fn ambiguous_provider(name: &str, keys: &[i64]) -> Self {
        let message = format!("{name:?} may mean any of the providers {keys:?}");
        let remedy = "Name the provider by its number in core.";
        Self { remedy, ..Self::new(StatusCode::CONFLICT, "ambiguous_provider", message) }
    }

    /// No session of this key lives.
    pub(super) fn no_session() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_session", "no session of this key lives")
    }

    /// No decision of this id is kept.
    pub(super) fn no_decision() -> Self {
        let message = "no replica keeps a decision of this id";
        let remedy = "Each replica keeps its own latest decisions (journal.capacity); the log \
                      lines of all name the id.";
        Self { remedy, ..Self::new(StatusCode::NOT_FOUND, "unknown_decision", message) }
    }

    /// The other replicas are being asked for a decision.
    pub(super) fn asking() -> Self {
        let message = "this replica keeps no decision of this id; the others are being asked";
        let remedy = "Ask again in a moment, as Retry-After says.";
        Self { remedy, ..Self::new(StatusCode::ACCEPTED, "asking", message) }
    }

    /// The other replicas cannot be asked for a decision.
    pub(super) fn nobody_to_ask(error: &str) -> Self {
        let message = format!(
            "this replica keeps no decision of this id, and the others are asked through the \
             store: {error}"
        );
        let remedy = "Ask each replica, or try again when the store is back.";
        Self { remedy, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", message) }
    }

    /// The call takes another method.
    pub(super) fn other_method(allowed: &str) -> Self {
        let message = format!("this takes {allowed}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "other_method", message)
    }

    /// A path that the API does not have.
    pub(super) fn no_such_thing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
    }

    /// The URL is longer than anybody means it to be.
    pub(super) fn long_url() -> Self {
        let message = format!("the path and query are longer than {URL_BYTES} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "long_url", message)
    }

    /// What went wrong is ours alone.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "this failed; the log says why")
    }

    /// The body is not what the call takes.
    pub(super) fn unreadable_body(error: &JsonPayloadError) -> Self {
        match error {
            JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
                let message = format!("the body is longer than {BODY_BYTES} bytes");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "long_body", message)
            }
            JsonPayloadError::ContentType => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_type",
                "the Content-Type must be application/json",
            ),
            JsonPayloadError::Deserialize(error) => Self::wrong(format!("the body: {error}")),
            error => Self::wrong(error.to_string()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchPage => Self::wrong(
                "cursor: no page begins there; take it from `next` of the same question",
            ),
            error @ (StoreError::Unavailable(_) | StoreError::Full(_)) => Self {
                remedy: "Try again when the session store is back; what has ended stays ended.",
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", error.to_string())
            },
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, error) = match refusal {
            Refusal::Token | Refusal::SignIn => (StatusCode::UNAUTHORIZED, "wrong_token"),
            Refusal::Role => (StatusCode::FORBIDDEN, "may_not_act"),
            Refusal::Unsure | Refusal::Broken => (StatusCode::SERVICE_UNAVAILABLE, "not_now"),
            Refusal::Limited(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            _ => (StatusCode::FORBIDDEN, "not_local"),
        };
        let retry_after = refusal.retry_after();
        let problem = Self::new(status, error, refusal.to_string());
        Self { remedy: refusal.remedy(), retry_after, ..problem }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        match self.status {
            StatusCode::UNAUTHORIZED => {
                answer.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"outpost\""));
            }
            StatusCode::ACCEPTED => {
                answer.insert_header((header::RETRY_AFTER, "2"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                answer.insert_header((header::RETRY_AFTER, "5"));
            }
            _ => {}
        }
        if let Some(seconds) = self.retry_after {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        answer.json(self)
    }
}
