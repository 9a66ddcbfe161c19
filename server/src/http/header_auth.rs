//! Header authentication: machines that sign in with each request (contract 11).

mod check;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use outpost_decision::decide::Credential;
use outpost_decision::decision::{CredentialOutcome, CredentialScheme, Reason};
use outpost_decision::facts::Headers;
use outpost_decision::provider::Provider;
use secrecy::SecretString;

use super::credentials::{Credentials, LiveSession};
use super::exchange::{Exchange, Facts};
use super::recheck::{self, Doubt};
use crate::session::SessionId;
use crate::session::header_cache::{HeaderKey, Keep};

use self::check::Check;
use self::shared::Place;

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
    Accepted { id: SessionId },
    Rejected(Refusal, String),
    Unavailable(Reason),
}

/// How core refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The credential counts no more, or never did: what was begun with it is over.
    Plain,
    /// What core said is not what we expect: perhaps a mistake of somebody's, and no end of
    /// anything.
    Odd,
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
    let mut result = ask(exchange, facts, key, &credential).await;
    let mut found = live(exchange, facts, &result).await;
    if let Some(Err(Doubt::Ended)) = found {
        // The session was revoked since: core decides anew.
        gateway.header_results.forget(&key);
        result = ask(exchange, facts, key, &credential).await;
        found = live(exchange, facts, &result).await;
    }
    Some(match &result.verdict {
        Verdict::Accepted { .. } => match found {
            Some(Ok(live)) => {
                Credentials { session: Some(live), ..credentials(scheme, CredentialOutcome::Valid) }
            }
            Some(Err(Doubt::Unavailable(reason))) => credentials(scheme, unavailable(reason)),
            Some(Err(Doubt::Ended)) | None => {
                credentials(scheme, CredentialOutcome::Rejected(Reason::SessionUnknown))
            }
        },
        Verdict::Rejected(_, message) => Credentials {
            header_message: Some(message.clone()),
            ..credentials(scheme, CredentialOutcome::Rejected(Reason::HeaderRejected))
        },
        Verdict::Unavailable(reason) => credentials(scheme, unavailable(*reason)),
    })
}

/// The session of an accepted header. What is cached of a result may have been revoked since: the
/// sessions have the last word, and core where it was not heard for a while.
async fn live(
    exchange: &Exchange<'_>,
    facts: &Facts,
    result: &HeaderResult,
) -> Option<Result<LiveSession, Doubt>> {
    let Verdict::Accepted { id } = &result.verdict else { return None };
    Some(match exchange.session(id).await {
        Ok(Some(session)) => {
            let live = LiveSession { id: id.clone(), session, needs_cookie: true };
            recheck::settle(exchange, &facts.provider, live).await
        }
        Ok(None) => Err(Doubt::Ended),
        Err(_) => Err(Doubt::Unavailable(Reason::StoreUnavailable)),
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
    credential: &HeaderCredential,
) -> Arc<HeaderResult> {
    let gateway = exchange.gateway();
    // What a check needs is made for a check only: machines come with each request.
    if let Some(known) = gateway.header_results.get(key, exchange.now) {
        return known;
    }
    let check = Check {
        oidc: exchange.oidc(),
        keys: gateway.keys.clone(),
        sessions: gateway.sessions.clone(),
        provider: Arc::clone(&facts.provider),
        credential: credential.clone(),
        place: Place::new(&facts.provider, &key),
        now: exchange.now,
        verified: exchange.verified(),
        client_address: facts.origin.client,
        failures: Arc::clone(&gateway.header_failures),
        metrics: Arc::clone(&gateway.metrics),
        user_agent: exchange.user_agent(),
        accepted: gateway.policy.header_ttl,
        rejected: gateway.policy.header_negative_ttl,
        lifetime: gateway.policy.lifetimes.of(&facts.provider.application_slug),
    };
    gateway.header_results.get_or_check(key, exchange.now, move || check.run()).await
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
    use secrecy::ExposeSecret;

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
            (format!("Bearer {}", "x".repeat(MAX_HEADER_BYTES - "Bearer ".len() + 1)), None),
        ];
        let longest = "x".repeat(MAX_HEADER_BYTES - "Bearer ".len());
        let read = described(&format!("Bearer {longest}"));
        assert_eq!(read, Some(format!("bearer {longest}")), "at the limit");
        for (value, expected) in cases {
            assert_eq!(described(&value).as_deref(), expected, "{value:.40}");
        }
    }
}
