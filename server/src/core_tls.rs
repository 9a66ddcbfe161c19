//! TLS towards core, and the HTTP client that speaks to it: REST, websocket and OAuth2 back
//! channel share one configuration and one set of limits.

mod given;

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use crate::any_certificate::AnyCertificate;
use given::GivenCertificates;

/// How core's certificate is checked.
#[derive(Clone, Debug)]
pub enum CoreTrust {
    /// Against the operating system's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured).
    NativeRoots,
    /// Against these authorities only. A certificate of core's own among them is trusted as it is.
    Given(Vec<CertificateDer<'static>>),
    /// None is accepted: for connections without TLS.
    Nobody,
    /// Not at all: `AUTHENTIK_INSECURE`.
    Nothing,
}

/// How long an idle connection is kept. Core's own server closes after 5 s; being earlier keeps
/// requests off connections that are just being closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(4);

/// Why no TLS configuration could be made.
#[derive(Debug, Error)]
pub enum CoreTlsError {
    /// A root certificate given to us cannot be used.
    #[error("a root certificate cannot be used: {0}")]
    Root(rustls::Error),
    /// The crypto library offers no TLS version we ask for.
    #[error("TLS cannot be set up: {0}")]
    Versions(rustls::Error),
}

/// How long core may take.
#[derive(Clone, Copy, Debug)]
pub struct CoreTimeouts {
    /// Until a connection stands, name resolution included; once more for the TLS handshake.
    pub connect: Duration,
    /// Until the response's head is there.
    pub response: Duration,
}

impl Default for CoreTimeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), response: Duration::from_secs(30) }
    }
}

/// The TLS configuration for connections to core. HTTP/1.1 only: core's websocket needs it, and
/// nothing here gains from HTTP/2.
///
/// A machine without root certificates is not an error here, since core may be reached without
/// TLS; handshakes then fail with `UnknownIssuer`.
///
/// # Errors
/// When a given root cannot be used.
pub fn client_config(trust: &CoreTrust) -> Result<ClientConfig, CoreTlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(CoreTlsError::Versions)?;
    let mut config = match trust {
        CoreTrust::Nothing => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate::new(provider)))
            .with_no_client_auth(),
        CoreTrust::NativeRoots => {
            let mut roots = RootCertStore::empty();
            // One unreadable root among many must not stop the program.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        CoreTrust::Nobody => {
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
        CoreTrust::Given(certificates) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(
                GivenCertificates::new(certificates, provider).map_err(CoreTlsError::Root)?,
            ))
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// An HTTP client for core, one per worker thread: no redirects (credentials must not follow
/// one), no shared state with other workers.
#[must_use]
pub fn http_client(tls: Arc<ClientConfig>, timeouts: CoreTimeouts) -> awc::Client {
    let connector = awc::Connector::new()
        .rustls_0_23(tls)
        .timeout(timeouts.connect)
        .handshake_timeout(timeouts.connect)
        .conn_keep_alive(IDLE_CONNECTION);
    awc::Client::builder()
        .connector(connector)
        .timeout(timeouts.response)
        .disable_redirects()
        .finish()
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn self_signed(is_ca: IsCa) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let certificate = params.self_signed(&key).unwrap().der().clone();
        (certificate, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }

    /// Answers one request with 204 behind the given certificate; gives the port.
    async fn serve_once(
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> u16 {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let signer = provider.key_provider.load_private_key(key).unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            // Asks no questions: some of these tests serve what does not belong together.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
                vec![certificate],
                signer,
            ))));
        // It would rather speak HTTP/2, and answers in HTTP/1.1 alone.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        actix_rt::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        });
        port
    }

    async fn ask(trust: &CoreTrust, port: u16) -> Result<u16, String> {
        let client = http_client(Arc::new(client_config(trust).unwrap()), CoreTimeouts::default());
        client
            .get(format!("https://localhost:{port}/"))
            .send()
            .await
            .map(|answer| answer.status().as_u16())
            .map_err(|error| error.to_string())
    }

    #[actix_web::test]
    async fn insecure_accepts_a_self_signed_ca_certificate_as_end_entity() {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let (certificate, key) = self_signed(IsCa::Ca(BasicConstraints::Unconstrained));
            let port = serve_once(certificate, key, &[version]).await;
            assert_eq!(ask(&CoreTrust::Nothing, port).await, Ok(204));
        }
    }

    /// The client could speak HTTP/2, with an old library (RUSTSEC-2026-0258).
    #[actix_web::test]
    async fn core_is_spoken_to_in_http1_even_if_it_offers_more() {
        let (certificate, key) = self_signed(IsCa::NoCa);
        let trust = CoreTrust::Given(vec![certificate.clone()]);
        let port = serve_once(certificate, key, rustls::ALL_VERSIONS).await;
        assert_eq!(ask(&trust, port).await, Ok(204));
    }

    #[actix_web::test]
    async fn native_roots_refuse_a_self_signed_certificate() {
        let (certificate, key) = self_signed(IsCa::NoCa);
        let port = serve_once(certificate, key, rustls::ALL_VERSIONS).await;
        assert!(ask(&CoreTrust::NativeRoots, port).await.is_err());
    }

    /// What people do who have one machine and no authority (ak#4511, ak#25463).
    #[actix_web::test]
    async fn a_given_certificate_of_core_itself_is_trusted_and_no_other() {
        for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
            let (certificate, key) = self_signed(is_ca);
            let (another, another_key) = self_signed(is_ca);
            let trust = CoreTrust::Given(vec![certificate.clone()]);
            let port = serve_once(certificate, key, rustls::ALL_VERSIONS).await;
            assert_eq!(ask(&trust, port).await, Ok(204));
            let port = serve_once(another, another_key, rustls::ALL_VERSIONS).await;
            assert!(ask(&trust, port).await.is_err());
        }
    }

    #[actix_web::test]
    async fn whoever_shows_a_given_certificate_must_have_its_key() {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let (certificate, _) = self_signed(IsCa::NoCa);
            let (_, another_key) = self_signed(IsCa::NoCa);
            let trust = CoreTrust::Given(vec![certificate.clone()]);
            let port = serve_once(certificate, another_key, &[version]).await;
            assert!(ask(&trust, port).await.is_err());
        }
    }

    #[actix_web::test]
    async fn what_a_given_authority_issues_is_trusted_for_its_names_only() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap().der().clone();
        let issuer = rcgen::Issuer::new(params, key);
        let trust = CoreTrust::Given(vec![authority]);
        for (name, trusted) in [("localhost", true), ("elsewhere.test", false)] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let issued = params.signed_by(&key, &issuer).unwrap().der().clone();
            let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            let port = serve_once(issued, key, rustls::ALL_VERSIONS).await;
            assert_eq!(ask(&trust, port).await.is_ok(), trusted, "{name}");
        }
    }

    #[test]
    fn a_file_without_certificates_trusts_nobody_and_is_a_mistake() {
        assert!(client_config(&CoreTrust::Given(Vec::new())).is_err());
    }
}
