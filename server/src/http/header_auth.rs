//! Header authentication: machines that sign in with each request (contract 11).

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use outpost_decision::claims::Claims;
use outpost_decision::decide::Credential;
use outpost_decision::decision::{CredentialOutcome, CredentialScheme, Reason};
use outpost_decision::facts::Headers;
use outpost_decision::lifetime::Lifetime;
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;
use outpost_decision::token;
use secrecy::{ExposeSecret, SecretString};

use super::credentials::{Credentials, LiveSession};
use super::exchange::{Exchange, Facts};
use super::tokens;
use crate::clock;
use crate::keys::KeyRequests;
use crate::oidc::{OidcClient, OidcError};
use crate::session::header_cache::{HeaderKey, Keep};
use crate::session::{self, Session, SessionAbout, SessionId, Sessions};

/// User name that says: the password is a bearer token (contract 11).
const TOKEN_USER: &str = "goauthentik.io/token";

/// Longest `Authorization` value looked at, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// What core said about an `Authorization` header, and for how long to keep it.
pub struct HeaderResult {
    verdict: Verdict,
    keep: Duration,
}

enum Verdict {
    Accepted { id: SessionId, session: Arc<Session> },
    Rejected(String),
    Unavailable(Reason),
}

impl Keep for HeaderResult {
    fn keep_seconds(&self) -> i64 {
        match self.verdict {
            Verdict::Unavailable(_) => 0,
            _ => i64::try_from(self.keep.as_secs()).unwrap_or(i64::MAX),
        }
    }
}

/// A credential of an `Authorization` header.
#[derive(Clone)]
enum HeaderCredential {
    Bearer(SecretString),
    Basic { user: String, password: SecretString },
}

/// Looks at the `Authorization` header; `None` when there is none of a kind that core can check.
pub async fn look(exchange: &Exchange<'_>, facts: &Facts) -> Option<Credentials> {
    let fields = exchange.fields();
    let value = fields.text(header::AUTHORIZATION.as_str())?;
    let credential = parse(value)?;
    let scheme = credential.scheme();
    let key = key_of(&facts.provider, value);
    let gateway = exchange.gateway();
    let mut result = ask(exchange, facts, key, credential.clone()).await;
    if let Verdict::Accepted { id, .. } = &result.verdict {
        // What is cached here may have been revoked since: the store has the last word.
        match gateway.sessions.get(id, exchange.now).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                gateway.header_results.forget(&key);
                result = ask(exchange, facts, key, credential).await;
            }
            Err(_) => return Some(credentials(scheme, unavailable(Reason::StoreUnavailable))),
        }
    }
    Some(match &result.verdict {
        Verdict::Accepted { id, session } => Credentials {
            session: Some(LiveSession {
                id: id.clone(),
                session: Arc::clone(session),
                needs_cookie: true,
            }),
            ..credentials(scheme, CredentialOutcome::Valid)
        },
        Verdict::Rejected(message) => Credentials {
            header_message: Some(message.clone()),
            ..credentials(scheme, CredentialOutcome::Rejected(Reason::HeaderRejected))
        },
        Verdict::Unavailable(reason) => credentials(scheme, unavailable(*reason)),
    })
}

fn credentials(scheme: CredentialScheme, outcome: CredentialOutcome) -> Credentials {
    Credentials { verdict: Credential { scheme, outcome }, session: None, header_message: None }
}

const fn unavailable(reason: Reason) -> CredentialOutcome {
    CredentialOutcome::Unavailable(reason)
}

async fn ask(
    exchange: &Exchange<'_>,
    facts: &Facts,
    key: HeaderKey,
    credential: HeaderCredential,
) -> Arc<HeaderResult> {
    let gateway = exchange.gateway();
    let check = Check {
        oidc: Rc::clone(&exchange.worker.oidc),
        keys: gateway.keys.clone(),
        sessions: gateway.sessions.clone(),
        provider: Arc::clone(&facts.provider),
        credential,
        now: exchange.now,
        client_address: facts.origin.client,
        user_agent: exchange.user_agent(),
        accepted: gateway.policy.header_ttl,
        rejected: gateway.policy.header_negative_ttl,
        lifetime: gateway.policy.lifetimes.of(&facts.provider.application_slug),
    };
    gateway.header_results.get_or_check(key, exchange.now, move || check.run()).await
}

/// Everything one check needs: it runs as a task of its own and outlives the request.
#[derive(Clone)]
struct Check {
    oidc: Rc<OidcClient>,
    keys: KeyRequests,
    sessions: Sessions,
    provider: Arc<Provider>,
    credential: HeaderCredential,
    now: Timestamp,
    client_address: std::net::IpAddr,
    user_agent: String,
    accepted: Duration,
    rejected: Duration,
    lifetime: Lifetime,
}

impl Check {
    async fn run(self) -> HeaderResult {
        let keep_rejected = self.rejected;
        let (claims, token) = match self.ask_core().await {
            Ok(accepted) => accepted,
            Err(verdict) => return HeaderResult { verdict, keep: keep_rejected },
        };
        let now = clock::now();
        let left = Duration::from_secs(now.seconds_until(Timestamp(claims.exp)).unsigned_abs());
        let keep = self.accepted.min(left);
        let span = self.lifetime.begin(now, Timestamp(claims.exp));
        let session = Session {
            about: SessionAbout {
                provider: self.provider.pk,
                sub: claims.sub.clone(),
                user: claims.preferred_username.clone(),
                sid: claims.session_id().map(ToOwned::to_owned),
                origin: session::Origin::Header,
                created: self.now,
                expires: span.expires,
                ends_by: span.ends_by,
                idle_seconds: span.idle_seconds,
                verified: now,
                client_address: Some(self.client_address),
                user_agent: self.user_agent.clone(),
            },
            claims,
            token,
            refresh_token: None,
            generation: 0,
        };
        let begun = match SessionId::random() {
            Ok(id) => self.sessions.begin(&id, session, now).await.map(|begun| (id, begun)),
            Err(error) => Err(error),
        };
        let verdict = match begun {
            Ok((id, Some(session))) => Verdict::Accepted { id, session },
            // Ended as it began: the next request asks core what is true now.
            Ok((_, None)) => Verdict::Unavailable(Reason::SessionUnknown),
            Err(error) => {
                tracing::error!(%error, "a session of header authentication was not kept");
                Verdict::Unavailable(Reason::StoreUnavailable)
            }
        };
        HeaderResult { verdict, keep }
    }

    async fn ask_core(&self) -> Result<(Claims, SecretString), Verdict> {
        match &self.credential {
            HeaderCredential::Bearer(token) => {
                let answer = self.oidc.introspect(&self.provider, token).await.map_err(refused)?;
                let claims = token::claims_from_introspection(
                    &answer,
                    &self.provider.client_id,
                    &self.provider.endpoints.issuer,
                    clock::now(),
                )
                .map_err(|error| Verdict::Rejected(error.to_string()))?;
                Ok((claims, token.clone()))
            }
            HeaderCredential::Basic { user, password } => {
                let answer = self
                    .oidc
                    .client_credentials(&self.provider, user, password)
                    .await
                    .map_err(refused)?;
                let token = answer.access_token.expose_secret();
                let claims = tokens::check(&self.keys, &self.provider, clock::now(), |expect| {
                    token::verify(token, expect)
                })
                .await
                .map_err(|error| match error {
                    tokens::CheckError::Rejected(error) => Verdict::Rejected(error.to_string()),
                    tokens::CheckError::Unavailable(_) => {
                        Verdict::Unavailable(Reason::CoreUnavailable)
                    }
                })?;
                Ok((claims, answer.access_token))
            }
        }
    }
}

fn refused(error: OidcError) -> Verdict {
    match error {
        OidcError::Refused { .. } | OidcError::TooLarge(_) => Verdict::Rejected(error.to_string()),
        _ => {
            tracing::warn!(%error, "core could not check an Authorization header");
            Verdict::Unavailable(Reason::CoreUnavailable)
        }
    }
}

impl HeaderCredential {
    const fn scheme(&self) -> CredentialScheme {
        match self {
            Self::Bearer(_) => CredentialScheme::Bearer,
            Self::Basic { .. } => CredentialScheme::Basic,
        }
    }
}

/// `Bearer <token>` or `Basic <base64 of user:password>`, the scheme in any case (RFC 9110 11.1).
fn parse(value: &str) -> Option<HeaderCredential> {
    if value.len() > MAX_HEADER_BYTES {
        return None;
    }
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if rest.is_empty() {
        return None;
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(HeaderCredential::Bearer(SecretString::from(rest)));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    if user.is_empty() || password.is_empty() {
        return None;
    }
    let password = SecretString::from(password);
    Some(if user == TOKEN_USER {
        HeaderCredential::Bearer(password)
    } else {
        HeaderCredential::Basic { user: user.to_owned(), password }
    })
}

/// The value itself is never kept: its hash, with the provider's key, stands for it.
fn key_of(provider: &Provider, value: &str) -> HeaderKey {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"outpost header v1\0");
    context.update(&provider.pk.to_be_bytes());
    context.update(provider.client_id.as_bytes());
    context.update(b"\0");
    context.update(value.as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    HeaderKey(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(value: &str) -> Option<String> {
        parse(value).map(|credential| match credential {
            HeaderCredential::Bearer(token) => format!("bearer {}", token.expose_secret()),
            HeaderCredential::Basic { user, password } => {
                format!("basic {user} {}", password.expose_secret())
            }
        })
    }

    #[test]
    fn credentials_are_read_as_clients_send_them() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let cases = [
            ("Bearer abc".to_owned(), Some("bearer abc")),
            ("bearer  abc ".to_owned(), Some("bearer abc")),
            ("Bearer ".to_owned(), None),
            ("Bearer".to_owned(), None),
            (basic("alice:s3cr3t:with:colons"), Some("basic alice s3cr3t:with:colons")),
            (basic("goauthentik.io/token:abc"), Some("bearer abc")),
            (basic("alice:"), None),
            (basic(":x"), None),
            (basic("alice"), None),
            ("Basic !!!".to_owned(), None),
            ("Digest a=b".to_owned(), None),
            (format!("Bearer {}", "x".repeat(MAX_HEADER_BYTES)), None),
        ];
        for (value, expected) in cases {
            assert_eq!(described(&value).as_deref(), expected, "{value:.40}");
        }
    }
}
