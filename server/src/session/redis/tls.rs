//! TLS towards Redis.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use super::options::RedisTls;
use crate::pem;

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
            let chain = pem::certificates(&client.certificate).ok_or(RedisTlsError::Certificate)?;
            let key = pem::private_key(&client.key).ok_or(RedisTlsError::Key)?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    Ok(Arc::new(config))
}

fn roots(bundle: Option<&[u8]>) -> Result<RootCertStore, RedisTlsError> {
    let mut roots = RootCertStore::empty();
    match bundle {
        Some(pem) => {
            for certificate in pem::certificates(pem).ok_or(RedisTlsError::Authorities)? {
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
