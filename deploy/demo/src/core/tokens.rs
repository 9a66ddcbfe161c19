//! Sessions, codes and tokens of the stand-in core, and how tokens are written.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{
    crypto::{self, KeyError},
    observe::TokenUse,
    state::{Provider, State},
};

/// A person's session with core itself.
#[derive(Clone, Debug)]
pub(crate) struct CoreSession {
    pub(crate) username: String,
    /// `sid` of tokens: the hash of the session's key.
    pub(crate) sid: String,
    pub(crate) signed_in_at: Duration,
}

/// A code that waits for its exchange.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizationCode {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) session: CoreSession,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    /// Challenge and method of PKCE.
    pub(crate) challenge: Option<(String, String)>,
    pub(crate) expires: Duration,
}

/// An access token that introspection knows.
#[derive(Clone, Debug)]
pub(crate) struct IssuedToken {
    pub(crate) client_id: String,
    pub(crate) username: Option<String>,
    pub(crate) sid: Option<String>,
    pub(crate) scope: String,
    pub(crate) claims: Map<String, Value>,
    pub(crate) expires: Duration,
}

/// A token before it is signed, for tests that need a wrong one.
#[derive(Clone, Debug)]
pub struct TokenDraft {
    /// JOSE header.
    pub header: Map<String, Value>,
    /// Claims.
    pub claims: Map<String, Value>,
    /// How it will be signed.
    pub signature: Signature,
}

/// How a drafted token is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// With the provider's key.
    Provider,
    /// Not at all.
    Empty,
    /// HMAC-SHA256 with this key.
    Hmac(Vec<u8>),
    /// With these bytes.
    Raw(Vec<u8>),
}

/// Changes every token before it is signed.
pub(crate) type TokenTamper = Arc<dyn Fn(&mut TokenDraft) + Send + Sync>;

/// For whom a token is made.
pub(crate) enum Subject<'a> {
    /// Somebody signed in with a browser.
    Session(&'a CoreSession),
    /// Somebody whose session with core has ended since: tokens have neither `sid` nor `amr`.
    EndedSession(&'a CoreSession),
    /// A user name and an app password.
    User(&'a str),
    /// The service account of an application.
    ServiceAccount,
}

/// The token endpoint's answer for `subject`, after remembering the token for introspection.
pub(crate) fn issue(
    state: &mut State,
    provider: &Provider,
    subject: &Subject<'_>,
    scopes: &[String],
    nonce: Option<&str>,
    origin: &str,
) -> Result<Value, KeyError> {
    let now = state.clock.now();
    let validity = provider.spec.access_token_validity;
    let expires = now + Duration::try_from_secs_f64(validity).unwrap_or_default();
    let claims = claims(state, provider, subject, scopes, nonce, origin, (now, expires));
    let scope = scopes.join(" ");

    let mut access_claims = claims.clone();
    access_claims.insert("azp".to_owned(), json!(provider.spec.client_id));
    access_claims.insert("uid".to_owned(), json!(crypto::random_text(40)));
    access_claims.insert("scope".to_owned(), json!(scope));

    let access_token = sign(state, provider, access_claims)?;
    let id_token = sign(state, provider, claims.clone())?;
    let (username, sid) = match subject {
        Subject::Session(session) => (Some(session.username.clone()), Some(session.sid.clone())),
        Subject::EndedSession(session) => (Some(session.username.clone()), None),
        Subject::User(username) => (Some((*username).to_owned()), None),
        Subject::ServiceAccount => (None, None),
    };
    let client_id = provider.spec.client_id.clone();
    let issued = IssuedToken { client_id, username, sid, scope: scope.clone(), claims, expires };
    let given = TokenUse::new(issued.username.as_deref(), issued.sid.as_deref());
    state.observed.access_tokens.insert(access_token.clone(), given);
    state.tokens.insert(access_token.clone(), issued);
    state.observed.tokens_issued += 1;
    Ok(json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": validity.round() as i64,
        "id_token": id_token,
    }))
}

/// Signs claims as a provider does.
pub(crate) fn sign(
    state: &State,
    provider: &Provider,
    claims: Map<String, Value>,
) -> Result<String, KeyError> {
    sign_as("JWT", state, provider, claims)
}

/// The same with this `typ`.
pub(crate) fn sign_as(
    kind: &str,
    state: &State,
    provider: &Provider,
    claims: Map<String, Value>,
) -> Result<String, KeyError> {
    let key = provider.keys.first().ok_or(KeyError)?;
    let mut header = Map::new();
    header.insert("alg".to_owned(), json!(provider.spec.signing.alg()));
    header.insert("typ".to_owned(), json!(kind));
    if let Some(kid) = key.kid() {
        header.insert("kid".to_owned(), json!(kid));
    }
    let mut draft = TokenDraft { header, claims, signature: Signature::Provider };
    if let Some(tamper) = &state.tamper {
        tamper(&mut draft);
    }
    let part =
        |part: Map<String, Value>| URL_SAFE_NO_PAD.encode(crypto::ascii_json(&Value::Object(part)));
    let message = format!("{}.{}", part(draft.header), part(draft.claims));
    let signature = match draft.signature {
        Signature::Provider => key.sign(&provider.spec.client_secret, message.as_bytes())?,
        Signature::Empty => Vec::new(),
        Signature::Hmac(key) => crypto::hmac_sha256(&key, message.as_bytes()),
        Signature::Raw(bytes) => bytes,
    };
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn claims(
    state: &State,
    provider: &Provider,
    subject: &Subject<'_>,
    scopes: &[String],
    nonce: Option<&str>,
    origin: &str,
    (now, expires): (Duration, Duration),
) -> Map<String, Value> {
    let person = match subject {
        Subject::Session(session) | Subject::EndedSession(session) => {
            Person::of(state, &session.username, &provider.spec.slug)
        }
        Subject::User(username) => Person::of(state, username, &provider.spec.slug),
        Subject::ServiceAccount => Person::service_account(provider),
    };
    let auth_time = match subject {
        Subject::Session(session) | Subject::EndedSession(session) => session.signed_in_at,
        Subject::User(_) | Subject::ServiceAccount => now,
    };
    let mut claims = json!({
        "iss": format!("{origin}/application/o/{}/", provider.spec.slug),
        "sub": person.sub,
        "aud": provider.spec.client_id,
        "exp": expires.as_secs(),
        "iat": now.as_secs(),
        "auth_time": auth_time.as_secs(),
        "acr": "goauthentik.io/providers/oauth2/default",
    });
    if let Subject::Session(session) = subject {
        merge(&mut claims, json!({"amr": ["pwd"], "sid": session.sid}));
    }
    if let Some(nonce) = nonce {
        merge(&mut claims, json!({"nonce": nonce}));
    }
    merge(&mut claims, person.scope_claims(scopes));
    for (scope, extra) in &provider.spec.scope_claims {
        if scopes.contains(scope) {
            merge(&mut claims, extra.clone());
        }
    }
    match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}

/// What the default scope mappings know of somebody.
pub(crate) struct Person {
    pub(crate) sub: String,
    username: String,
    name: String,
    email: String,
    groups: Vec<String>,
    entitlements: Vec<String>,
    attributes: Value,
    superuser: bool,
}

impl Person {
    /// A user; attributes are those of the groups by name, then the user's own, merged deeply.
    pub(crate) fn of(state: &State, username: &str, slug: &str) -> Self {
        let user = state
            .users
            .get(username)
            .cloned()
            .unwrap_or_else(|| super::spec::UserSpec::new(username, ""));
        let mut attributes = json!({});
        for (group, shared) in &state.group_attributes {
            if user.groups.contains(group) {
                merge(&mut attributes, shared.clone());
            }
        }
        merge(&mut attributes, user.attributes.clone());
        let entitlements =
            user.entitlements.clone().into_iter().filter(|(application, _)| application == slug);
        Self {
            sub: user.sub(),
            username: user.username,
            name: user.name,
            email: user.email,
            groups: user.groups,
            entitlements: entitlements.map(|(_, name)| name).collect(),
            attributes,
            superuser: user.superuser,
        }
    }

    fn service_account(provider: &Provider) -> Self {
        let username = format!("ak-{}-client_credentials", provider.spec.name);
        let application = &provider.spec.application_name;
        Self {
            sub: crypto::sha256_hex(username.as_bytes()),
            username,
            name: format!("Autogenerated user from application {application} (client credentials)"),
            email: String::new(),
            groups: Vec::new(),
            entitlements: Vec::new(),
            attributes: json!({"goauthentik.io/user/generated": true}),
            superuser: false,
        }
    }

    /// The claims core's default mappings give for these scopes.
    pub(crate) fn scope_claims(&self, scopes: &[String]) -> Value {
        let mut claims = json!({});
        for scope in scopes {
            let add = match scope.as_str() {
                "ak_proxy" => {
                    json!({"ak_proxy": {"user_attributes": self.attributes, "is_superuser": self.superuser}})
                }
                "email" => json!({"email": self.email, "email_verified": false}),
                "entitlements" => {
                    json!({"entitlements": self.entitlements, "roles": self.entitlements})
                }
                "profile" => json!({
                    "name": self.name, "given_name": self.name, "preferred_username": self.username,
                    "nickname": self.username, "groups": self.groups,
                }),
                _ => continue,
            };
            merge(&mut claims, add);
        }
        claims
    }
}

/// Merges objects deeply; anything else is replaced.
pub(crate) fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
