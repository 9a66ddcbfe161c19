//! The tunnel of an upgraded connection: bytes both ways, whatever they mean.
//!
//! A task of its own runs it, so that one direction goes on while the other is blocked. It ends,
//! and with it both connections, when either side ends, when the session ends, or when nothing
//! moved for too long.

use std::cell::Cell;
use std::future::pending;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Ended;
use super::exchange::Exchange;

/// Bytes read from the upstream at a time.
const READ: usize = 16 * 1024;
/// Reads that may wait for the client. More would be a buffer; less would cost speed.
const WAITING: usize = 4;
/// How long the upstream may go on sending after the client's side ended, and the reverse: time
/// for a last message, not for a life of its own.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the client receives through the tunnel.
pub(super) struct FromUpstream {
    bytes: mpsc::Receiver<Bytes>,
    cut: Rc<Cell<bool>>,
}

/// Ends the client's connection at once. After a regular end actix-http lingers for the time it
/// grants clients to disconnect; an ended session shall not.
#[derive(Debug, Error)]
#[error("the tunnel was cut")]
pub(super) struct Cut;

/// Starts the tunnel between what is left of the client's connection and the upstream's.
pub(super) fn open(
    upgrade: OnUpgrade,
    payload: Payload,
    exchange: Rc<Exchange>,
    idle: Duration,
    ended: Option<Ended>,
) -> FromUpstream {
    let (sender, bytes) = mpsc::channel(WAITING);
    let cut = Rc::new(Cell::new(false));
    let is_cut = Rc::clone(&cut);
    actix_rt::spawn(async move {
        let tunnel = async {
            match upgrade.await {
                Ok(upgraded) => run(TokioIo::new(upgraded), payload, &sender, &exchange).await,
                Err(error) => tracing::debug!(%error, "an upgrade came to nothing"),
            }
        };
        let ended = async {
            match ended {
                Some(ended) => ended.await,
                None => pending().await,
            }
        };
        tokio::select! {
            outcome = exchange.while_moving(idle, tunnel) => if outcome.is_none() {
                tracing::debug!("a tunnel was cut: nothing moved for too long");
                is_cut.set(true);
            },
            () = sender.closed() => {}
            () = ended => {
                tracing::debug!("a tunnel was cut: the session ended");
                is_cut.set(true);
            }
        }
    });
    FromUpstream { bytes, cut }
}

async fn run(
    io: impl AsyncRead + AsyncWrite,
    mut payload: Payload,
    to_client: &mpsc::Sender<Bytes>,
    exchange: &Exchange,
) {
    let (mut read, mut write) = tokio::io::split(io);
    let mut up = pin!(async {
        // The client's end shows as an error: a websocket request has no regular end.
        while let Some(Ok(bytes)) = payload.next().await {
            exchange.touch();
            if write.write_all(&bytes).await.is_err() || write.flush().await.is_err() {
                return;
            }
        }
        let _ = write.shutdown().await;
    });
    let mut down = pin!(async {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(READ);
            match read.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => exchange.touch(),
            }
            if to_client.send(buffer.split().freeze()).await.is_err() {
                return;
            }
        }
    });
    tokio::select! {
        () = &mut down => {}
        () = &mut up => {
            let _ = timeout(LAST_WORDS, down).await;
        }
    }
}

impl MessageBody for FromUpstream {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match self.bytes.poll_recv(cx) {
            Poll::Ready(None) if self.cut.get() => Poll::Ready(Some(Err(Cut.into()))),
            next => next.map(|bytes| bytes.map(Ok)),
        }
    }
}
