//! Refresh tokens: given with a code where `offline_access` was asked for, redeemed for tokens that say what is
//! true now.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    crypto::{self, KeyError},
    observe::TokenUse,
    state::{Provider, State},
    tokens::{self, CoreSession, Subject},
};

/// The scope that asks for a refresh token.
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// What core does with refresh tokens; see the handle's controls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefreshRules {
    /// Redeeming gives a new refresh token and revokes the old one.
    pub(crate) rotate: bool,
    /// The end of a session of core leaves its refresh tokens good.
    pub(crate) outlive_sessions: bool,
}

impl Default for RefreshRules {
    fn default() -> Self {
        Self { rotate: true, outlive_sessions: false }
    }
}

/// A refresh token that core has given.
#[derive(Clone, Debug)]
pub(crate) struct RefreshToken {
    pub(crate) client_id: String,
    pub(crate) session: CoreSession,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: Duration,
    pub(crate) revoked: bool,
    /// What introspection shows.
    pub(crate) claims: Map<String, Value>,
}

/// Why a refresh token gives nothing.
#[derive(Debug)]
pub(crate) enum Unredeemable {
    /// Unknown, another provider's, expired, revoked, or its user or session is gone.
    Grant,
    /// A scope beyond that of the refresh token, or one without `offline_access`.
    Scope,
    /// The stand-in could not sign.
    Broken(KeyError),
}

/// Adds a refresh token to the token endpoint's `answer` if `scopes` ask for one.
pub(crate) fn give(
    state: &mut State,
    provider: &Provider,
    session: &CoreSession,
    scopes: &[String],
    answer: &mut Value,
) {
    if !scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
        return;
    }
    let validity = provider.spec.refresh_token_validity;
    let expires = state.clock.now() + Duration::try_from_secs_f64(validity).unwrap_or_default();
    let access_token = answer.get("access_token").and_then(Value::as_str).unwrap_or_default();
    let mut claims =
        state.tokens.get(access_token).map(|token| token.claims.clone()).unwrap_or_default();
    claims.insert("exp".to_owned(), json!(expires.as_secs()));
    // As long as core's, and opaque.
    let token = crypto::random_text(128);
    let issued = RefreshToken {
        client_id: provider.spec.client_id.clone(),
        session: session.clone(),
        scopes: scopes.to_vec(),
        expires,
        revoked: false,
        claims,
    };
    state.refresh_tokens.insert(token.clone(), issued);
    let given = TokenUse::new(Some(&session.username), Some(&session.sid));
    state.observed.refresh_tokens.insert(token.clone(), given);
    if let Value::Object(answer) = answer {
        answer.insert("refresh_token".to_owned(), json!(token));
    }
}

/// Redeems a refresh token: claims as the user is now, the `sid` it had, and a new refresh token if tokens rotate
/// (without rotation the answer has none, as core's). Whether the user may still use the application is not asked:
/// core does not, either.
pub(crate) fn redeem(
    state: &mut State,
    provider: &Provider,
    token: &str,
    requested: &[String],
    origin: &str,
) -> Result<Value, Unredeemable> {
    let known = state
        .refresh_tokens
        .get(token)
        .filter(|known| known.client_id == provider.spec.client_id && is_good(state, known))
        .cloned()
        .ok_or(Unredeemable::Grant)?;
    let asks_too_much = requested.iter().any(|scope| !known.scopes.contains(scope));
    let asks_too_little =
        !requested.is_empty() && !requested.iter().any(|scope| scope == OFFLINE_ACCESS);
    if asks_too_much || asks_too_little {
        return Err(Unredeemable::Scope);
    }
    let subject = if state.has_session(&known.session.sid) {
        Subject::Session(&known.session)
    } else {
        Subject::EndedSession(&known.session)
    };
    // Core keeps the nonce for the refresh token's own record; the new id token has none.
    let mut answer = tokens::issue(state, provider, &subject, &known.scopes, None, origin)
        .map_err(Unredeemable::Broken)?;
    state.observed.redeemed(token);
    if state.refresh_rules.rotate {
        give(state, provider, &known.session, &known.scopes, &mut answer);
        if let Some(used) = state.refresh_tokens.get_mut(token) {
            used.revoked = true;
        }
    }
    Ok(answer)
}

/// Whether a refresh token can be redeemed now.
pub(crate) fn is_good(state: &State, token: &RefreshToken) -> bool {
    !token.revoked
        && state.clock.now() < token.expires
        && state.users.contains_key(&token.session.username)
        && (state.refresh_rules.outlive_sessions || state.has_session(&token.session.sid))
}
