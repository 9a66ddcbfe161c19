//! From a request to the function that answers it.

use super::{api, http::Ask, http::Reply, oauth, pages, state::State};

/// Answers everything but websockets. Unknown paths, and known ones without the trailing slash, are an HTML 404.
pub(crate) fn answer(state: &mut State, ask: &Ask) -> Reply {
    let Some(path) = ask.path.strip_prefix('/') else { return pages::not_found() };
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        [""] => {
            pages::message(200, "Stand-in authentik core", "Applications send you here to sign in.")
        }
        ["-", "health", "live" | "ready", ""] => Reply::html(200, String::new()),
        ["api", "v3", rest @ .., ""] => api::answer(state, ask, rest),
        ["application", "o", "authorize", ""] => oauth::authorize::answer(state, ask),
        ["application", "o", "token", ""] => oauth::token::answer(state, ask),
        ["application", "o", "introspect", ""] => oauth::introspect::answer(state, ask),
        ["application", "o", "userinfo", ""] => oauth::introspect::userinfo(state, ask),
        ["application", "o", slug, "jwks", ""] => oauth::discovery::jwks(state, slug),
        ["application", "o", slug, "end-session", ""] => {
            oauth::end_session::answer(state, ask, slug)
        }
        ["application", "o", slug, ".well-known", "openid-configuration"] => {
            oauth::discovery::answer(state, ask, slug)
        }
        ["flows", "-", "default", "authentication", ""] => oauth::flows::to_sign_in(ask),
        ["if", "flow", "default-authentication-flow", ""] => oauth::flows::sign_in_page(ask),
        ["if", "flow", "default-provider-invalidation-flow", ""] => {
            oauth::flows::signed_out_page(state, None)
        }
        _ => pages::not_found(),
    }
}
