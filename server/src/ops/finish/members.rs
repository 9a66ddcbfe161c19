//! The access log line of a request as members of a JSON object, written straight from its event: every
//! request has one, and it is most of what a log costs.

use std::fmt::Write as _;
use std::time::Duration;

use super::{headers, identity};
use crate::ops::event::RequestEvent;
use crate::ops::logging::Escaped;
use crate::ops::masking::cut;

/// Room for most of them.
const USUAL: usize = 1024;

/// The members, each with a comma before it.
pub(super) fn members(event: &RequestEvent) -> String {
    let decided = event.decided.as_ref();
    let mut members = Members(String::with_capacity(USUAL));
    members.text("message", Some("request"));
    members.text("request_id", Some(&event.request_id));
    members.text("decision_id", event.decision_id.as_deref());
    members.shown("trace_id", event.trace_id);
    members.text("method", Some(cut(&event.method)));
    members.text("host", Some(cut(&event.host)));
    members.text("path", Some(event.path.as_str()));
    members.number("status", Some(event.status.into()));
    members.text("provider", event.provider.as_ref().map(|provider| &*provider.name));
    members.text("action", decided.map(|decided| decided.action()));
    members.text("reason", decided.map(|decided| decided.reason.code()));
    members.number("skip_rule", decided.and_then(|decided| u64::try_from(decided.rule?).ok()));
    members.text("dialect", decided.and_then(|decided| Some(decided.dialect?.as_str())));
    members.text("user", event.user.as_deref());
    members.shown("client", event.client);
    members.milliseconds("duration_ms", Some(event.duration));
    let upstream = event.upstream.as_ref();
    members.text("upstream", upstream.map(|upstream| &*upstream.host));
    members.milliseconds("upstream_ms", upstream.map(|upstream| upstream.duration));
    members.text("failure", event.failure);
    members.text("identity", decided.and_then(identity).as_deref());
    members.number("bytes", event.bytes);
    members.text("headers", headers(event).as_deref());
    members.0
}

/// Members so far. What is not there makes none.
struct Members(String);

impl Members {
    /// Names are ours, and stand for themselves.
    fn name(&mut self, name: &'static str) {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn text(&mut self, name: &'static str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.name(name);
        self.0.push('"');
        // Memory takes everything.
        let _ = Escaped(&mut self.0).write_str(value);
        self.0.push('"');
    }

    fn shown(&mut self, name: &'static str, value: Option<impl std::fmt::Display>) {
        let Some(value) = value else { return };
        self.name(name);
        let _ = write!(self.0, "\"{value}\"");
    }

    fn number(&mut self, name: &'static str, value: Option<u64>) {
        let Some(value) = value else { return };
        self.name(name);
        let _ = write!(self.0, "{value}");
    }

    /// Milliseconds with three digits behind the point: finer is noise.
    fn milliseconds(&mut self, name: &'static str, value: Option<Duration>) {
        let Some(value) = value else { return };
        let micros = value.as_nanos().saturating_add(500) / 1000;
        self.name(name);
        let _ = write!(self.0, "{}.{:03}", micros / 1000, micros % 1000);
    }
}
