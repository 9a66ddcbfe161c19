//! Core's public keys (RFC 7517), as far as they can check a token's signature.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{TokenError, shown};
use crate::crypto::{base64url, from_base64url};

/// Most keys that are kept of a set. Core serves one for each provider.
const MAX_KEYS: usize = 64;

/// Public keys of a provider. Empty until fetched, and for providers whose tokens are signed with
/// the client secret (core then serves `{}`).
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: usize,
}

/// The answer is not a key set at all.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the key set is no JSON object with a list of keys")]
pub struct KeySetError;

#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// The one algorithm the key is for, where the set says so.
    only: Option<Algorithm>,
    kind: Kind,
    key: DecodingKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl KeySet {
    /// Whether `other` holds keys of the same ids, in the same order: nothing was rotated.
    #[must_use]
    pub fn has_same_ids(&self, other: &Self) -> bool {
        self.keys.iter().map(|key| &key.id).eq(other.keys.iter().map(|key| &key.id))
    }

    /// Reads a key set. Keys that cannot check a signature (symmetric, for encryption, of an
    /// unknown kind, too short, unreadable) are skipped and counted, as is what comes after the
    /// 64th.
    ///
    /// # Errors
    /// When `json` is no object, or its `keys` is there and no list.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let Ok(Value::Object(set)) = serde_json::from_slice(json) else {
            return Err(KeySetError);
        };
        let listed = match set.get("keys") {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Array(listed)) => listed,
            Some(_) => return Err(KeySetError),
        };
        let keys: Vec<Key> = listed
            .iter()
            .take(MAX_KEYS)
            .filter_map(|value| Key::parse(value.as_object()?))
            .collect();
        Ok(Self { skipped: listed.len() - keys.len(), keys })
    }

    /// Number of usable keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no usable key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Number of keys that were skipped.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The keys a token may be signed with: those of its `kid`; without one, the only key that
    /// fits the algorithm.
    pub(super) fn candidates(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
    ) -> Result<Vec<&DecodingKey>, TokenError> {
        let fitting = |key: &&Key| key.fits(algorithm);
        if let Some(id) = id {
            let mut named = self.keys.iter().filter(|key| key.id.as_deref() == Some(id)).peekable();
            if named.peek().is_none() {
                return Err(TokenError::UnknownKey(shown(id)));
            }
            let keys: Vec<_> = named.filter(fitting).map(|key| &key.key).collect();
            if keys.is_empty() {
                return Err(TokenError::Algorithm(format!("{algorithm:?}")));
            }
            return Ok(keys);
        }
        let keys: Vec<_> = self.keys.iter().filter(fitting).map(|key| &key.key).collect();
        match keys.len() {
            0 => Err(TokenError::NoKey),
            1 => Ok(keys),
            _ => Err(TokenError::AmbiguousKey),
        }
    }
}

impl Key {
    fn parse(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        if let Some(operations) = jwk.get("key_ops")
            && !operations.as_array()?.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let only = match jwk.get("alg") {
            None | Some(Value::Null) => None,
            Some(name) => Some(asymmetric(name.as_str()?)?),
        };
        let bytes = |name: &str| from_base64url(text(name)?);
        let (kind, key) = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let (modulus, exponent) = (bytes("n")?, bytes("e")?);
                // 2048 to 8192 bits, as the signature check demands.
                if !(256..=1024).contains(&modulus.len()) || exponent.is_empty() {
                    return None;
                }
                (Kind::Rsa, DecodingKey::from_rsa_raw_components(&modulus, &exponent))
            }
            ("EC", Some(curve @ ("P-256" | "P-384"))) => {
                let (kind, size) =
                    if curve == "P-256" { (Kind::P256, 32) } else { (Kind::P384, 48) };
                let (x, y) = (coordinate(&bytes("x")?, size)?, coordinate(&bytes("y")?, size)?);
                (kind, DecodingKey::from_ec_components(&x, &y).ok()?)
            }
            ("OKP", Some("Ed25519")) => {
                if bytes("x")?.len() != 32 {
                    return None;
                }
                (Kind::Ed25519, DecodingKey::from_ed_components(text("x")?).ok()?)
            }
            _ => return None,
        };
        if only.is_some_and(|only| kind_of(only) != Some(kind)) {
            return None;
        }
        Some(Self { id: text("kid").map(str::to_owned), only, kind, key })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        kind_of(algorithm) == Some(self.kind) && self.only.is_none_or(|only| only == algorithm)
    }
}

/// A coordinate in full length. Older cores leave out leading zeros, which RFC 7518 section
/// 6.2.1.2 forbids, so that one in 128 of their keys is shorter.
fn coordinate(bytes: &[u8], size: usize) -> Option<String> {
    let missing = size.checked_sub(bytes.len())?;
    let mut full = vec![0; missing];
    full.extend_from_slice(bytes);
    Some(base64url(&full))
}

/// The asymmetric algorithm of this name. Symmetric ones and `none` are no such algorithm.
pub(super) fn asymmetric(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

fn kind_of(algorithm: Algorithm) -> Option<Kind> {
    match algorithm {
        Algorithm::RS256
        | Algorithm::RS384
        | Algorithm::RS512
        | Algorithm::PS256
        | Algorithm::PS384
        | Algorithm::PS512 => Some(Kind::Rsa),
        Algorithm::ES256 => Some(Kind::P256),
        Algorithm::ES384 => Some(Kind::P384),
        Algorithm::EdDSA => Some(Kind::Ed25519),
        _ => None,
    }
}
