//! What all connections together have measured.

use std::error::Error;
use std::net::SocketAddr;

use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::histogram::Histogram;

/// A connection on which small messages go at once.
pub(crate) async fn connect(at: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(at).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Waits for every connection's end and prints the figures; load began at `began`.
///
/// # Errors
/// The first connection's that failed.
pub(crate) async fn print(
    began: Instant,
    connections: Vec<JoinHandle<Result<Histogram, String>>>,
) -> Result<(), Box<dyn Error>> {
    let mut all = Histogram::new();
    for connection in connections {
        all.merge(&connection.await??);
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({
            "requests": all.total(),
            "seconds": seconds,
            "rate": all.total() as f64 / seconds,
            "microseconds": all.figures(),
        })
    );
    Ok(())
}
