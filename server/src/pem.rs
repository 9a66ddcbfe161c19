//! Certificates and keys as PEM texts, as operators hand them to us.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};

/// The certificates of a bundle, in order; `None` where one of them cannot be read, or there is
/// none.
#[must_use]
pub(crate) fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
    Some(found).filter(|found| !found.is_empty())
}

/// The first private key of a text, be it PKCS#8, PKCS#1 or SEC1; `None` where there is none.
#[must_use]
pub(crate) fn private_key(pem: &SecretString) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pem_is_nothing() {
        assert!(certificates(b"").is_none());
        assert!(
            certificates(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----").is_none()
        );
        assert!(private_key(&SecretString::from("key")).is_none());
    }

    #[test]
    fn a_chain_keeps_its_order_and_a_key_may_follow() {
        let [one, two] = ["one", "two"]
            .map(|name| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap());
        let key = one.signing_key.serialize_pem();
        let bundle = format!("{}{}{key}", one.cert.pem(), two.cert.pem());
        let found = certificates(bundle.as_bytes()).unwrap();
        assert_eq!(found, [one.cert.der().clone(), two.cert.der().clone()]);
        assert!(private_key(&SecretString::from(bundle)).is_some());
    }
}
