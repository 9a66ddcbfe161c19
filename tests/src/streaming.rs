//! Very large bodies through an outpost: an application that takes and gives them, and a client
//! that does the reverse. Neither keeps more than a buffer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Bytes moved at a time.
const PIECE: usize = 256 * 1024;

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the application.
    Up,
    /// From the application to the client.
    Down,
}

/// Starts the application: it takes the body of a POST and answers with its length, and answers a
/// GET of `/<bytes>` with as many. It ends with the calling runtime.
///
/// # Panics
/// When it finds no port.
pub async fn application() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::with_capacity(PIECE, stream);
                while let Some((line, length)) = head(&mut stream).await {
                    let answered = if line.starts_with("POST") {
                        take(&mut stream, length).await;
                        let text = length.to_string();
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", text.len());
                        stream.write_all(format!("{head}\r\n{text}").as_bytes()).await
                    } else {
                        let path = line.split(' ').nth(1).unwrap_or_default();
                        let length = path.trim_start_matches('/').parse().unwrap_or(0);
                        give(&mut stream, "HTTP/1.1 200 OK\r\n", length).await
                    };
                    if answered.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// Moves `size` bytes through the outpost, for the application `host`, and says how long it took.
///
/// # Panics
/// When less arrives, or anything but 200.
pub async fn pass(outpost: SocketAddr, host: &str, direction: Direction, size: u64) -> Duration {
    let stream = TcpStream::connect(outpost).await.expect("the outpost listens");
    let mut stream = BufReader::with_capacity(PIECE, stream);
    let began = Instant::now();
    match direction {
        Direction::Up => {
            let head = format!("POST /upload HTTP/1.1\r\nHost: {host}\r\n");
            give(&mut stream, &head, size).await.expect("everything is taken");
            let (line, length) = head_of_answer(&mut stream).await;
            let mut said = vec![0; usize::try_from(length).expect("a short answer")];
            stream.read_exact(&mut said).await.expect("an answer");
            assert_eq!((line.as_str(), said), ("HTTP/1.1 200 OK", size.to_string().into_bytes()));
        }
        Direction::Down => {
            let head = format!("GET /{size} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.expect("a connection");
            let (line, length) = head_of_answer(&mut stream).await;
            assert_eq!((line.as_str(), length), ("HTTP/1.1 200 OK", size));
            take(&mut stream, size).await;
        }
    }
    began.elapsed()
}

async fn head_of_answer(stream: &mut BufReader<TcpStream>) -> (String, u64) {
    head(stream).await.expect("an answer")
}

/// The first line, and what `Content-Length` says; `None` at the end of the connection.
async fn head(stream: &mut BufReader<TcpStream>) -> Option<(String, u64)> {
    let (mut first, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            return first.map(|first| (first, length));
        }
        match line.to_ascii_lowercase().strip_prefix("content-length:") {
            Some(text) => length = text.trim().parse().ok()?,
            None => {
                first.get_or_insert_with(|| line.to_owned());
            }
        }
    }
}

async fn take(stream: &mut BufReader<TcpStream>, size: u64) {
    let mut body = stream.take(size);
    let taken = tokio::io::copy(&mut body, &mut tokio::io::sink()).await.expect("a body");
    assert_eq!(taken, size);
}

async fn give(stream: &mut BufReader<TcpStream>, head: &str, size: u64) -> std::io::Result<()> {
    stream.write_all(format!("{head}Content-Length: {size}\r\n\r\n").as_bytes()).await?;
    let piece = vec![b'x'; PIECE];
    let mut left = size;
    while left > 0 {
        let next = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        stream.write_all(piece.get(..next).unwrap_or_default()).await?;
        left -= next as u64;
    }
    stream.flush().await
}
