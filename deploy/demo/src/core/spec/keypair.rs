//! Key pairs of the stand-in core.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

/// A certificate with its private key, as core keeps them.
#[derive(Clone, Debug)]
pub struct KeyPairSpec {
    /// Name in core.
    pub name: String,
    /// Certificate chain, PEM.
    pub certificate_pem: String,
    /// Private key, PEM; empty if core has none.
    pub private_key_pem: String,
}

impl KeyPairSpec {
    /// A fresh self-signed certificate for these host names.
    ///
    /// # Errors
    /// A host name is not one, or the key cannot be made.
    pub fn self_signed(name: &str, hosts: &[&str]) -> Result<Self, rcgen::Error> {
        Self::generate(name, hosts, IsCa::NoCa)
    }

    /// A fresh self-signed certificate with the CA bit, as people make them by hand: strict verifiers refuse
    /// it as an end entity.
    ///
    /// # Errors
    /// A host name is not one, or the key cannot be made.
    pub fn self_signed_ca(name: &str, hosts: &[&str]) -> Result<Self, rcgen::Error> {
        Self::generate(name, hosts, IsCa::Ca(BasicConstraints::Unconstrained))
    }

    fn generate(name: &str, hosts: &[&str], is_ca: IsCa) -> Result<Self, rcgen::Error> {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = is_ca;
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            name: name.to_owned(),
            certificate_pem: certificate.pem(),
            private_key_pem: key.serialize_pem(),
        })
    }
}
