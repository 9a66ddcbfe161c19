//! Tokens signed with a key of a key set.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RsaKeyPair,
};
use base64::Engine;
use jsonwebtoken::Algorithm;

use super::*;

/// A key pair: what signs, and its public half as a JWK without `kid`.
struct Pair {
    encoding: EncodingKey,
    jwk: Value,
}

fn p256() -> Pair {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    ec(&pair, "P-256", 32)
}

fn p384() -> Pair {
    let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    ec(&pair, "P-384", 48)
}

fn ec(pair: &EcdsaKeyPair, curve: &str, size: usize) -> Pair {
    let point = &pair.public_key().as_ref()[1..];
    let der = pair.to_pkcs8v1().unwrap();
    Pair {
        encoding: EncodingKey::from_ec_der(der.as_ref()),
        jwk: json!({
            "kty": "EC", "crv": curve,
            "x": base64url(&point[..size]), "y": base64url(&point[size..]),
        }),
    }
}

fn ed25519() -> Pair {
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.to_pkcs8().unwrap();
    Pair {
        encoding: EncodingKey::from_ed_der(der.as_ref()),
        jwk: json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key().as_ref())}),
    }
}

fn rsa() -> Pair {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let der = pair.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64::engine::general_purpose::STANDARD.encode(der.as_ref())
    );
    Pair {
        encoding: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        jwk: json!({"kty": "RSA", "n": base64url(&parts.n), "e": base64url(&parts.e)}),
    }
}

fn named(pair: &Pair, kid: &str) -> Value {
    let mut jwk = pair.jwk.clone();
    jwk["kid"] = json!(kid);
    jwk
}

fn set(keys: &[Value]) -> Setting {
    Setting {
        signing: Signing::KeySet,
        keys: KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap(),
        ..Setting::secret()
    }
}

fn signed(pair: &Pair, algorithm: Algorithm, kid: Option<&str>) -> String {
    let mut header = JwtHeader::new(algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, &good(), &pair.encoding).unwrap()
}

#[test]
fn every_asymmetric_algorithm_verifies_with_its_key() {
    let (rsa, p256, p384, ed, other) = (rsa(), p256(), p384(), ed25519(), p256());
    let setting = set(&[named(&rsa, "r"), named(&p256, "e"), named(&p384, "f"), named(&ed, "d")]);
    assert_eq!((setting.keys.len(), setting.keys.skipped()), (4, 0));
    for (pair, kid, algorithm) in [
        (&rsa, "r", Algorithm::RS256),
        (&rsa, "r", Algorithm::RS384),
        (&rsa, "r", Algorithm::RS512),
        (&rsa, "r", Algorithm::PS256),
        (&rsa, "r", Algorithm::PS384),
        (&rsa, "r", Algorithm::PS512),
        (&p256, "e", Algorithm::ES256),
        (&p384, "f", Algorithm::ES384),
        (&ed, "d", Algorithm::EdDSA),
    ] {
        let with_kid = signed(pair, algorithm, Some(kid));
        assert!(verify(&with_kid, &setting.expect()).is_ok(), "{algorithm:?}");
        // Each algorithm has one fitting key here, so that a kid is not needed.
        let without = signed(pair, algorithm, None);
        assert!(verify(&without, &setting.expect()).is_ok(), "{algorithm:?} without kid");
    }
    let stranger = signed(&other, Algorithm::ES256, Some("e"));
    assert_eq!(verify(&stranger, &setting.expect()), Err(TokenError::Signature));
}

#[test]
fn unknown_missing_and_ambiguous_key_ids_are_told_apart() {
    let (first, second) = (p256(), p256());
    let setting = set(&[named(&first, "1"), named(&second, "2")]);
    let unknown = verify(&signed(&first, Algorithm::ES256, Some("3")), &setting.expect());
    assert_eq!(unknown, Err(TokenError::UnknownKey("3".to_owned())));
    assert!(unknown.unwrap_err().wants_new_keys());
    let none = verify(&signed(&first, Algorithm::ES256, None), &setting.expect());
    assert_eq!(none, Err(TokenError::AmbiguousKey));
    let empty = set(&[]);
    let token = signed(&first, Algorithm::ES256, None);
    assert_eq!(verify(&token, &empty.expect()), Err(TokenError::NoKey));
    assert!(TokenError::NoKey.wants_new_keys());
}

#[test]
fn the_key_must_fit_the_algorithm() {
    let (rsa, p256) = (rsa(), p256());
    let mut only_rs256 = named(&rsa, "r");
    only_rs256["alg"] = json!("RS256");
    let setting = set(&[only_rs256, named(&p256, "e")]);
    let wrong_kind = signed(&p256, Algorithm::ES256, Some("r"));
    let got = verify(&wrong_kind, &setting.expect());
    assert_eq!(got, Err(TokenError::Algorithm("ES256".to_owned())));
    let wrong_hash = signed(&rsa, Algorithm::PS256, Some("r"));
    let got = verify(&wrong_hash, &setting.expect());
    assert_eq!(got, Err(TokenError::Algorithm("PS256".to_owned())));
    assert!(verify(&signed(&rsa, Algorithm::RS256, Some("r")), &setting.expect()).is_ok());
}

/// The public key taken for an HMAC key: the classic confusion.
#[test]
fn a_token_signed_with_the_public_key_is_refused() {
    let pair = rsa();
    let setting = set(&[named(&pair, "r")]);
    let modulus = from_base64url(pair.jwk["n"].as_str().unwrap()).unwrap();
    for key in [modulus.as_slice(), pair.jwk.to_string().as_bytes(), b"a-client-secret", b""] {
        for name in ["HS256", "HS384", "HS512"] {
            let token = sign_with_header(&json!({"alg": name, "kid": "r"}), &good(), key);
            let got = verify(&token, &setting.expect());
            assert_eq!(got, Err(TokenError::Algorithm(name.to_owned())));
        }
        let mislabelled = sign_with_header(&json!({"alg": "RS256", "kid": "r"}), &good(), key);
        assert_eq!(verify(&mislabelled, &setting.expect()), Err(TokenError::Signature));
    }
}

#[test]
fn keys_that_a_token_brings_along_are_not_looked_at() {
    let (ours, theirs) = (p256(), p256());
    let setting = set(&[named(&ours, "e")]);
    let mut header = JwtHeader::new(Algorithm::ES256);
    header.kid = Some("e".to_owned());
    header.jwk = Some(serde_json::from_value(named(&theirs, "e")).unwrap());
    let token = jsonwebtoken::encode(&header, &good(), &theirs.encoding).unwrap();
    assert_eq!(verify(&token, &setting.expect()), Err(TokenError::Signature));
}

#[test]
fn an_rs256_token_is_refused_where_the_secret_signs() {
    let pair = rsa();
    let mut setting = set(&[named(&pair, "r")]);
    setting.signing = Signing::ClientSecret;
    let token = signed(&pair, Algorithm::RS256, Some("r"));
    assert_eq!(verify(&token, &setting.expect()), Err(TokenError::Algorithm("RS256".to_owned())));
}

#[test]
fn parse_skips_what_cannot_sign() {
    let (rsa, p256) = (rsa(), p256());
    let vary = |jwk: &Value, field: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[field] = value;
        jwk
    };
    let bad = [
        json!({"kty": "oct", "k": base64url(b"a-client-secret"), "kid": "o", "alg": "HS256"}),
        vary(&rsa.jwk, "use", json!("enc")),
        vary(&rsa.jwk, "key_ops", json!(["encrypt"])),
        vary(&rsa.jwk, "alg", json!("HS256")),
        vary(&rsa.jwk, "alg", json!("ES256")),
        vary(&rsa.jwk, "alg", json!("RSA-OAEP")),
        vary(&rsa.jwk, "n", json!(base64url(&[1; 128]))),
        vary(&rsa.jwk, "n", json!("not base64!")),
        vary(&rsa.jwk, "e", json!("")),
        vary(&p256.jwk, "crv", json!("P-384x")),
        vary(&p256.jwk, "x", json!(base64url(&[1; 33]))),
        vary(&p256.jwk, "kty", json!("RSA")),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"}),
        json!({}),
        json!("key"),
        json!(null),
    ];
    let mut all = bad.to_vec();
    all.push(named(&rsa, "good"));
    let keys = KeySet::parse(json!({ "keys": all }).to_string().as_bytes()).unwrap();
    assert_eq!((keys.len(), keys.skipped()), (1, bad.len()));
}

#[test]
fn parse_is_bounded_and_tolerant_and_honest() {
    let pair = p256();
    let many: Vec<_> = (0..1000).map(|n| named(&pair, &n.to_string())).collect();
    let keys = KeySet::parse(json!({ "keys": many }).to_string().as_bytes()).unwrap();
    assert_eq!((keys.len(), keys.skipped()), (64, 936));
    for empty in ["{}", r#"{"keys": []}"#, r#"{"keys": null}"#, r#"{"other": 1}"#] {
        assert!(KeySet::parse(empty.as_bytes()).unwrap().is_empty(), "{empty}");
    }
    for wrong in ["", "[]", "null", "\"keys\"", r#"{"keys": {}}"#, r#"{"keys": 1}"#, "<html>"] {
        assert!(KeySet::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    // What a real core serves for a provider that signs with its secret.
    let captured = exchanges("11_jwks.json").remove(0);
    let body = captured["response"]["body"].to_string();
    assert!(KeySet::parse(body.as_bytes()).unwrap().is_empty());
}

/// Cores before 2025 left out leading zeros of coordinates.
#[test]
fn a_coordinate_without_its_leading_zero_is_completed() {
    let pair = (0..100_000)
        .map(|_| p256())
        .find(|pair| from_base64url(pair.jwk["x"].as_str().unwrap()).unwrap()[0] == 0)
        .unwrap();
    let mut jwk = named(&pair, "e");
    let x = from_base64url(jwk["x"].as_str().unwrap()).unwrap();
    jwk["x"] = json!(base64url(&x[1..]));
    let setting = set(&[jwk]);
    assert!(verify(&signed(&pair, Algorithm::ES256, Some("e")), &setting.expect()).is_ok());
}
