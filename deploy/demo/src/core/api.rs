//! The REST API below `/api/v3`.

pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod keypairs;
pub(crate) mod outposts;
pub(crate) mod providers;
pub(crate) mod told;

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    http::{Ask, Reply},
    pages,
    state::State,
};

pub(crate) const READ: &str = "GET, HEAD, OPTIONS";
pub(crate) const READ_CREATE: &str = "GET, POST, HEAD, OPTIONS";
pub(crate) const READ_WRITE: &str = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The outpost's service account.
    Outpost,
    /// A superuser.
    Admin,
}

/// Answers the path `segments` below `/api/v3`, without its trailing slash.
pub(crate) fn answer(state: &mut State, ask: &Ask, segments: &[&str]) -> Reply {
    let allow = match segments {
        ["outposts", "instances"] | ["events", "events"] => READ_CREATE,
        ["outposts", "instances", _] | ["crypto", "certificatekeypairs", _] => READ_WRITE,
        ["admin", "system"]
        | ["outposts", "instances", _, "health"]
        | ["outposts", "proxy"]
        | ["root", "config"]
        | ["crypto", "certificatekeypairs", _, "view_certificate" | "view_private_key"] => READ,
        _ => return pages::not_found(),
    };
    if !accepts_json(ask) {
        return detail(406, allow, "Could not satisfy the request Accept header.");
    }
    let caller = match authenticate(state, ask) {
        Ok(caller) => caller,
        Err(message) => return detail(403, allow, message),
    };
    if segments == ["root", "config"] {
        return if ask.is_read() {
            Reply::api(200, allow, &root_config())
        } else {
            not_allowed(ask, allow)
        };
    }
    let Some(caller) = caller else {
        // Core checks object permissions of key pairs before it asks who is there.
        let message = if segments.first() == Some(&"crypto") {
            "You do not have permission to perform this action."
        } else {
            "Authentication credentials were not provided."
        };
        return detail(403, allow, message);
    };
    match segments {
        ["events", "events"] if ask.method == "POST" => events::create(state, ask),
        ["outposts", "instances", _] | ["crypto", "certificatekeypairs", _]
            if matches!(ask.method.as_str(), "PUT" | "PATCH" | "DELETE") =>
        {
            detail(403, allow, "You do not have permission to perform this action.")
        }
        _ if !ask.is_read() => not_allowed(ask, allow),
        ["admin", "system"] if caller == Caller::Admin => {
            Reply::api(200, allow, &json!({"embedded_outpost_disabled": false}))
        }
        ["outposts", "instances"] => outposts::list(state, ask, caller),
        ["outposts", "instances", uuid, "health"] => health::list(state, uuid),
        ["outposts", "instances", uuid] => outposts::one(state, ask, uuid),
        ["outposts", "proxy"] => providers::list(state, ask),
        ["crypto", "certificatekeypairs", uuid, rest @ ..] => {
            keypairs::answer(state, uuid, rest.first().copied())
        }
        _ => detail(403, allow, "You do not have permission to perform this action."),
    }
}

/// An answer with one message.
pub(crate) fn detail(status: u16, allow: &str, message: &str) -> Reply {
    Reply::api(status, allow, &json!({"detail": message}))
}

fn not_allowed(ask: &Ask, allow: &str) -> Reply {
    detail(405, allow, &format!("Method \"{}\" not allowed.", ask.method))
}

/// Who the bearer token belongs to; `None` if there are no credentials at all.
fn authenticate(state: &State, ask: &Ask) -> Result<Option<Caller>, &'static str> {
    let Some(header) = ask.header("authorization") else { return Ok(None) };
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("Unsupported authentication type");
    }
    if token.trim().is_empty() {
        return Ok(None);
    }
    caller_of(state, token).map(Some).ok_or("Token invalid/expired")
}

/// Who a token belongs to.
pub(crate) fn caller_of(state: &State, token: &str) -> Option<Caller> {
    if token == state.token {
        Some(Caller::Outpost)
    } else if token == state.admin_token {
        Some(Caller::Admin)
    } else {
        None
    }
}

fn accepts_json(ask: &Ask) -> bool {
    ask.header("accept").is_none_or(|accept| {
        accept
            .split(',')
            .map(|range| range.split(';').next().unwrap_or_default().trim())
            .any(|range| matches!(range, "*/*" | "application/*" | "application/json" | ""))
    })
}

fn root_config() -> Value {
    json!({
        "error_reporting": {
            "enabled": false,
            "sentry_dsn": "https://public@errors.invalid/1",
            "environment": "customer",
            "send_pii": false,
            "traces_sample_rate": 0.1,
        },
        "capabilities": ["can_impersonate", "is_enterprise"],
        "cache_timeout": 300,
        "cache_timeout_flows": 300,
        "cache_timeout_policies": 300,
        "cache_timeout_reputation": 0,
    })
}

/// One page of `items`, each as the text that `shown` makes of it, or core's 404 past the end.
pub(crate) fn paginated<T>(
    ask: &Ask,
    allow: &str,
    items: Vec<T>,
    cap: Option<usize>,
    shown: impl Fn(T) -> Arc<str>,
) -> Reply {
    let number = |name: &str| ask.query(name).map(str::parse::<usize>);
    let page_size = match number("page_size") {
        Some(Ok(size)) if size > 0 => size,
        _ => 100,
    };
    let page_size = cap.map_or(page_size, |cap| page_size.min(cap.max(1)));
    let count = items.len();
    let total_pages = count.div_ceil(page_size).max(1);
    let page = match number("page") {
        None => 1,
        Some(Ok(page)) if (1..=total_pages).contains(&page) => page,
        Some(_) => return detail(404, allow, "Invalid page."),
    };
    let start = (page - 1) * page_size;
    let results: Vec<Arc<str>> = items.into_iter().skip(start).take(page_size).map(shown).collect();
    let pagination = json!({
        "next": if page < total_pages { page + 1 } else { 0 },
        "previous": page - 1,
        "count": count,
        "current": page,
        "total_pages": total_pages,
        "start_index": if count == 0 { 0 } else { start + 1 },
        "end_index": start + results.len(),
    });
    let page = json!({"pagination": pagination, "autocomplete": {}});
    Reply::api_text(200, allow, told::with_list(&page, "results", &results))
}

/// A uuid that is always the same for the same name: for the records of a real core that nobody here asks about.
pub(crate) fn uuid_of(name: &str) -> Uuid {
    let digest = super::crypto::sha256_hex(name.as_bytes());
    let number =
        digest.get(..32).and_then(|hex| u128::from_str_radix(hex, 16).ok()).unwrap_or_default();
    uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid()
}
