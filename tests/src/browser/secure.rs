//! Requests over TLS, to a server of this machine: the client that the suites use otherwise has no
//! TLS.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::header::{HOST, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

/// A client that trusts these authorities alone.
pub(super) fn config(authorities: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        roots.add(certificate.expect("a certificate")).expect("an authority");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// One request on a connection of its own.
pub(super) async fn send(
    config: Arc<ClientConfig>,
    method: Method,
    url: &Url,
    mut headers: HeaderMap,
    body: Option<String>,
) -> Result<(StatusCode, HeaderMap, Vec<u8>), Box<dyn std::error::Error>> {
    let host = url.host_str().ok_or("a host")?.to_owned();
    let port = url.port_or_known_default().ok_or("a port")?;
    let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let name = ServerName::try_from(host.clone())?;
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    };
    headers.insert(HOST, HeaderValue::from_str(&authority)?);
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut request = hyper::Request::builder().method(method).uri(target);
    if let Some(all) = request.headers_mut() {
        *all = headers;
    }
    let request = request.body(Full::new(bytes::Bytes::from(body.unwrap_or_default())))?;
    let answer = client.send_request(request).await?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    connection.abort();
    Ok((parts.status, parts.headers, body))
}
