//! What core says of a bearer token, judged by us (contract 11; RFC 7662).

use serde_json::Value;

use super::{TokenError, check_audience, check_end, check_issuer, claims_of};
use crate::claims::Claims;
use crate::time::Timestamp;

/// Claims from an introspection answer.
///
/// `active: true` is not enough: with `jwt_federation_providers` core calls tokens of other
/// providers active, and answers with the other provider's `client_id`, `aud` and `iss`. All
/// three must be ours. `exp` is given no leeway; `nbf` and `iat` are left to core, which has just
/// judged them by its own clock.
///
/// # Errors
/// [`TokenError::Inactive`] when core says that it is not active, and the others where the answer
/// is none or does not fit this provider.
pub fn claims_from_introspection(
    answer: &[u8],
    client_id: &str,
    issuer: &str,
    now: Timestamp,
) -> Result<Claims, TokenError> {
    let Ok(Value::Object(answer)) = serde_json::from_slice(answer) else {
        return Err(TokenError::Malformed("the introspection answer is no JSON object"));
    };
    match answer.get("active") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Err(TokenError::Inactive),
        // A starting core answers every address with 200 and an `error`: that ends no session.
        _ => return Err(TokenError::Malformed("the answer does not say whether it is active")),
    }
    // Core always names the client; an answer that does not cannot be told from one of another.
    if answer.get("client_id").and_then(Value::as_str) != Some(client_id) {
        return Err(TokenError::Audience);
    }
    check_audience(&answer, client_id)?;
    check_issuer(&answer, issuer)?;
    check_end(&answer, now, 0)?;
    claims_of(answer, now)
}
