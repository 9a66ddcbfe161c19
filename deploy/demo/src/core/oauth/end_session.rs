//! `/application/o/<slug>/end-session/`: does not sign out of core, and does not read its hint.

use super::flows;
use crate::core::{
    http::{Ask, Reply},
    pages,
    state::State,
};

/// Shows that the application was signed out of.
pub(crate) fn answer(state: &State, ask: &Ask, slug: &str) -> Reply {
    let Some(provider) = state.provider_by_slug(slug) else { return pages::not_found() };
    if !state.flow_redirects {
        return flows::signed_out_page(state, Some(provider));
    }
    if super::session(state, ask).is_none() {
        return flows::from_endpoint(ask);
    }
    let page = format!("{}/if/flow/default-provider-invalidation-flow/", ask.base_path);
    let query =
        if ask.raw_query.is_empty() { String::new() } else { format!("?{}", ask.raw_query) };
    Reply::redirect(&format!("{page}{query}"))
}
