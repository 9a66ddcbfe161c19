//! A little HTTP server that keeps what is posted to it: a collector of traces, a receiver of
//! error reports.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Longest that something posted is awaited.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server. It ends with the runtime that it was started in.
pub struct Receiver {
    address: SocketAddr,
    answer: Arc<Mutex<String>>,
    posts: watch::Receiver<Vec<Post>>,
}

/// Something that was posted.
#[derive(Clone, Debug)]
pub struct Post {
    /// The path.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Post {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Receiver {
    /// Listens on a port of its own and answers 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let answer = Arc::new(Mutex::new(String::new()));
        let (keep, posts) = watch::channel(Vec::new());
        let (keep, answers) = (Arc::new(keep), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&keep), Arc::clone(&answers)));
            }
        });
        let receiver = Self { address, answer, posts };
        receiver.answer(200, "");
        receiver
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers so from now on; `headers` end with a line break each.
    pub fn answer(&self, status: u16, headers: &str) {
        *lock(&self.answer) =
            format!("HTTP/1.1 {status} Said\r\n{headers}content-length: 0\r\n\r\n");
    }

    /// Everything so far.
    #[must_use]
    pub fn posts(&self) -> Vec<Post> {
        self.posts.borrow().clone()
    }

    /// Waits until `found` finds something in all that was posted.
    pub async fn wait<T>(&self, what: &str, found: impl Fn(&[Post]) -> Option<T>) -> T {
        let mut posts = self.posts.clone();
        let wanted = posts.wait_for(|posts| found(posts).is_some());
        let result = tokio::time::timeout(PATIENCE, wanted).await;
        if let Ok(Ok(posts)) = &result
            && let Some(found) = found(posts)
        {
            return found;
        }
        drop(result);
        panic!("not posted: {what}; but {:#?}", self.posts());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(
    mut stream: TcpStream,
    keep: Arc<watch::Sender<Vec<Post>>>,
    answer: Arc<Mutex<String>>,
) {
    let mut buffer = Vec::new();
    while let Some(post) = read(&mut stream, &mut buffer).await {
        keep.send_modify(|posts| posts.push(post));
        let answer = lock(&answer).clone();
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One request with a `Content-Length`.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Post> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
    let mut lines = text.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.and_then(|(_, length)| length.parse().ok()).unwrap_or(0);
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    Some(Post { path, headers, body })
}
