//! An authority of a test's own, and certificates that it issues.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};

/// A certificate authority.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// What goes with each certificate, so that the root is all that clients need: PEM.
    chain: String,
}

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ECDSA on P-256.
    Ecdsa,
    /// RSA with 2048 bits.
    Rsa,
}

impl Authority {
    /// A fresh root.
    #[must_use]
    pub fn new() -> Self {
        let (params, key) = authority("Test authority");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem, chain: String::new() }
    }

    /// An authority that this one has signed.
    #[must_use]
    pub fn below(&self) -> Self {
        let (params, key) = authority("Test intermediate");
        let pem = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        let chain = format!("{pem}{}", self.chain);
        Self { issuer: Issuer::new(params, key), pem, chain }
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these host names and addresses with its chain, and its key; both PEM.
    #[must_use]
    pub fn issue(&self, names: &[String]) -> (String, String) {
        self.issue_kind(names, Kind::Ecdsa)
    }

    /// The same with a key of this kind.
    #[must_use]
    pub fn issue_kind(&self, names: &[String], kind: Kind) -> (String, String) {
        let mut params = CertificateParams::new(names).expect("names");
        params.use_authority_key_identifier_extension = true;
        let key = match kind {
            Kind::Ecdsa => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Kind::Rsa => KeyPair::generate_for(&PKCS_RSA_SHA256),
        };
        let key = key.expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (format!("{}{}", certificate.pem(), self.chain), key.serialize_pem())
    }
}

fn authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    (params, KeyPair::generate().expect("a key"))
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
