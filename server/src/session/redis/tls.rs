//! TLS towards Redis.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;
use thiserror::Error;

use super::options::RedisTls;

/// Why no TLS towards Redis can be set up. Holds nothing of a key.
#[derive(Debug, Error)]
pub enum RedisTlsError {
    /// The authorities are no PEM bundle of certificates, or an empty one.
    #[error("the authorities are not PEM certificates")]
    Authorities,
    /// Our own certificate is not PEM.
    #[error("the client certificate is not PEM certificates")]
    Certificate,
    /// The key of our own certificate is not PEM.
    #[error("the client key is no PEM private key")]
    Key,
    /// The parts do not fit together.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The configuration for every connection.
pub(super) fn client_config(options: &RedisTls) -> Result<Arc<ClientConfig>, RedisTlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder.with_root_certificates(roots(options.authorities.as_deref())?);
    let config = match &options.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let chain = certificates(&client.certificate).ok_or(RedisTlsError::Certificate)?;
            let key = PrivateKeyDer::from_pem_slice(client.key.expose_secret().as_bytes())
                .map_err(|_| RedisTlsError::Key)?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    Ok(Arc::new(config))
}

fn roots(authorities: Option<&[u8]>) -> Result<RootCertStore, RedisTlsError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(pem) => {
            for certificate in certificates(pem).ok_or(RedisTlsError::Authorities)? {
                roots.add(certificate)?;
            }
        }
        None => {
            // One unreadable root among many must not stop the program.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

/// The certificates of a bundle, `None` unless there is one at least.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
    Some(found).filter(|found| !found.is_empty())
}
