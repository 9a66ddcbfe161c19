//! The tunnel of a websocket, which ends politely: between two frames, with one that says why.

use std::cell::Cell;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::super::exchange::Exchange;
use super::super::websocket_frames::{Frames, close_frame};
use super::READ;

/// How long the other side may go on after one side has ended: time for a last message, not for a
/// life of its own.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long all of a goodbye may take.
pub(super) const GOODBYE: Duration = Duration::from_secs(4);

/// Why we end a websocket that neither side has ended (RFC 6455 section 7.4, and its registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The session behind it has ended.
    SessionEnded,
    /// The outpost is about to end.
    Restart,
}

impl Why {
    /// 1012: the service restarts, come back; 1008: what was allowed is no more.
    fn frame(self) -> Vec<u8> {
        match self {
            Self::SessionEnded => close_frame(1008, "The session has ended"),
            Self::Restart => close_frame(1012, "Service restart"),
        }
    }
}

/// What both directions know.
#[derive(Debug, Default)]
struct State {
    /// We are ending it.
    over: Cell<bool>,
    /// The client has sent its close frame.
    client_closed: Cell<bool>,
}

/// Passes bytes both ways until a side ends, or until `why` resolves and the client was told. From
/// then on nothing that the client says reaches the upstream.
pub(super) async fn run(
    client: impl AsyncRead + AsyncWrite,
    upstream: impl AsyncRead + AsyncWrite,
    exchange: &Exchange,
    why: impl Future<Output = Why>,
) {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_upstream, to_upstream) = tokio::io::split(upstream);
    let mut to_client = pin!(to_client);
    let state = State::default();
    let mut up = pin!(pass_up(from_client, to_upstream, exchange, &state));
    let outcome = {
        let mut down = pin!(pass_down(from_upstream, to_client.as_mut(), exchange, why, &state));
        tokio::select! {
            outcome = &mut down => outcome,
            () = &mut up => {
                let _ = timeout(LAST_WORDS, down).await;
                return;
            }
        }
    };
    if state.over.get() && outcome.is_ok() {
        // The client's own close frame, and then its end: a connection that is closed with bytes
        // unread is reset, and our last frame might be lost with it.
        if !state.client_closed.get() {
            let _ = timeout(LAST_WORDS, up).await;
        }
        let _ = timeout(LAST_WORDS, to_client.shutdown()).await;
    }
}

/// Moves bytes to the upstream until there are no more. Once all is over, only the client's close
/// frame is waited for.
async fn pass_up(from: impl AsyncRead, to: impl AsyncWrite, exchange: &Exchange, state: &State) {
    let (mut from, mut to) = (pin!(from), pin!(to));
    let mut frames = Frames::default();
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ);
        match from.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        frames.pass(&buffer);
        state.client_closed.set(frames.is_closed());
        if state.over.get() {
            buffer.clear();
            if frames.is_closed() {
                return;
            }
        } else {
            exchange.touch();
            if write(&mut to, &mut buffer, exchange).await.is_err() {
                return;
            }
        }
    }
    let _ = to.shutdown().await;
}

/// Moves bytes to the client until there are no more, or until it was told why there are none.
async fn pass_down(
    from: impl AsyncRead,
    mut to: impl AsyncWrite + Unpin,
    exchange: &Exchange,
    why: impl Future<Output = Why>,
    state: &State,
) -> io::Result<()> {
    let (mut from, mut why) = (pin!(from), pin!(why));
    let mut frames = Frames::default();
    let mut buffer = BytesMut::new();
    let why = loop {
        buffer.reserve(READ);
        tokio::select! {
            biased;
            why = &mut why => break why,
            read = from.read_buf(&mut buffer) => if read? == 0 {
                return to.shutdown().await;
            },
        }
        exchange.touch();
        frames.pass(&buffer);
        write(&mut to, &mut buffer, exchange).await?;
    };
    state.over.set(true);
    // The rest of a frame that has begun is no longer the client's to see.
    if why == Why::SessionEnded && !frames.is_between() {
        return Err(io::ErrorKind::Interrupted.into());
    }
    while !frames.is_between() {
        buffer.reserve(READ);
        if from.read_buf(&mut buffer).await? == 0 {
            return to.shutdown().await;
        }
        let mut rest = buffer.split_to(frames.rest_of_frame(&buffer));
        buffer.clear();
        frames.pass(&rest);
        write(&mut to, &mut rest, exchange).await?;
    }
    if frames.is_closed() {
        return Ok(());
    }
    to.write_all(&why.frame()).await?;
    to.flush().await
}

/// Each piece that is taken is movement, too: a slow reader is no idle one.
async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    buffer: &mut BytesMut,
    exchange: &Exchange,
) -> io::Result<()> {
    while !buffer.is_empty() {
        if to.write_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        exchange.touch();
    }
    to.flush().await
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::sync::oneshot;

    use super::*;

    /// A tunnel between two ends in memory, which ends when `why` is told.
    struct Bench {
        client: DuplexStream,
        upstream: DuplexStream,
        why: oneshot::Sender<Why>,
        tunnel: tokio::task::JoinHandle<()>,
    }

    fn bench() -> Bench {
        let (client, near) = duplex(64);
        let (upstream, far) = duplex(64);
        let (why, told) = oneshot::channel();
        let tunnel = tokio::task::spawn_local(async move {
            let exchange = Exchange::new(Duration::from_secs(3600));
            let why = async { told.await.unwrap_or(Why::Restart) };
            run(near, far, &exchange, why).await;
        });
        Bench { client, upstream, why, tunnel }
    }

    async fn read(from: &mut DuplexStream, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        from.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    async fn local(test: impl Future<Output = ()>) {
        tokio::task::LocalSet::new().run_until(test).await;
    }

    #[tokio::test]
    async fn a_close_frame_stands_between_frames_and_says_why() {
        local(async {
            for (why, code) in [(Why::Restart, 1012_u16), (Why::SessionEnded, 1008)] {
                let mut bench = bench();
                bench.upstream.write_all(&[0x82, 2, 1, 2]).await.unwrap();
                assert_eq!(read(&mut bench.client, 4).await, [0x82, 2, 1, 2]);
                bench.why.send(why).unwrap();
                let head = read(&mut bench.client, 4).await;
                assert_eq!((head[0], &head[2..]), (0x88, &code.to_be_bytes()[..]));
                read(&mut bench.client, usize::from(head[1]) - 2).await;
                // What the client says now reaches nobody; its answer ends all.
                bench.client.write_all(&[0x82, 0x81, 0, 0, 0, 0, 7]).await.unwrap();
                bench.client.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xf4]).await.unwrap();
                bench.tunnel.await.unwrap();
                for mut end in [bench.client, bench.upstream] {
                    let mut rest = Vec::new();
                    end.read_to_end(&mut rest).await.unwrap();
                    assert!(rest.is_empty(), "{rest:?}");
                }
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_frame_that_has_begun_ends_before_a_restart_and_not_after_the_session() {
        local(async {
            for why in [Why::Restart, Why::SessionEnded] {
                let mut bench = bench();
                // Half a frame of five bytes.
                bench.upstream.write_all(&[0x82, 5, 1, 2]).await.unwrap();
                assert_eq!(read(&mut bench.client, 4).await, [0x82, 5, 1, 2]);
                bench.why.send(why).unwrap();
                let mut seen = Vec::new();
                if why == Why::Restart {
                    // Its rest, and the beginning of one that does not pass any more.
                    bench.upstream.write_all(&[3, 4, 5, 0x82, 9, 9]).await.unwrap();
                    let close = why.frame();
                    assert_eq!(read(&mut bench.client, 3).await, [3, 4, 5]);
                    assert_eq!(read(&mut bench.client, close.len()).await, close);
                    bench.client.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
                }
                bench.tunnel.await.unwrap();
                bench.client.read_to_end(&mut seen).await.unwrap();
                assert!(seen.is_empty(), "{seen:?}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn who_was_told_by_the_application_is_not_told_again() {
        local(async {
            let mut bench = bench();
            bench.upstream.write_all(&close_frame(1000, "")).await.unwrap();
            assert_eq!(read(&mut bench.client, 4).await, close_frame(1000, ""));
            bench.why.send(Why::Restart).unwrap();
            bench.client.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
            bench.tunnel.await.unwrap();
            let mut rest = Vec::new();
            bench.client.read_to_end(&mut rest).await.unwrap();
            assert!(rest.is_empty(), "{rest:?}");
        })
        .await;
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_until_a_side_ends() {
        local(async {
            let mut bench = bench();
            bench.client.write_all(b"up").await.unwrap();
            assert_eq!(read(&mut bench.upstream, 2).await, b"up");
            bench.upstream.write_all(b"down").await.unwrap();
            assert_eq!(read(&mut bench.client, 4).await, b"down");
            drop(bench.upstream);
            bench.tunnel.await.unwrap();
        })
        .await;
    }
}
