//! Digests, random text and token signatures of the stand-in core.

use aws_lc_rs::{
    digest, hmac,
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;

use super::spec::Signing;

/// `length` random characters, letters a to f and digits.
pub(crate) fn random_text(length: usize) -> String {
    let mut text = String::with_capacity(length + 32);
    while text.len() < length {
        text.push_str(&Uuid::new_v4().simple().to_string());
    }
    text.truncate(length);
    text
}

/// SHA-256, lower-case hex.
pub(crate) fn sha256_hex(data: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, data))
}

/// Fingerprint with colons, as core shows it.
pub(crate) fn fingerprint(algorithm: &'static digest::Algorithm, der: &[u8]) -> String {
    digest::digest(algorithm, der)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}

/// The `S256` challenge of a PKCE verifier (RFC 7636, section 4.2).
pub(crate) fn pkce_s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// A provider's signing key.
pub(crate) enum SigningKey {
    /// The client secret is the key.
    ClientSecret,
    /// An RSA key and its id.
    Rsa(rsa::KeyPair, String),
    /// A P-256 key and its id.
    Ec(EcdsaKeyPair, String),
}

/// A key could not be generated or used.
#[derive(Debug, thiserror::Error)]
#[error("the stand-in core could not make or use a signing key")]
pub struct KeyError;

impl SigningKey {
    pub(crate) fn generate(signing: Signing) -> Result<Self, KeyError> {
        let kid = random_text(32);
        match signing {
            Signing::ClientSecret => Ok(Self::ClientSecret),
            Signing::Rs256 => rsa::KeyPair::generate(rsa::KeySize::Rsa2048)
                .map(|key| Self::Rsa(key, kid))
                .map_err(|_| KeyError),
            Signing::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .map(|key| Self::Ec(key, kid))
                .map_err(|_| KeyError),
        }
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        match self {
            Self::ClientSecret => None,
            Self::Rsa(_, kid) | Self::Ec(_, kid) => Some(kid),
        }
    }

    pub(crate) fn sign(&self, client_secret: &str, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::ClientSecret => Ok(hmac_sha256(client_secret.as_bytes(), message)),
            Self::Rsa(key, _) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| KeyError)?;
                Ok(signature)
            }
            Self::Ec(key, _) => key
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| KeyError),
        }
    }

    /// The key as an entry of a JWKS; `None` for a shared secret.
    pub(crate) fn jwk(&self) -> Option<Value> {
        match self {
            Self::ClientSecret => None,
            Self::Rsa(key, kid) => {
                let (modulus, exponent) = rsa_components(key.public_key().as_ref())?;
                Some(json!({
                    "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid,
                    "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent),
                }))
            }
            Self::Ec(key, kid) => {
                let point = key.public_key().as_ref();
                Some(json!({
                    "kty": "EC", "alg": "ES256", "use": "sig", "crv": "P-256", "kid": kid,
                    "x": URL_SAFE_NO_PAD.encode(point.get(1..33)?), "y": URL_SAFE_NO_PAD.encode(point.get(33..65)?),
                }))
            }
        }
    }
}

/// HMAC-SHA256 of a message.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

/// Modulus and exponent out of a DER `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn rsa_components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = der_value(der, 0x30)?;
    let (modulus, rest) = der_value(sequence, 0x02)?;
    let (exponent, _) = der_value(rest, 0x02)?;
    Some((strip_sign(modulus), strip_sign(exponent)))
}

fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        (bytes.iter().fold(0_usize, |value, &byte| value << 8 | usize::from(byte)), rest)
    };
    rest.split_at_checked(length)
}

fn strip_sign(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

/// JSON with every non-ASCII character as `\uXXXX`, as core's tokens and OAuth2 answers have it.
pub(crate) fn ascii_json(value: &Value) -> String {
    let mut ascii = String::new();
    for character in value.to_string().chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_ascii_is_escaped_and_reads_back() {
        let value = json!({"name": "Ä 𝄞"});
        let text = ascii_json(&value);
        assert_eq!(text, r#"{"name":"\u00c4 \ud834\udd1e"}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        assert_eq!(
            pkce_s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn an_rsa_key_shows_a_2048_bit_modulus() {
        let jwk = SigningKey::generate(Signing::Rs256).unwrap().jwk().unwrap();
        let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
        assert_eq!((modulus.len(), jwk["e"].as_str()), (256, Some("AQAB")));
    }
}
