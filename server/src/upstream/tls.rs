//! TLS towards upstreams: verified or not, HTTP/1.1 or HTTP/2.

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use tokio_rustls::TlsConnector;

use super::application::HttpVersion;
use crate::any_certificate::AnyCertificate;

/// The four ways TLS is spoken to upstreams.
#[derive(Clone)]
pub(super) struct Tls {
    verified: Offers,
    unverified: Offers,
}

/// What we show an upstream that asks who we are.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

#[derive(Clone)]
struct Offers {
    http1: TlsConnector,
    http2: TlsConnector,
}

/// The roots of the system (`SSL_CERT_FILE` and `SSL_CERT_DIR` count) and `extra`.
pub(super) fn roots(
    extra: &[CertificateDer<'static>],
) -> Result<Arc<RootCertStore>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a trusted certificate of the system cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    for root in extra {
        roots.add(root.clone())?;
    }
    Ok(Arc::new(roots))
}

impl Tls {
    /// Builds the configurations.
    pub(super) fn new(
        roots: &Arc<RootCertStore>,
        identity: Option<&Identity>,
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
        };
        let verified = builder()?.with_root_certificates(Arc::clone(roots));
        let any = Arc::new(AnyCertificate::new(Arc::clone(&provider)));
        let unverified = builder()?.dangerous().with_custom_certificate_verifier(any);
        Ok(Self {
            verified: Offers::of(finish(verified, identity)?),
            unverified: Offers::of(finish(unverified, identity)?),
        })
    }

    pub(super) const fn connector(&self, verify: bool, http: HttpVersion) -> &TlsConnector {
        let offers = if verify { &self.verified } else { &self.unverified };
        match http {
            HttpVersion::One => &offers.http1,
            HttpVersion::Two => &offers.http2,
        }
    }
}

fn finish(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, rustls::Error> {
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some(Identity { chain, key }) => {
            builder.with_client_auth_cert(chain.clone(), key.clone_key())
        }
    }
}

impl Offers {
    /// Neither version is reached by accident: ALPN names the one that was chosen, alone.
    fn of(mut config: ClientConfig) -> Self {
        let mut http2 = config.clone();
        http2.alpn_protocols = vec![b"h2".to_vec()];
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            http1: TlsConnector::from(Arc::new(config)),
            http2: TlsConnector::from(Arc::new(http2)),
        }
    }
}
