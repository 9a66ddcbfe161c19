//! An application that keeps what it got, byte for byte.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::certificates::Authority;

/// An application that keeps every request, byte for byte, and answers 200 to each. It stops with
/// the test's runtime.
pub struct Capture {
    address: SocketAddr,
    state: Arc<Mutex<Captured>>,
    scheme: &'static str,
}

#[derive(Default)]
struct Captured {
    requests: Vec<String>,
    connections: usize,
}

impl Capture {
    /// Listens on a port of its own.
    ///
    /// # Panics
    /// When it finds none.
    pub async fn start() -> Self {
        Self::serving("http", serve).await
    }

    /// The same over TLS, with a certificate that nobody vouches for, for clients of HTTP/1.1. Those that
    /// agree to HTTP/2, which it offers as well, are kept as a request that says so.
    ///
    /// # Panics
    /// When it finds no port.
    pub async fn tls() -> Self {
        let (chain, key) = Authority::new().issue(&["127.0.0.1".to_owned()]);
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(|it| it.expect("PEM"));
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain.collect(), key)
            .expect("a certificate");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::serving("https", move |stream, shared| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let chosen = stream.get_ref().1.alpn_protocol();
                if chosen == Some(b"h2") {
                    lock(&shared).requests.push("HTTP/2 was agreed upon".to_owned());
                } else {
                    serve(stream, shared).await;
                }
            }
        })
        .await
    }

    /// Listens on a port of its own, and does `each` with every connection.
    async fn serving<F>(
        scheme: &'static str,
        each: impl Fn(TcpStream, Arc<Mutex<Captured>>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::<Mutex<Captured>>::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                lock(&shared).connections += 1;
                tokio::spawn(each(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, scheme }
    }

    /// Its URL, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// What came since the last call.
    #[expect(clippy::must_use_candidate, reason = "it is also called to forget")]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).requests)
    }
}

fn lock(state: &Mutex<Captured>) -> MutexGuard<'_, Captured> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: Arc<Mutex<Captured>>) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await {
        let is_head = request.starts_with("HEAD ");
        lock(&state).requests.push(request);
        let body = if is_head { "" } else { "captured" };
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One request with its body; `None` at the end of the connection.
async fn read(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<String> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().expect("a length"));
    let chunked = text.contains("transfer-encoding: chunked");
    let end = loop {
        let body = &buffer[head..];
        if chunked {
            let last = body.windows(3).position(|three| three == b"0\r\n");
            if let Some(at) = last
                && body[at..].windows(4).any(|four| four == b"\r\n\r\n")
            {
                break buffer.len();
            }
        } else if body.len() >= length {
            break head + length;
        }
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    };
    let request = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end);
    Some(request)
}
