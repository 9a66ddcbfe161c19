//! `/application/o/introspect/` and `/application/o/userinfo/`.

use serde_json::{Map, Value, json};

use super::client_credentials;
use crate::core::{
    http::{Ask, Reply},
    refresh_tokens,
    state::State,
    tokens::{IssuedToken, Person, merge},
};

/// Everything wrong is `{"active": false}`: a wrong client secret and an id token, too. Refresh tokens can be asked
/// about as well.
pub(crate) fn answer(state: &mut State, ask: &Ask) -> Reply {
    let (client_id, client_secret) = client_credentials(ask);
    let token = ask.form("token").unwrap_or_default();
    let is_client = state
        .provider_by_client(&client_id)
        .is_some_and(|provider| provider.spec.client_secret == client_secret);
    let found = Found::of(state, token).filter(|found| {
        is_client
            && (state.federated_introspection || found.client_id == client_id)
            && !found.username.is_some_and(|username| state.inactive_users.contains(username))
            && !found.sid.is_some_and(|sid| state.inactive_sids.contains(sid))
    });
    let Some(found) = found else { return Reply::oauth(200, &json!({"active": false})) };
    let mut body = Value::Object(found.claims.clone());
    let more = json!({"active": true, "scope": found.scope, "client_id": found.client_id});
    merge(&mut body, more);
    if found.is_access_token {
        state.observed.found_active(token);
    }
    Reply::oauth(200, &body)
}

/// A token that is good for something.
struct Found<'a> {
    is_access_token: bool,
    client_id: &'a str,
    username: Option<&'a str>,
    sid: Option<&'a str>,
    scope: String,
    claims: &'a Map<String, Value>,
}

impl<'a> Found<'a> {
    fn of(state: &'a State, token: &str) -> Option<Self> {
        let access_token = live(state, token).map(|token| Self {
            is_access_token: true,
            client_id: &token.client_id,
            username: token.username.as_deref(),
            sid: token.sid.as_deref(),
            scope: token.scope.clone(),
            claims: &token.claims,
        });
        access_token.or_else(|| {
            let token = state.refresh_tokens.get(token)?;
            refresh_tokens::is_good(state, token).then(|| Self {
                is_access_token: false,
                client_id: &token.client_id,
                username: Some(&token.session.username),
                sid: Some(&token.session.sid),
                scope: token.scopes.join(" "),
                claims: &token.claims,
            })
        })
    }
}

/// The claims of a bearer token's scopes.
pub(crate) fn userinfo(state: &State, ask: &Ask) -> Reply {
    let bearer = ask.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let Some(token) = bearer.and_then(|token| live(state, token)) else {
        return Reply::oauth(401, &json!({})).with("www-authenticate", r#"error="invalid_token""#);
    };
    let mut body = json!({"sub": token.claims.get("sub")});
    if let Some(username) = &token.username {
        let slug = state
            .provider_by_client(&token.client_id)
            .map_or("", |provider| provider.spec.slug.as_str());
        let scopes: Vec<String> = token.scope.split(' ').map(str::to_owned).collect();
        merge(&mut body, Person::of(state, username, slug).scope_claims(&scopes));
    }
    Reply::oauth(200, &body)
}

fn live<'a>(state: &'a State, token: &str) -> Option<&'a IssuedToken> {
    state.tokens.get(token).filter(|token| state.clock.now() < token.expires)
}
