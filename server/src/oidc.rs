//! The OAuth2 back channel to core: code exchange, refresh, introspection, client credentials, key sets.
//! IO only; `outpost_decision::token` judges what comes back.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use actix_web::http::{StatusCode, Uri};
use bytes::Bytes;
use outpost_decision::provider::{BackChannel, Provider};
use outpost_decision::token::KeySet;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;
use url::{Url, form_urlencoded};

use crate::limits::{Limit, LimitFigures};
use crate::trace::{Kind, Scope};

/// The largest answers of core's that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerBounds {
    /// Of the token and introspection endpoints, in bytes.
    pub answer: usize,
    /// Key sets, in bytes.
    pub key_set: usize,
}

/// Longest text of core's that is passed on, in characters.
const MAX_SHOWN: usize = 300;

/// Speaks to core's OAuth2 endpoints. One per worker thread.
#[derive(Clone)]
pub struct OidcClient {
    http: awc::Client,
    user_agent: Arc<str>,
    total: Duration,
    scope: Scope,
    bounds: AnswerBounds,
    figures: LimitFigures,
}

/// Tokens that core has given.
#[derive(Debug)]
pub struct TokenAnswer {
    /// The access token; a JWT to be verified.
    pub access_token: SecretString,
    /// The id token, with the `openid` scope.
    pub id_token: Option<SecretString>,
    /// What [`OidcClient::refresh`] takes, with the `offline_access` scope. An answer to a refresh
    /// that has one replaces the one that was redeemed; without one (core does not always rotate)
    /// the one that was redeemed stays good.
    pub refresh_token: Option<SecretString>,
}

/// Why core gave nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OidcError {
    /// Core understood and said no. Nothing is wrong with core.
    #[error("core refused: {error}: {description}")]
    Refused {
        /// The OAuth2 error code.
        error: String,
        /// What core says of it; may be empty.
        description: String,
    },
    /// No connection, it broke, it took too long, or core itself is in trouble.
    #[error("core cannot be reached: {0}")]
    Unreachable(String),
    /// An answer that makes no sense here.
    #[error("core's answer makes no sense: {0}")]
    Malformed(String),
    /// An answer beyond the bound, in bytes: asking again would bring the same.
    #[error("core's answer is larger than {0} bytes")]
    TooLarge(usize),
    /// Core serves no such endpoint for this provider.
    #[error("core serves no {0} for this provider")]
    NoEndpoint(&'static str),
}

impl OidcError {
    /// A stable name for what went wrong.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Malformed(_) => "malformed",
            Self::TooLarge(_) => "too_large",
            Self::NoEndpoint(_) => "no_endpoint",
        }
    }
}

impl OidcClient {
    /// A client over `http` (see [`crate::core_tls::http_client`]). `version` goes into the user
    /// agent; `total` bounds each request from connect to the last byte of the answer. Answers
    /// beyond `bounds` are counted in `figures`.
    #[must_use]
    pub fn new(
        http: awc::Client,
        version: &str,
        total: Duration,
        bounds: AnswerBounds,
        figures: LimitFigures,
    ) -> Self {
        let user_agent = format!("goauthentik.io/outpost/{version}").into();
        Self { http, user_agent, total, scope: Scope::default(), bounds, figures }
    }

    /// The same client, whose questions are asked in the course of `scope`: traces show them there,
    /// and core is told of it.
    #[must_use]
    pub fn within(&self, scope: &Scope) -> Self {
        Self { scope: scope.clone(), ..self.clone() }
    }

    /// Exchanges a code (contract 8).
    ///
    /// # Errors
    /// See [`OidcError`]. A code is good for one exchange: never try the same again.
    pub async fn exchange_code(
        &self,
        provider: &Provider,
        code: &str,
        verifier: &str,
    ) -> Result<TokenAnswer, OidcError> {
        let form = [
            ("client_id", provider.client_id.as_str()),
            ("client_secret", provider.client_secret.expose_secret()),
            ("grant_type", "authorization_code"),
            ("redirect_uri", &provider.redirect_uri),
            ("code", code),
            ("code_verifier", verifier),
        ];
        self.tokens(provider, &form, "code exchange").await
    }

    /// Redeems a refresh token (RFC 6749, section 6). No scope is asked for, which means that of
    /// the refresh token: core refuses a scope without `offline_access` here.
    ///
    /// New tokens do not prove that the person's session with core still lives: core keeps refresh
    /// tokens beyond its end, and then issues tokens without `sid`. The caller has to compare.
    ///
    /// # Errors
    /// See [`OidcError`]. [`OidcError::Refused`] with `invalid_grant`: the token is used up,
    /// expired, revoked, or its user is gone. After any other error core may have used it up all
    /// the same: the answer may be what was lost.
    pub async fn refresh(
        &self,
        provider: &Provider,
        refresh_token: &SecretString,
    ) -> Result<TokenAnswer, OidcError> {
        let form = [
            ("client_id", provider.client_id.as_str()),
            ("client_secret", provider.client_secret.expose_secret()),
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        self.tokens(provider, &form, "token refresh").await
    }

    /// Tokens for a user name and an app password (contract 11). Core wants no client secret
    /// here.
    ///
    /// # Errors
    /// See [`OidcError`]; a wrong password is [`OidcError::Refused`].
    pub async fn client_credentials(
        &self,
        provider: &Provider,
        username: &str,
        password: &SecretString,
    ) -> Result<TokenAnswer, OidcError> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", provider.client_id.as_str()),
            ("username", username),
            ("password", password.expose_secret()),
            ("scope", &provider.scope),
        ];
        self.tokens(provider, &form, "client credentials").await
    }

    /// What core says of a bearer token: the raw answer, to be judged by
    /// [`outpost_decision::token::claims_from_introspection`].
    ///
    /// # Errors
    /// See [`OidcError`]. A token that is not active is an answer, not an error.
    pub async fn introspect(
        &self,
        provider: &Provider,
        token: &SecretString,
    ) -> Result<Bytes, OidcError> {
        let url = provider
            .endpoints
            .introspection
            .as_ref()
            .ok_or(OidcError::NoEndpoint("introspection endpoint"))?;
        let form = [
            ("client_id", provider.client_id.as_str()),
            ("client_secret", provider.client_secret.expose_secret()),
            ("token", token.expose_secret()),
        ];
        let back_channel = provider.endpoints.back_channel.as_ref();
        self.ask("introspection", url, back_channel, Some(&form), Limit::CoreAnswer).await
    }

    /// A provider's key set.
    ///
    /// # Errors
    /// See [`OidcError`].
    pub async fn fetch_jwks(
        &self,
        url: &Url,
        back_channel: Option<&BackChannel>,
    ) -> Result<KeySet, OidcError> {
        let body = self.ask("key set", url, back_channel, None, Limit::CoreKeySet).await?;
        KeySet::parse(&body).map_err(|error| OidcError::Malformed(error.to_string()))
    }

    async fn tokens(
        &self,
        provider: &Provider,
        form: &[(&str, &str)],
        name: &'static str,
    ) -> Result<TokenAnswer, OidcError> {
        let endpoints = &provider.endpoints;
        let back_channel = endpoints.back_channel.as_ref();
        let url = &endpoints.token;
        let body = self.ask(name, url, back_channel, Some(form), Limit::CoreAnswer).await?;
        token_answer(&body)
    }

    /// One request: POST with a form, GET without. The body of a success. `name` is that of its
    /// span.
    async fn ask(
        &self,
        name: &'static str,
        url: &Url,
        back_channel: Option<&BackChannel>,
        form: Option<&[(&str, &str)]>,
        limit: Limit,
    ) -> Result<Bytes, OidcError> {
        let mut span = self.scope.begin(name, Kind::Client);
        if span.is_recorded() {
            span.set("http.request.method", if form.is_some() { "POST" } else { "GET" });
            span.set("server.address", url.host_str().unwrap_or_default().to_owned());
        }
        let bytes = match limit {
            Limit::CoreKeySet => self.bounds.key_set,
            _ => self.bounds.answer,
        };
        let asked = self.ask_unbounded(span.scope(), url, back_channel, form, bytes);
        let answer = actix_rt::time::timeout(self.total, asked)
            .await
            .unwrap_or_else(|_| Err(OidcError::Unreachable("it took too long".to_owned())));
        if let Err(error) = &answer {
            span.fail(error.code());
            if let OidcError::TooLarge(_) = error {
                self.figures.reached(limit);
            }
        }
        answer
    }

    async fn ask_unbounded(
        &self,
        scope: &Scope,
        url: &Url,
        back_channel: Option<&BackChannel>,
        form: Option<&[(&str, &str)]>,
        limit: usize,
    ) -> Result<Bytes, OidcError> {
        let uri: Uri = url
            .as_str()
            .parse()
            .map_err(|_| OidcError::Malformed("the endpoint's URL cannot be used".to_owned()))?;
        let request = if form.is_some() { self.http.post(uri) } else { self.http.get(uri) };
        // Core derives the issuer from Host and scheme, so that both must be those browsers use.
        // Inserted, never appended: awc adds a Host only where there is none, and a second one
        // would be refused by any proxy in front of core.
        let mut request = request
            .insert_header((HOST, host_of(url, back_channel)))
            .insert_header((USER_AGENT, &*self.user_agent))
            .insert_header((ACCEPT, "application/json"));
        for (name, value) in scope.headers() {
            request = request.insert_header((name, value));
        }
        if let Some(claimed) = back_channel {
            request = request.insert_header(("X-Forwarded-Proto", claimed.scheme.as_str()));
        }
        let sent = match form {
            Some(form) => {
                let body =
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
                request
                    .insert_header((CONTENT_TYPE, "application/x-www-form-urlencoded"))
                    .send_body(body)
            }
            None => request.send(),
        };
        let mut answer = sent.await.map_err(|error| OidcError::Unreachable(error.to_string()))?;
        let status = answer.status();
        let announced: Option<usize> = answer
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        let body = answer.body().limit(limit).await.map_err(|error| match error {
            awc::error::PayloadError::Overflow => OidcError::TooLarge(limit),
            other => OidcError::Unreachable(other.to_string()),
        })?;
        // awc takes a connection that closes half-way for the end of the answer.
        if announced.is_some_and(|length| body.len() < length) {
            return Err(OidcError::Unreachable("the answer was cut off".to_owned()));
        }
        if status.is_success() { Ok(body) } else { Err(failure(status, &body)) }
    }
}

/// The one `Host` of a request.
fn host_of(url: &Url, back_channel: Option<&BackChannel>) -> String {
    match (back_channel, url.port()) {
        (Some(claimed), _) => claimed.host.clone(),
        (None, Some(port)) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        (None, None) => url.host_str().unwrap_or_default().to_owned(),
    }
}

fn token_answer(body: &[u8]) -> Result<TokenAnswer, OidcError> {
    let answer: Value = serde_json::from_slice(body)
        .map_err(|_| OidcError::Malformed("it is no JSON".to_owned()))?;
    let token = |name: &str| {
        let text = answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())?;
        Some(SecretString::from(text.to_owned()))
    };
    let access_token = token("access_token")
        .ok_or_else(|| OidcError::Malformed("it holds no access token".to_owned()))?;
    Ok(TokenAnswer {
        access_token,
        id_token: token("id_token"),
        refresh_token: token("refresh_token"),
    })
}

/// What an answer that is no success means. Core says 400 with an `error` to everything it
/// refuses; a starting or broken core (or the proxy in front of it) says 5xx, and 429 comes from
/// proxies only.
fn failure(status: StatusCode, body: &[u8]) -> OidcError {
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return OidcError::Unreachable(format!("it answered {}", status.as_u16()));
    }
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    let text = |name: &str| {
        answer.as_ref().and_then(|answer| answer.get(name)).and_then(Value::as_str).map(shown)
    };
    match text("error") {
        Some(error) if status.is_client_error() => {
            OidcError::Refused { error, description: text("error_description").unwrap_or_default() }
        }
        _ => OidcError::Malformed(format!("status {} without an error code", status.as_u16())),
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect()
}
