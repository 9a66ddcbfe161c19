//! `/application/o/token/`: every error is a 400 with a description and a request id.

use serde_json::json;
use uuid::Uuid;

use super::client_credentials;
use crate::core::{
    crypto::{KeyError, pkce_s256},
    http::{Ask, Reply},
    pages,
    state::{Provider, State},
    tokens::{self, Subject},
};

/// Why a token is refused.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    InvalidClient,
    InvalidGrant,
    UnsupportedGrantType,
    /// The stand-in's own failure.
    Broken,
}

impl From<KeyError> for Refusal {
    fn from(_: KeyError) -> Self {
        Self::Broken
    }
}

/// Exchanges a code, or issues a token for client credentials.
pub(crate) fn answer(state: &mut State, ask: &Ask) -> Reply {
    if ask.method != "POST" {
        return Reply::html(405, String::new()).with("allow", "POST, OPTIONS");
    }
    match grant(state, ask) {
        Ok(body) => Reply::oauth(200, &body),
        Err(Refusal::Broken) => {
            pages::message(500, "Server error", "The token could not be signed.")
        }
        Err(refusal) => {
            let (error, description) = describe(refusal);
            let request_id = Uuid::new_v4().simple().to_string();
            let body =
                json!({"error": error, "error_description": description, "request_id": request_id});
            Reply::oauth(400, &body)
        }
    }
}

fn grant(state: &mut State, ask: &Ask) -> Result<serde_json::Value, Refusal> {
    let (client_id, client_secret) = client_credentials(ask);
    let provider = state.provider_by_client(&client_id).cloned().ok_or(Refusal::InvalidClient)?;
    match ask.form("grant_type").unwrap_or_default() {
        "authorization_code" => {
            if client_secret != provider.spec.client_secret {
                return Err(Refusal::InvalidClient);
            }
            exchange(state, ask, &provider)
        }
        // Core treats the password grant as client credentials of its own kind.
        "client_credentials" | "password" => machine(state, ask, &provider, &client_secret),
        _ => Err(Refusal::UnsupportedGrantType),
    }
}

fn exchange(
    state: &mut State,
    ask: &Ask,
    provider: &Provider,
) -> Result<serde_json::Value, Refusal> {
    let code = ask.form("code").filter(|code| !code.is_empty()).ok_or(Refusal::InvalidGrant)?;
    let redirect_uri = ask.form("redirect_uri").unwrap_or_default();
    if !provider.spec.registered_redirect_uris().iter().any(|registered| registered == redirect_uri)
    {
        return Err(Refusal::InvalidClient);
    }
    let grant = state.codes.get(code).cloned().ok_or(Refusal::InvalidGrant)?;
    let usable = grant.client_id == provider.spec.client_id
        && grant.redirect_uri == redirect_uri
        && state.clock.now() < grant.expires
        && verifier_fits(grant.challenge.as_ref(), ask.form("code_verifier"));
    if !usable {
        return Err(Refusal::InvalidGrant);
    }
    state.codes.remove(code);
    let subject = Subject::Session(&grant.session);
    Ok(tokens::issue(
        state,
        provider,
        &subject,
        &grant.scopes,
        grant.nonce.as_deref(),
        &ask.origin,
    )?)
}

/// PKCE: a challenge demands its verifier, and a verifier without a challenge is a downgrade.
fn verifier_fits(challenge: Option<&(String, String)>, verifier: Option<&str>) -> bool {
    match (challenge, verifier.filter(|verifier| !verifier.is_empty())) {
        (None, None) => true,
        (Some((challenge, method)), Some(verifier)) if method == "S256" => {
            pkce_s256(verifier) == *challenge
        }
        (Some((challenge, _)), Some(verifier)) => verifier == challenge,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn machine(
    state: &mut State,
    ask: &Ask,
    provider: &Provider,
    client_secret: &str,
) -> Result<serde_json::Value, Refusal> {
    let requested = ask.form("scope").unwrap_or_default().split_whitespace();
    let scopes: Vec<String> = requested
        .filter(|scope| provider.spec.scopes.iter().any(|known| known == scope))
        .map(str::to_owned)
        .collect();
    match ask.form("username").filter(|username| !username.is_empty()) {
        Some(username) => {
            let user = state.users.get(username).ok_or(Refusal::InvalidGrant)?;
            let password = ask.form("password").unwrap_or_default();
            let allowed = user.app_passwords.iter().any(|known| known == password)
                && !user.denied.contains(&provider.spec.slug);
            if !allowed {
                return Err(Refusal::InvalidGrant);
            }
            Ok(tokens::issue(
                state,
                provider,
                &Subject::User(username),
                &scopes,
                None,
                &ask.origin,
            )?)
        }
        None if client_secret == provider.spec.client_secret => Ok(tokens::issue(
            state,
            provider,
            &Subject::ServiceAccount,
            &scopes,
            None,
            &ask.origin,
        )?),
        None => Err(Refusal::InvalidGrant),
    }
}

fn describe(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::InvalidClient => (
            "invalid_client",
            "Client authentication failed (e.g., unknown client, no client authentication included, or \
             unsupported authentication method)",
        ),
        Refusal::InvalidGrant | Refusal::Broken => (
            "invalid_grant",
            "The provided authorization grant or refresh token is invalid, expired, revoked, does not match the \
             redirection URI used in the authorization request, or was issued to another client",
        ),
        Refusal::UnsupportedGrantType => (
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server",
        ),
    }
}
