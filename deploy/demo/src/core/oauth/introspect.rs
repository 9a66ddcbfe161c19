//! `/application/o/introspect/` and `/application/o/userinfo/`.

use serde_json::{Value, json};

use super::client_credentials;
use crate::core::{
    http::{Ask, Reply},
    state::State,
    tokens::{IssuedToken, Person, merge},
};

/// Everything wrong is `{"active": false}`: a wrong client secret and an id token, too.
pub(crate) fn answer(state: &State, ask: &Ask) -> Reply {
    let (client_id, client_secret) = client_credentials(ask);
    let active = state
        .provider_by_client(&client_id)
        .filter(|provider| provider.spec.client_secret == client_secret)
        .and_then(|_| live(state, ask.form("token").unwrap_or_default()))
        .filter(|token| state.federated_introspection || token.client_id == client_id);
    let body = match active {
        Some(token) => {
            let mut body = Value::Object(token.claims.clone());
            merge(
                &mut body,
                json!({"active": true, "scope": token.scope, "client_id": token.client_id}),
            );
            body
        }
        None => json!({"active": false}),
    };
    Reply::oauth(200, &body)
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
