//! An error as it happened, and as it is told: without secrets, and without people unless they may
//! be named.

use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::scrub::{Scrub, is_personal_field, is_secret_field};
use crate::ops::masking::MASK;

/// What the layer saw.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    /// When, since 1970.
    pub(super) at: Duration,
    /// Which part of the program said so.
    pub(super) target: &'static str,
    /// Where it was said.
    pub(super) file: Option<&'static str>,
    pub(super) line: Option<u32>,
    pub(super) is_panic: bool,
    /// The words, always the same for one kind of error.
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, String)>,
    /// Fields of the request's log span, as the log writes them.
    pub(super) request: Option<String>,
}

/// What all reports say of us.
#[derive(Clone, Debug, Default)]
pub(super) struct Setting<'a> {
    pub(super) environment: &'a str,
    pub(super) send_pii: bool,
    /// Name of the machine.
    pub(super) hostname: &'a str,
    pub(super) core_version: Option<&'a str>,
}

impl Occurrence {
    /// The event payload of the protocol.
    pub(super) fn to_event(&self, id: Uuid, setting: &Setting<'_>) -> Value {
        let scrub = Scrub { people: !setting.send_pii };
        let mut extra = Map::new();
        for (name, value) in &self.fields {
            let value = if is_secret_field(name) {
                MASK.to_owned()
            } else if !setting.send_pii && is_personal_field(name) {
                continue;
            } else {
                scrub.text(value)
            };
            extra.insert((*name).to_owned(), value.into());
        }
        let message = scrub.text(&self.message);
        let mut event = json!({
            "event_id": id.simple().to_string(),
            "timestamp": self.at.as_secs_f64(),
            "platform": "native",
            "level": if self.is_panic { "fatal" } else { "error" },
            "logger": self.target,
            "release": concat!("outpost@", env!("CARGO_PKG_VERSION")),
            "environment": if setting.environment.is_empty() { "customer" } else { setting.environment },
            "tags": self.tags(setting, scrub),
            "sdk": {"name": "outpost", "version": crate::VERSION},
            "extra": extra,
        });
        if self.is_panic {
            let panic = extra_text(&event, "panic").unwrap_or_else(|| message.clone());
            event["exception"] = json!({"values": [{
                "type": "panic",
                "value": panic,
                "mechanism": {"type": "panic", "handled": true},
                "stacktrace": {"frames": [{
                    "filename": extra_text(&event, "file"),
                    "lineno": extra_text(&event, "line").and_then(|line| line.parse::<u32>().ok()),
                    "in_app": true,
                }]},
            }]});
        } else {
            event["culprit"] = self.place().into();
            event["logentry"] = json!({"message": message, "formatted": message});
            // The words and not the details tell one kind of error from another.
            event["fingerprint"] = json!([self.target, message]);
        }
        if setting.send_pii {
            event["server_name"] = setting.hostname.into();
        }
        if let Some(trace) = self.of_request("trace_id").filter(|id| id.len() == 32) {
            let span = trace.get(..16).unwrap_or_default();
            event["contexts"] = json!({"trace": {"trace_id": trace, "span_id": span}});
        }
        event
    }

    /// The place in the program: reports of one place are limited.
    pub(super) fn place(&self) -> String {
        match (self.file, self.line) {
            (Some(file), Some(line)) if !self.is_panic => format!("{file}:{line}"),
            _ => self.target.to_owned(),
        }
    }

    fn tags(&self, setting: &Setting<'_>, scrub: Scrub) -> Map<String, Value> {
        let mut tags = Map::new();
        tags.insert("component".into(), "outpost".into());
        if let Some(version) = setting.core_version {
            tags.insert("core_version".into(), version.into());
        }
        if let Some(id) = self.of_request("id") {
            tags.insert("request_id".into(), scrub.id(&id).into());
        }
        tags
    }

    /// A field of the request's span, from either form in which the log writes it.
    fn of_request(&self, name: &str) -> Option<String> {
        let fields = self.request.as_deref()?;
        if let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(fields) {
            return fields.get(name)?.as_str().map(str::to_owned);
        }
        let value =
            fields.split_whitespace().find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"').to_owned())
    }
}

fn extra_text(event: &Value, name: &str) -> Option<String> {
    event["extra"][name].as_str().map(str::to_owned)
}
