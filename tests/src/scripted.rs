//! A server that answers as it is told to, well or badly: an outpost that fails, an application
//! that counts.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::wait;

/// Where readiness is asked for, and always there.
const PING: &str = " /outpost.goauthentik.io/ping ";

/// Largest head that is read, in bytes.
const HEAD: usize = 1 << 20;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// These bytes, and the connection is closed.
    Says(String),
    /// These bytes, and the connection is reset.
    Breaks(String),
    /// Nothing, for as long as the client waits.
    Hangs,
}

/// The server. Dropping it closes its port; connections end by themselves.
#[derive(Debug)]
pub struct Scripted {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    asked: AtomicUsize,
    heads: Mutex<Vec<String>>,
}

impl Scripted {
    /// Listens on a port of its own of 127.0.0.1. Every request but one for the outpost's ping is
    /// answered by the script.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            asked: AtomicUsize::new(0),
            heads: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self { address, shared, accepting }
    }

    /// A server that answers 200 with this text.
    pub async fn saying(text: &str) -> Self {
        let length = text.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{text}");
        Self::start(Script::Says(answer)).await
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the next requests come to.
    pub fn plays(&self, script: Script) {
        *self.shared.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    /// Closes its port; returns when nobody listens there any more.
    pub async fn leaves(&self) {
        self.accepting.abort();
        wait::until_async("a closed port", async || match TcpStream::connect(self.address).await {
            Ok(_) => Err("somebody listens".to_owned()),
            Err(_) => Ok(()),
        })
        .await;
    }

    /// How many requests there were, pings left out.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// The head of the last request, pings left out.
    #[must_use]
    pub fn last_head(&self) -> Option<String> {
        self.shared.heads.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One request of a connection.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(read) if read > 0 && head.len() < HEAD => {}
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let script = if head.contains(PING) {
        Script::Says("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_owned())
    } else {
        shared.heads.lock().unwrap_or_else(PoisonError::into_inner).push(head);
        shared.asked.fetch_add(1, Ordering::SeqCst);
        shared.script.lock().unwrap_or_else(PoisonError::into_inner).clone()
    };
    match script {
        Script::Says(text) => {
            // Whoever asked may be gone.
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
            // What is unread would turn the end into a reset.
            drain(&mut stream).await;
        }
        Script::Breaks(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.set_zero_linger();
        }
        Script::Hangs => drain(&mut stream).await,
    }
}

/// Reads until the client ends, for a minute at most.
async fn drain(stream: &mut TcpStream) {
    let mut rest = [0; 4096];
    let reading = async { while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
    let _ = tokio::time::timeout(Duration::from_secs(60), reading).await;
}
