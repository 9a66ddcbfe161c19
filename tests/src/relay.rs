//! A TCP relay between a client and a server, for faults of the network between them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::ports;

/// Longest that a change of its behaviour may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// All passes, each piece so much later.
    Pass(Duration),
    /// Connections are taken; nothing passes, and nothing is lost.
    Stall,
    /// No connection is taken.
    Refuse,
    /// After so many more bytes of answers a connection is closed.
    Truncate(usize),
}

#[derive(Clone, Copy, Debug)]
struct State {
    mode: Mode,
    /// Counts changes.
    change: u64,
    /// Connections begun before this change are reset.
    reset: u64,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

/// A relay on a thread of its own. Every fault is in effect when the call returns. When it is
/// dropped, its connections end and its port is closed.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    state: Option<watch::Sender<State>>,
    applied: mpsc::Receiver<u64>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// A relay on 127.0.0.1 to `target`, which need not be there yet.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        Self::start_at(IpAddr::V4(Ipv4Addr::LOCALHOST), target)
    }

    /// The same on another address of this machine.
    #[must_use]
    pub fn start_at(own: IpAddr, target: SocketAddr) -> Self {
        let address = SocketAddr::new(own, ports::free(own));
        let open = State { mode: Mode::Pass(Duration::ZERO), change: 1, reset: 0 };
        let (state, states) = watch::channel(open);
        let (apply, applied) = mpsc::channel();
        let counts = Arc::new(Counts::default());
        let counting = Arc::clone(&counts);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve(address, target, states, &apply, &counting));
        });
        let relay = Self { address, state: Some(state), applied, counts, thread: Some(thread) };
        relay.await_change(1);
        relay
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets (RST) the connections there are; new ones pass, or whatever was said before.
    pub fn cut(&self) {
        self.set(None, true);
    }

    /// Takes connections and lets nothing pass, neither on those there are. What is sent waits for
    /// [`Relay::heal`].
    pub fn stall(&self) {
        self.set(Some(Mode::Stall), false);
    }

    /// Takes no connection any more and resets those there are.
    pub fn refuse(&self) {
        self.set(Some(Mode::Refuse), true);
    }

    /// Closes each connection after `bytes` more of its answers have passed.
    pub fn truncate(&self, bytes: usize) {
        self.set(Some(Mode::Truncate(bytes)), false);
    }

    /// Lets every piece pass `by` later, in both directions.
    pub fn delay(&self, by: Duration) {
        self.set(Some(Mode::Pass(by)), false);
    }

    /// Lets all pass again, also what waited.
    pub fn heal(&self) {
        self.set(Some(Mode::Pass(Duration::ZERO)), false);
    }

    /// Connections taken since the start.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }

    fn set(&self, mode: Option<Mode>, reset: bool) {
        let mut change = 0;
        self.state.as_ref().expect("it runs").send_modify(|state| {
            state.change += 1;
            state.mode = mode.unwrap_or(state.mode);
            state.reset = if reset { state.change } else { state.reset };
            change = state.change;
        });
        self.await_change(change);
    }

    fn await_change(&self, change: u64) {
        while self.applied.recv_timeout(PATIENCE).expect("the relay follows") < change {}
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Takes connections until the relay is dropped.
async fn serve(
    address: SocketAddr,
    target: SocketAddr,
    mut states: watch::Receiver<State>,
    apply: &mpsc::Sender<u64>,
    counts: &Arc<Counts>,
) {
    let mut connections = tokio::task::JoinSet::new();
    let mut listener = None;
    loop {
        let state = *states.borrow_and_update();
        if state.mode == Mode::Refuse {
            listener = None;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.expect("the relay's port"));
        }
        if apply.send(state.change).is_err() {
            return;
        }
        loop {
            let accept = async {
                match &listener {
                    Some(listener) => listener.accept().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = states.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                Ok((client, _)) = accept => {
                    counts.accepted.fetch_add(1, Ordering::SeqCst);
                    counts.open.fetch_add(1, Ordering::SeqCst);
                    let (states, counts) = (states.clone(), Arc::clone(counts));
                    let since = state.change;
                    connections.spawn(async move {
                        connection(client, target, since, states).await;
                        counts.open.fetch_sub(1, Ordering::SeqCst);
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// One connection to its end.
async fn connection(
    mut client: TcpStream,
    target: SocketAddr,
    since: u64,
    mut states: watch::Receiver<State>,
) {
    let Ok(mut server) = TcpStream::connect(target).await else {
        let _ = client.set_zero_linger();
        return;
    };
    let (down, up) = (states.clone(), states.clone());
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let pass = async {
        // An error in one direction ends both; the end of one is passed on.
        tokio::try_join!(
            pump(from_client, to_server, up, Direction::Request),
            pump(from_server, to_client, down, Direction::Answer),
        )
    };
    let is_reset = tokio::select! {
        ended = pass => ended.is_err_and(|error| error.kind() != io::ErrorKind::UnexpectedEof),
        reset = states.wait_for(|state| state.reset > since) => reset.is_ok(),
    };
    if is_reset {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Request,
    Answer,
}

/// Passes what comes until its end.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut states: watch::Receiver<State>,
    direction: Direction,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    // Since which change bytes are counted, and how many have passed.
    let mut counted = (0, 0);
    loop {
        let count = from.read(&mut buffer).await?;
        let delayed = match states.borrow().mode {
            Mode::Pass(by) => by,
            _ => Duration::ZERO,
        };
        if !delayed.is_zero() {
            tokio::time::sleep(delayed).await;
        }
        // Also when the state has changed meanwhile.
        let state = states.wait_for(|state| state.mode != Mode::Stall).await;
        let state = *state.map_err(|_| io::Error::from(io::ErrorKind::ConnectionAborted))?;
        if count == 0 {
            return to.shutdown().await;
        }
        if let (Mode::Truncate(limit), Direction::Answer) = (state.mode, direction) {
            if counted.0 != state.change {
                counted = (state.change, 0);
            }
            let left = limit - counted.1;
            if count >= left {
                to.write_all(&buffer[..left]).await?;
                to.shutdown().await?;
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            counted.1 += count;
        }
        to.write_all(&buffer[..count]).await?;
    }
}
