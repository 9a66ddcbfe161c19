//! `POST /events/events/`.

use std::{net::IpAddr, time::Duration};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{READ_CREATE, detail, uuid_of};
use crate::core::{
    clock::iso8601,
    http::{Ask, Reply},
    state::State,
};

/// The actions core knows.
const ACTIONS: [&str; 30] = [
    "login",
    "login_failed",
    "logout",
    "user_write",
    "suspicious_request",
    "password_set",
    "secret_view",
    "secret_rotate",
    "invitation_used",
    "authorize_application",
    "source_linked",
    "impersonation_started",
    "impersonation_ended",
    "flow_execution",
    "policy_execution",
    "policy_exception",
    "property_mapping_exception",
    "system_task_execution",
    "system_task_exception",
    "system_exception",
    "configuration_error",
    "model_created",
    "model_updated",
    "model_deleted",
    "email_sent",
    "update_available",
    "configuration_warning",
    "export_ready",
    "license_updated",
    "custom_",
];

/// Stores an event that core would accept, or names every field it would refuse.
pub(crate) fn create(state: &mut State, ask: &Ask) -> Reply {
    let body: Value = match serde_json::from_slice(&ask.body) {
        Ok(body) => body,
        // No body at all is an empty form to core, not broken JSON.
        Err(_) if ask.body.is_empty() => json!({}),
        Err(error) => return detail(400, READ_CREATE, &format!("JSON parse error - {error}")),
    };
    let mut refused = Map::new();
    let mut refuse = |field: &str, message: String| {
        refused.insert(field.to_owned(), json!([message]));
    };
    match body.get("action").and_then(Value::as_str) {
        None => refuse("action", "This field is required.".to_owned()),
        Some(action) if ACTIONS.contains(&action) => {}
        Some(action) => refuse("action", format!("\"{action}\" is not a valid choice.")),
    }
    if body.get("app").and_then(Value::as_str).is_none() {
        refuse("app", "This field is required.".to_owned());
    }
    let client_ip = body.get("client_ip").cloned().unwrap_or(Value::Null);
    if !client_ip.is_null() && client_ip.as_str().is_none_or(|ip| ip.parse::<IpAddr>().is_err()) {
        refuse("client_ip", "Enter a valid IPv4 or IPv6 address.".to_owned());
    }
    if !refused.is_empty() {
        return Reply::api(400, READ_CREATE, &Value::Object(refused));
    }
    let now = state.clock.now();
    let event = json!({
        "pk": Uuid::new_v4(),
        "user": {},
        "action": body.get("action"),
        "app": body.get("app"),
        "context": body.get("context").cloned().unwrap_or_else(|| json!({})),
        "client_ip": client_ip,
        "created": iso8601(now),
        "expires": iso8601(now + Duration::from_secs(365 * 86_400)),
        "brand": {
            "app": "authentik_brands", "model_name": "brand", "pk": uuid_of("brand").simple().to_string(),
            "name": "Brand fallback",
        },
    });
    state.observed.events.push(event.clone());
    Reply::api(201, READ_CREATE, &event)
}
