//! The tunnel of an upgraded connection: bytes both ways, whatever they mean.
//!
//! A task of its own runs it, so that one direction goes on while the other is blocked. It ends,
//! and with it both connections, when either side ends, when the session or the program ends, or
//! when nothing moved for too long. Clients of websockets are told why.

mod websocket;

use std::future::pending;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::FutureExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;

use self::websocket::{GOODBYE, Why};
use super::Ended;
use super::exchange::Exchange;
use crate::drain::Drain;
use crate::randomness;

/// Bytes read from a side at a time.
const READ: usize = 16 * 1024;
/// Both ends of a tunnel, each there once its 101 has been written or read.
pub(super) struct Ends {
    pub(super) client: OnUpgrade,
    pub(super) upstream: OnUpgrade,
}

/// Starts the tunnel. `websocket`: whether its ends speak in frames, and a client that stops sending
/// is a client that is gone; in other protocols (`docker exec`) it has said all it has to say and
/// listens on.
pub(super) fn open(
    ends: Ends,
    websocket: bool,
    exchange: Rc<Exchange>,
    idle: Duration,
    ended: Option<Ended>,
    drain: Drain,
) {
    actix_rt::spawn(async move {
        let why = over(ended, drain).boxed_local().shared();
        let tunnel = async {
            match tokio::try_join!(ends.client, ends.upstream) {
                Ok((client, upstream)) => {
                    let (client, upstream) = (TokioIo::new(client), TokioIo::new(upstream));
                    match websocket {
                        true => websocket::run(client, upstream, &exchange, why.clone()).await,
                        false => run(client, upstream, &exchange).await,
                    }
                }
                Err(error) => tracing::debug!(%error, "an upgrade came to nothing"),
            }
        };
        let cut = async {
            let why = why.clone().await;
            if websocket {
                sleep(GOODBYE).await;
            }
            why
        };
        let tunnel = pin!(tunnel);
        tokio::select! {
            outcome = exchange.while_moving(idle, tunnel) => if outcome.is_none() {
                tracing::debug!("a tunnel was cut: nothing moved for too long");
            },
            why = cut => tracing::debug!(?why, "a tunnel was cut"),
        }
    });
}

/// Waits until the tunnel must end, and says why.
async fn over(ended: Option<Ended>, drain: Drain) -> Why {
    let ended = async {
        match ended {
            Some(ended) => ended.await,
            None => pending().await,
        }
    };
    tokio::select! {
        () = ended => Why::SessionEnded,
        () = drain.my_turn(randomness::word()) => Why::Restart,
    }
}

async fn run(
    client: impl AsyncRead + AsyncWrite,
    upstream: impl AsyncRead + AsyncWrite,
    exchange: &Exchange,
) {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_upstream, to_upstream) = tokio::io::split(upstream);
    let mut up = pin!(copy(from_client, to_upstream, exchange));
    let mut down = pin!(copy(from_upstream, to_client, exchange));
    tokio::select! {
        () = &mut down => {}
        () = &mut up => down.await,
    }
}

/// Moves bytes until there are no more, and says so to the reader.
async fn copy(from: impl AsyncRead, to: impl AsyncWrite, exchange: &Exchange) {
    let (mut from, mut to) = (pin!(from), pin!(to));
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ);
        match from.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => exchange.touch(),
        }
        // Each piece that is taken is movement, too: a slow reader is no idle one.
        while !buffer.is_empty() {
            match to.write_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => exchange.touch(),
            }
        }
        if to.flush().await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
