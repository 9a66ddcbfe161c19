//! `/application/o/token/`: every error is a 400 with a description and a request id.

use serde_json::json;
use uuid::Uuid;

use super::client_credentials;
use crate::core::{
    crypto::{KeyError, pkce_s256},
    http::{Ask, Reply},
    pages,
    refresh_tokens::{self, Unredeemable},
    state::{Provider, State},
    tokens::{self, Subject},
};

/// Why a token is refused.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    UnsupportedGrantType,
    /// The stand-in's own failure.
    Broken,
}

impl From<KeyError> for Refusal {
    fn from(_: KeyError) -> Self {
        Self::Broken
    }
}

impl From<Unredeemable> for Refusal {
    fn from(why: Unredeemable) -> Self {
        match why {
            Unredeemable::Grant => Self::InvalidGrant,
            Unredeemable::Scope => Self::InvalidScope,
            Unredeemable::Broken(error) => error.into(),
        }
    }
}

/// Exchanges a code, redeems a refresh token, or issues a token for client credentials.
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
        "authorization_code" | "refresh_token"
            if provider.spec.is_confidential && client_secret != provider.spec.client_secret =>
        {
            Err(Refusal::InvalidClient)
        }
        "authorization_code" => exchange(state, ask, &provider),
        "refresh_token" => {
            let requested = known_scopes(ask, &provider);
            let token = ask.form("refresh_token").unwrap_or_default();
            Ok(refresh_tokens::redeem(state, &provider, token, &requested, &ask.origin)?)
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
    let nonce = grant.nonce.as_deref();
    let mut answer = tokens::issue(state, provider, &subject, &grant.scopes, nonce, &ask.origin)?;
    refresh_tokens::give(state, provider, &grant.session, &grant.scopes, &mut answer);
    Ok(answer)
}

/// The requested scopes that the provider has; core drops the others silently.
fn known_scopes(ask: &Ask, provider: &Provider) -> Vec<String> {
    let requested = ask.form("scope").unwrap_or_default().split_whitespace();
    requested
        .filter(|scope| provider.spec.scopes.iter().any(|known| known == scope))
        .map(str::to_owned)
        .collect()
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
    let scopes = known_scopes(ask, provider);
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
        Refusal::InvalidScope => (
            "invalid_scope",
            "The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner",
        ),
        Refusal::UnsupportedGrantType => (
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server",
        ),
    }
}
