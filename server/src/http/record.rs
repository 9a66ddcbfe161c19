//! What the span of a finished request says: the same as its log line, as far as it is bounded
//! and names nobody.

use outpost_decision::facts::Endpoint;

use super::exchange::Judged;
use crate::ops::event::{RequestEvent, RequestKind};
use crate::ops::metrics;
use crate::trace::Span;

/// What kind of path was asked for, as traces name it.
pub(super) const fn route(judged: Option<&Judged>) -> &'static str {
    match judged {
        Some(Judged::Ping) => "ping",
        Some(Judged::Static) => "static",
        Some(Judged::Core(_)) => "core",
        Some(Judged::Refused(_)) | None => "refused",
        Some(Judged::Full { facts, .. }) => match facts.endpoint {
            Endpoint::Ping => "ping",
            Endpoint::Static => "static",
            Endpoint::Start => "start",
            Endpoint::Callback => "callback",
            Endpoint::SignOut => "sign_out",
            Endpoint::BackchannelLogout => "backchannel_logout",
            Endpoint::Auth(_) => "auth",
            Endpoint::Unknown => "unknown",
            Endpoint::Application if facts.dialect.is_some() => "forward_auth",
            Endpoint::Application => "application",
        },
    }
}

/// Ends the span of a request. Pings and static files are not worth one.
pub(super) fn end(mut span: Span, event: &RequestEvent, route: &'static str) {
    if !span.is_recorded() {
        return;
    }
    if event.kind != RequestKind::App {
        span.discard();
        return;
    }
    let method = metrics::bounded_method(&event.method);
    span.rename(format!("{method} {route}"));
    span.set("http.request.method", method);
    span.set("http.route", route);
    span.set("http.response.status_code", event.status);
    span.set("outpost.request_id", event.request_id.to_string());
    match &event.provider {
        Some(provider) => {
            span.set("server.address", provider.external.authority.to_string());
            span.set("outpost.provider", provider.name.clone());
        }
        None => span.set("server.address", "other"),
    }
    if let Some(decided) = &event.decided {
        span.set("outpost.action", decided.action());
        span.set("outpost.reason", decided.reason.code());
    }
    if let Some(failure) = event.failure {
        span.set("outpost.failure", failure);
    }
    // A server's span has failed only when the server has (semantic conventions for HTTP).
    if event.status >= 500 {
        span.set("error.type", event.status.to_string());
        span.fail(event.failure.unwrap_or("server_error"));
    }
}
