//! Checking tokens with the keys in effect, and once more with newer ones where that may help.

use std::sync::Arc;

use outpost_decision::claims::Claims;
use outpost_decision::provider::{Provider, Signing};
use outpost_decision::time::Timestamp;
use outpost_decision::token::{Expectation, KeySet, TokenError, claims_from_introspection};
use secrecy::SecretString;
use thiserror::Error;

use crate::clock;
use crate::keys::{KeyRequests, Keys, NoKeys};
use crate::oidc::{OidcClient, OidcError};

/// Seconds by which the clocks of core and this machine may differ.
const LEEWAY_SECONDS: i64 = 30;

/// Why nothing came of a token.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The token is not acceptable.
    #[error(transparent)]
    Rejected(#[from] TokenError),
    /// The keys to tell are not to be had.
    #[error("the keys of core cannot be fetched: {0}")]
    Unavailable(String),
}

/// Runs `check` with what this provider's tokens must fulfil; with fresh keys a second time when
/// the first says that a key is unknown.
///
/// # Errors
/// See [`CheckError`].
pub async fn check<T>(
    keys: &KeyRequests,
    provider: &Provider,
    now: Timestamp,
    check: impl Fn(&Expectation<'_>) -> Result<T, TokenError>,
) -> Result<T, CheckError> {
    let with = |set: &KeySet| {
        check(&Expectation {
            issuer: &provider.endpoints.issuer,
            audience: &provider.client_id,
            signing: provider.signing,
            client_secret: &provider.client_secret,
            keys: set,
            now,
            leeway: LEEWAY_SECONDS,
        })
    };
    let url = match (provider.signing, &provider.endpoints.jwks) {
        (Signing::ClientSecret, _) => return Ok(with(&KeySet::default())?),
        (Signing::KeySet, Some(url)) => url,
        (Signing::KeySet, None) => return Err(TokenError::NoKey.into()),
    };
    let Keys { set, attempt } = keys.current(url).await.map_err(unavailable)?;
    let rejected = match with(&set) {
        Err(error) if error.wants_new_keys() => error,
        result => return Ok(result?),
    };
    match keys.newer(url, attempt).await {
        Ok(Keys { set, .. }) => Ok(with(Arc::as_ref(&set))?),
        Err(NoKeys::UpToDate) => Err(rejected.into()),
        Err(error) => Err(unavailable(error)),
    }
}

/// What core says of a token by introspection.
#[derive(Debug)]
pub enum Said {
    /// It is good.
    Active(Box<Claims>),
    /// It is over: [`TokenError::Inactive`] or [`TokenError::Expired`].
    Over(TokenError),
    /// It is active, but not as it should be: rather a mistake of somebody's than an end.
    Odd(TokenError),
}

/// Asks core about a token of this provider's, and judges the answer.
///
/// # Errors
/// See [`OidcClient::introspect`].
pub async fn introspect(
    oidc: &OidcClient,
    provider: &Provider,
    token: &SecretString,
) -> Result<Said, OidcError> {
    let answer = oidc.introspect(provider, token).await?;
    let (client, issuer) = (&provider.client_id, &provider.endpoints.issuer);
    Ok(match claims_from_introspection(&answer, client, issuer, clock::now()) {
        Ok(claims) => Said::Active(Box::new(claims)),
        Err(error @ (TokenError::Inactive | TokenError::Expired)) => Said::Over(error),
        Err(error) => Said::Odd(error),
    })
}

fn unavailable(error: NoKeys) -> CheckError {
    CheckError::Unavailable(error.to_string())
}
