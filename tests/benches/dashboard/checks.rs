//! Forward-auth checks as fast as the outpost answers them, over connections that are kept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// Connections, and what is asked over each.
pub(crate) struct Checks {
    connections: Vec<Arc<Mutex<TcpStream>>>,
    request: Arc<[u8]>,
}

impl Checks {
    /// Connects. Checks are Traefik's, for a page of the signed-in owner of the cookies.
    pub(crate) async fn connect(
        at: SocketAddr,
        host: &str,
        cookies: &str,
        connections: usize,
    ) -> Self {
        let request = format!(
            "GET /outpost.goauthentik.io/auth/traefik HTTP/1.1\r\nHost: {host}\r\n\
             X-Forwarded-Proto: http\r\nX-Forwarded-Host: {host}:{port}\r\n\
             X-Forwarded-Uri: /page?x=1\r\nX-Forwarded-For: 192.0.2.7\r\n\
             Accept: text/html\r\nCookie: {cookies}\r\n\r\n",
            port = at.port()
        );
        let mut open = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(at).await.expect("a connection");
            stream.set_nodelay(true).expect("an option");
            open.push(Arc::new(Mutex::new(stream)));
        }
        Self { connections: open, request: request.into_bytes().into() }
    }

    /// Asks for this long; gives how many were answered in a second.
    pub(crate) async fn count(&self, turn: Duration) -> f64 {
        let over = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let asking: Vec<_> = self
            .connections
            .iter()
            .map(|connection| {
                let (connection, request) = (Arc::clone(connection), Arc::clone(&self.request));
                let (over, answered) = (Arc::clone(&over), Arc::clone(&answered));
                tokio::spawn(async move {
                    let mut connection = connection.lock().await;
                    let mut buffer = vec![0; 16 * 1024];
                    while !over.load(Ordering::Relaxed) {
                        check(&mut connection, &request, &mut buffer).await;
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        tokio::time::sleep(turn).await;
        over.store(true, Ordering::Relaxed);
        for asked in asking {
            asked.await.expect("every check is answered");
        }
        answered.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
    }
}

/// One question and its whole answer, which lets through.
async fn check(connection: &mut TcpStream, request: &[u8], buffer: &mut [u8]) {
    connection.write_all(request).await.expect("it is sent");
    let mut length = 0;
    loop {
        let read = connection.read(&mut buffer[length..]).await.expect("it is answered");
        assert!(read > 0, "the connection is kept");
        length += read;
        let text = &buffer[..length];
        let Some(head) = text.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        assert!(text.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(text));
        if length >= head + 4 + body(&text[..head]) {
            return;
        }
    }
}

/// Length of the body that a head announces.
fn body(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    line.and_then(|length| length.trim().parse().ok()).unwrap_or_default()
}
