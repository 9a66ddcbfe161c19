//! TLS towards browsers: the provider's certificate by server name, else a self-signed one
//! (contract 12).
//!
//! The crypto provider is passed explicitly; no process-wide default is installed.

mod index;
mod inspect;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::cipher_suite;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig, SupportedCipherSuite};
use rustls::{SupportedProtocolVersion, version};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::publish::Published;

pub use index::{CertificateIndex, SniResolver};
pub use inspect::{covers, dns_names, validity_ends};

/// How long the self-signed certificate made at start is valid.
const SELF_SIGNED_VALIDITY: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How far back it is dated, for clients whose clocks are behind.
const SELF_SIGNED_BACKDATED: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a certificate or a TLS configuration cannot be used. Holds no key material.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TlsError {
    /// The chain holds no certificate, or one that is not PEM.
    #[error("the certificate chain cannot be read: {0}")]
    Chain(String),
    /// The key holds no private key that can be read without a pass phrase.
    #[error("the private key cannot be read: {0}")]
    Key(String),
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// Anything else: an algorithm not supported, a certificate older than X.509 version 3.
    #[error("the certificate cannot be used: {0}")]
    Unusable(String),
}

/// What browsers may choose from, the best first. Forward secrecy and authenticated encryption
/// throughout: no CBC, no RSA key exchange, nothing older. TLS 1.3 has its three suites; TLS 1.2 has
/// the same three ciphers behind ECDHE, for either kind of certificate. Every browser of the last
/// ten years has one of them.
pub const CIPHER_SUITES: [SupportedCipherSuite; 9] = [
    cipher_suite::TLS13_AES_256_GCM_SHA384,
    cipher_suite::TLS13_AES_128_GCM_SHA256,
    cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// The oldest version of TLS that clients may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oldest {
    /// TLS 1.2, RFC 5246 with what has become of it.
    Tls12,
    /// TLS 1.3, RFC 8446.
    Tls13,
}

impl Oldest {
    fn versions(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Tls12 => vec![&version::TLS13, &version::TLS12],
            Self::Tls13 => vec![&version::TLS13],
        }
    }
}

/// The one crypto library in use, with the suites above.
fn crypto() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: CIPHER_SUITES.to_vec(),
        ..rustls::crypto::aws_lc_rs::default_provider()
    }
}

/// Reads a certificate chain (end entity first) and its private key, both PEM.
///
/// RSA, ECDSA and Ed25519 keys in PKCS#1, SEC1 or PKCS#8 form are understood.
///
/// # Errors
/// See [`TlsError`]; a key of another certificate is one of them.
pub fn certified_key(
    chain_pem: &str,
    key_pem: &SecretString,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::Chain(error.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::Chain("it holds no certificate".into()));
    }
    // The parser's own message may quote what it read: only its kind is told.
    let key = PrivateKeyDer::from_pem_slice(key_pem.expose_secret().as_bytes()).map_err(|_| {
        TlsError::Key("it holds no unencrypted PKCS#1, SEC1 or PKCS#8 key in PEM form".into())
    })?;
    certify(chain, key)
}

fn certify(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, TlsError> {
    CertifiedKey::from_der(chain, key, &crypto()).map(Arc::new).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
        other => TlsError::Unusable(other.to_string()),
    })
}

/// A new self-signed certificate, for hosts that have none of their own.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn self_signed() -> Result<Arc<CertifiedKey>, TlsError> {
    let made = || -> Result<_, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        let now = SystemTime::now();
        params.not_before = (now - SELF_SIGNED_BACKDATED).into();
        params.not_after = (now + SELF_SIGNED_VALIDITY).into();
        params.distinguished_name.push(DnType::CommonName, "outpost default certificate");
        let certificate = params.self_signed(&key)?;
        Ok((certificate, key))
    };
    let (certificate, key) = made().map_err(|error| TlsError::Unusable(error.to_string()))?;
    certify(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
}

/// The configuration of the HTTPS listener: TLS from `oldest` on with [`CIPHER_SUITES`], HTTP/2 and
/// HTTP/1.1, certificates by server name from `index`, a fresh self-signed one for every other name
/// and for none.
///
/// A certificate published later takes effect at the next handshake; nothing needs a restart, and
/// connections go on.
///
/// # Errors
/// When no self-signed certificate can be made.
pub fn server_config(
    index: Published<CertificateIndex>,
    oldest: Oldest,
) -> Result<ServerConfig, TlsError> {
    let resolver = SniResolver::new(index, self_signed()?);
    let mut config = ServerConfig::builder_with_provider(Arc::new(crypto()))
        .with_protocol_versions(&oldest.versions())
        .map_err(|error| TlsError::Unusable(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
