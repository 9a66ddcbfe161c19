//! TLS towards upstreams: verified or not, HTTP/2 offered or not.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::any_certificate::AnyCertificate;

/// The four ways TLS is spoken to upstreams.
#[derive(Clone)]
pub(super) struct Tls {
    verified: Offers,
    unverified: Offers,
}

#[derive(Clone)]
struct Offers {
    http1: TlsConnector,
    http2: TlsConnector,
}

impl Tls {
    /// Builds the configurations. Roots are the system's (`SSL_CERT_FILE` and `SSL_CERT_DIR`
    /// count) and `extra_roots`.
    pub(super) fn new(extra_roots: &[CertificateDer<'static>]) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());

        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a trusted certificate of the system cannot be read");
        }
        roots.add_parsable_certificates(found.certs);
        for root in extra_roots {
            roots.add(root.clone())?;
        }

        let verified = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let unverified = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate::new(provider)))
            .with_no_client_auth();

        Ok(Self { verified: Offers::of(verified), unverified: Offers::of(unverified) })
    }

    pub(super) const fn connector(&self, verify: bool, http2: bool) -> &TlsConnector {
        let offers = if verify { &self.verified } else { &self.unverified };
        if http2 { &offers.http2 } else { &offers.http1 }
    }
}

impl Offers {
    /// HTTP/2 is never reached by accident: unless it was chosen, ALPN names HTTP/1.1 alone.
    fn of(mut config: ClientConfig) -> Self {
        let mut http2 = config.clone();
        http2.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            http1: TlsConnector::from(Arc::new(config)),
            http2: TlsConnector::from(Arc::new(http2)),
        }
    }
}
