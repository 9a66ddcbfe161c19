//! The discovery document and the JWKS of an application.

use serde_json::json;

use crate::core::{
    api::providers::oidc_configuration,
    http::{Ask, Reply},
    pages,
    state::State,
};

/// The discovery document.
pub(crate) fn answer(state: &State, ask: &Ask, slug: &str) -> Reply {
    match state.provider_by_slug(slug) {
        Some(provider) => Reply::json(200, &oidc_configuration(state, &ask.origin, &provider.spec)),
        None => pages::not_found(),
    }
}

/// The keys: `{}`, without even a `keys` member, where the client secret signs.
pub(crate) fn jwks(state: &State, slug: &str) -> Reply {
    let Some(provider) = state.provider_by_slug(slug) else { return pages::not_found() };
    let keys: Vec<_> = provider.keys.iter().filter_map(|key| key.jwk()).collect();
    let body = if keys.is_empty() { json!({}) } else { json!({"keys": keys}) };
    Reply::json(200, &body).with("access-control-allow-origin", "*")
}
