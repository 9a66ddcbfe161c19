//! `/application/o/authorize/`.

use std::time::Duration;

use super::{SESSION_COOKIE, flows, quote, quote_plus};
use crate::core::{
    crypto,
    http::{Ask, Reply},
    pages,
    state::{Provider, State},
    tokens::{AuthorizationCode, CoreSession},
};

/// How long a code waits for its exchange.
const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// Answers a browser: an error page, a redirect with an error, the sign-in page, or a redirect with a code.
/// A `POST` with `username` and `password` signs in to core and goes on.
pub(crate) fn answer(state: &mut State, ask: &Ask) -> Reply {
    let (provider, redirect_uri) = match checked_client(state, ask) {
        Ok(found) => found,
        Err(page) => return page,
    };
    if let Some((error, description)) = refusal(state, ask) {
        return error_redirect(ask, &redirect_uri, &error, &description);
    }
    let mut set_cookie = None;
    let session = if ask.method == "POST" {
        match sign_in(state, ask) {
            Some((key, session)) => {
                set_cookie =
                    Some(format!("{SESSION_COOKIE}={key}; HttpOnly; Path=/; SameSite=Lax"));
                session
            }
            None => {
                let action = format!("{}{}?{}", ask.base_path, ask.path, ask.raw_query);
                return pages::sign_in(
                    &action,
                    Some(&provider.spec.application_name),
                    Some("Invalid password"),
                );
            }
        }
    } else {
        match super::session(state, ask) {
            Some(session) => session,
            None if ask.query("prompt") == Some("none") => {
                let description = "The Authorization Server requires End-User authentication";
                return error_redirect(ask, &redirect_uri, "login_required", description);
            }
            None if state.flow_redirects => return flows::from_endpoint(ask),
            None => {
                let action = format!("{}{}?{}", ask.base_path, ask.path, ask.raw_query);
                return pages::sign_in(&action, Some(&provider.spec.application_name), None);
            }
        }
    };
    let mut reply = authorized(state, ask, &provider, &redirect_uri, session);
    if let Some(cookie) = set_cookie {
        reply = reply.with("set-cookie", &cookie);
    }
    reply
}

/// The answer to somebody with a session: a code, or the page that denies access.
pub(crate) fn authorized(
    state: &mut State,
    ask: &Ask,
    provider: &Provider,
    redirect_uri: &str,
    session: CoreSession,
) -> Reply {
    let denied = state
        .users
        .get(&session.username)
        .is_none_or(|user| user.denied.contains(&provider.spec.slug));
    if denied {
        return pages::message(200, "Permission denied", "Request has been denied.");
    }
    let requested = ask.query("scope").unwrap_or_default().split_whitespace();
    let scopes = requested.filter(|scope| provider.spec.scopes.iter().any(|known| known == scope));
    let challenge = ask.query("code_challenge").filter(|challenge| !challenge.is_empty());
    let method = ask.query("code_challenge_method").unwrap_or("plain");
    let code = crypto::random_text(32);
    let grant = AuthorizationCode {
        client_id: provider.spec.client_id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        session,
        scopes: scopes.map(str::to_owned).collect(),
        nonce: ask.query("nonce").filter(|nonce| !nonce.is_empty()).map(str::to_owned),
        challenge: challenge.map(|challenge| (challenge.to_owned(), method.to_owned())),
        expires: state.clock.now() + CODE_LIFETIME,
    };
    state.codes.insert(code.clone(), grant);
    state.observed.codes_granted += 1;
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let answer = quote_plus(ask.query("state").unwrap_or_default());
    Reply::redirect(&format!("{redirect_uri}{separator}code={code}&state={answer}"))
}

/// The provider and the redirect URI of a request that may be answered by redirect, or an error page.
pub(crate) fn checked_client(state: &State, ask: &Ask) -> Result<(Provider, String), Reply> {
    let Some(provider) = ask.query("client_id").and_then(|id| state.provider_by_client(id)) else {
        let text = "The client identifier (client_id) is missing or invalid.";
        return Err(pages::message(400, "Client ID Error", text));
    };
    let redirect_uri = ask.query("redirect_uri").unwrap_or_default();
    if !provider.spec.registered_redirect_uris().iter().any(|registered| registered == redirect_uri)
    {
        let text = "The request fails due to a missing, invalid, or mismatching redirection URI (redirect_uri).";
        return Err(pages::message(400, "Redirect URI Error", text));
    }
    Ok((provider.clone(), redirect_uri.to_owned()))
}

fn refusal(state: &State, ask: &Ask) -> Option<(String, String)> {
    if let Some(error) = &state.authorize_error {
        return Some(error.clone());
    }
    let error = |code: &str, description: &str| Some((code.to_owned(), description.to_owned()));
    if ask.query("response_type") != Some("code") {
        let text = "The authorization server does not support obtaining an authorization code using this method";
        return error("unsupported_response_type", text);
    }
    match ask.query("code_challenge_method") {
        None | Some("plain" | "S256") => None,
        Some(_) => error("invalid_request", "The request is otherwise malformed"),
    }
}

/// Core appends a second question mark to a redirect URI that has a query already.
fn error_redirect(ask: &Ask, redirect_uri: &str, error: &str, description: &str) -> Reply {
    let state = quote(ask.query("state").unwrap_or_default());
    let (error, description) = (quote(error), quote(description));
    Reply::redirect(&format!(
        "{redirect_uri}?error={error}&error_description={description}&state={state}"
    ))
}

fn sign_in(state: &mut State, ask: &Ask) -> Option<(String, CoreSession)> {
    let (username, password) = (ask.form("username")?, ask.form("password")?);
    // Core's default flow identifies people by user name or e-mail address.
    let user =
        state.users.values().find(|user| user.username == username || user.email == username)?;
    if user.password != password {
        return None;
    }
    let username = user.username.clone();
    Some(new_session(state, &username))
}

/// A new session of core and the key that names it in the cookie.
pub(crate) fn new_session(state: &mut State, username: &str) -> (String, CoreSession) {
    let key = crypto::random_text(32);
    let sid = crypto::sha256_hex(key.as_bytes());
    let session =
        CoreSession { username: username.to_owned(), sid, signed_in_at: state.clock.now() };
    state.sessions.insert(key.clone(), session.clone());
    (key, session)
}
