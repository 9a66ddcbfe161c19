//! Floods, against the program as it is run: whoever asks meanwhile is served, and memory stays
//! small. `--success-output immediate` shows how small.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::{Browser, Figures, Program, wait};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Idle connections that are opened where the machine allows so many files.
const IDLE: usize = 50_000;

/// Files that a process needs beside them.
const OTHER_FILES: usize = 1500;

/// Connections from one address: it has some 28,000 ports.
const PER_SOURCE: usize = 10_000;

/// Longest that a slow client is borne, whatever it does.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most memory of an idle connection, in bytes, in a build for tests.
const PER_CONNECTION: u64 = 48 * 1024;

/// An outpost in front of an application that is open to everybody.
struct Site {
    outpost: Program,
    http: SocketAddr,
    metrics: SocketAddr,
    _core: StandInCore,
    _app: SampleApp,
}

impl Site {
    async fn start(variables: &[(&str, &str)]) -> Self {
        let core = StandInCore::start(CoreOptions::default()).unwrap();
        let app = SampleApp::start(0).unwrap();
        let spec = ProviderSpec::proxy("app", "http://app.test", &app.url()).skip("^/");
        core.put_provider(spec).unwrap();
        let outpost = Program::start(&core, variables);
        outpost.serves(1).await;
        let (http, metrics) = (outpost.address("http").await, outpost.address("metrics").await);
        Self { outpost, http, metrics, _core: core, _app: app }
    }

    /// Connections that are open, as the outpost counts them.
    async fn connections(&self) -> usize {
        let count = Figures::at(self.metrics).await.count("outpost_connections").unwrap();
        usize::try_from(count).unwrap()
    }

    /// Waits until clients that have gone are gone here, too.
    async fn rests(&self, handles: usize) {
        wait::until_async("the flood is over", async || {
            let (open, files) = (self.connections().await, self.outpost.handles());
            if open < 50 && files < handles + 50 {
                Ok(())
            } else {
                Err(format!("{open} connections, {files} files"))
            }
        })
        .await;
    }
}

/// Somebody who asks all the time, and must be answered each time.
struct Probe {
    answered: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    asking: JoinHandle<()>,
}

impl Probe {
    fn start(site: &Site) -> Self {
        let (answered, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, ended) = (Arc::clone(&answered), Arc::clone(&over));
        let url = format!("http://app.test:{}/json", site.http.port());
        let asking = tokio::spawn(async move {
            let kept = Browser::new();
            while !ended.load(Ordering::SeqCst) {
                // By turns on a connection that it keeps, and on a new one.
                let new = Browser::new();
                for browser in [&kept, &new] {
                    let answer = browser.get(&url).await;
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    assert_eq!(answer.json()["target"], "/json");
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { answered, over, asking }
    }

    /// Waits until it has been answered so many more times.
    async fn is_served(&self, times: usize) {
        let wanted = self.answered.load(Ordering::SeqCst) + times;
        wait::until_async("a request that is answered", async || {
            if self.asking.is_finished() || self.answered.load(Ordering::SeqCst) >= wanted {
                Ok(())
            } else {
                Err(format!("{wanted} are wanted"))
            }
        })
        .await;
    }

    async fn was_served_throughout(self) {
        self.is_served(10).await;
        self.over.store(true, Ordering::SeqCst);
        self.asking.await.expect("each request was answered");
        assert!(self.answered.load(Ordering::SeqCst) >= 10);
    }
}

/// Raises what this process, and those that it starts, may have open as far as `wanted` or the
/// machine allows: up to what the machine's limits say, and beyond where this user may go beyond.
fn most_files(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let hard = line.split_whitespace().nth(1).unwrap().parse().unwrap_or(usize::MAX);
    let pid = std::process::id().to_string();
    let may_have = |files: usize| {
        let asked = format!("--nofile={files}:{files}");
        let raised = Command::new("prlimit").args(["--pid", &pid, &asked]).output();
        raised.expect("prlimit").status.success()
    };
    if may_have(wanted) {
        return wanted;
    }
    assert!(may_have(hard), "{hard} open files, which are allowed");
    hard
}

/// A connection that has asked once, and rests.
async fn idle(to: SocketAddr, number: usize) -> TcpStream {
    let source = u8::try_from(number / PER_SOURCE).unwrap() + 2;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, source), 0))).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    let ask = b"GET /outpost.goauthentik.io/ping HTTP/1.1\r\nHost: app.test\r\n\r\n";
    stream.write_all(ask).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 204");
    stream
}

#[tokio::test]
async fn tens_of_thousands_of_idle_connections_are_borne() {
    let files = most_files(IDLE + OTHER_FILES);
    let wanted = IDLE.min(files.saturating_sub(OTHER_FILES));
    assert!(wanted >= 1000, "{wanted} connections are no flood");
    let site = Site::start(&[
        ("OUTPOST__LIMITS__CONNECTIONS", "100000"),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE", "30m"),
    ])
    .await;
    let probe = Probe::start(&site);
    probe.is_served(20).await;
    let (before, handles) = (site.outpost.resident(), site.outpost.handles());
    let mut open = Vec::with_capacity(wanted);
    let mut opening = JoinSet::new();
    for number in 0..wanted {
        if opening.len() >= 128 {
            open.push(opening.join_next().await.unwrap().unwrap());
        }
        opening.spawn(idle(site.http, number));
    }
    while let Some(stream) = opening.join_next().await {
        open.push(stream.unwrap());
    }
    assert!(site.connections().await >= wanted, "all of them are open");
    probe.is_served(50).await;
    let peak = site.outpost.resident();
    let each = peak.saturating_sub(before) / wanted as u64;
    println!(
        "{wanted} idle connections, as {files} open files allow: {} MB before, {} MB at the peak, \
         {each} bytes each",
        before >> 20,
        peak >> 20,
    );
    assert!(each < PER_CONNECTION, "{each} bytes each");
    drop(open);
    site.rests(handles).await;
    probe.was_served_throughout().await;
}

/// What one client of a flood does until it is let go: how many bytes it could send.
async fn slow(to: SocketAddr, head: String, more: &'static [u8], pause: Duration) -> usize {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut sent = head.len();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    let writes = async {
        while !more.is_empty() && writing.write_all(more).await.is_ok() {
            sent += more.len();
            tokio::time::sleep(pause).await;
        }
        if more.is_empty() {
            std::future::pending::<()>().await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            _ = reading.read_to_end(&mut answer) => {}
            () = writes => {}
        }
    });
    assert!(ended.await.is_ok(), "not let go after {sent} bytes");
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    sent
}

/// Many such clients at once; gives the most that one of them could send.
async fn flood(
    site: &Site,
    count: usize,
    head: &str,
    more: &'static [u8],
    pause: Duration,
) -> usize {
    let mut clients = JoinSet::new();
    for _ in 0..count {
        clients.spawn(slow(site.http, head.to_owned(), more, pause));
    }
    clients.join_all().await.into_iter().max().unwrap()
}

#[tokio::test]
async fn slow_heads_slow_bodies_and_endless_headers_hold_nobody_up() {
    let site = Site::start(&[
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ_HEADER", "5s"),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ", "5s"),
    ])
    .await;
    let probe = Probe::start(&site);
    probe.is_served(20).await;
    let (before, handles) = (site.outpost.resident(), site.outpost.handles());

    // A byte now and then: the head as a whole has its time.
    let now_and_then = Duration::from_millis(50);
    let begun = "GET /json HTTP/1.1\r\nHost: app.test\r\nX-Slow: ";
    let most = flood(&site, 400, begun, b"x", now_and_then).await;
    println!("slow heads: at most {most} bytes each");
    // A body that stops.
    let upload = "POST /upload HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000000\r\n\r\nbegun";
    flood(&site, 200, upload, b"", now_and_then).await;
    // Headers without end, as fast as they are taken.
    let line =
        b"X-More: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
    let begun = "GET /json HTTP/1.1\r\nHost: app.test\r\n";
    let most = flood(&site, 200, begun, line, Duration::ZERO).await;
    println!("endless headers: at most {most} bytes each");
    // What hyper takes, what is thrown away so that the refusal arrives, and the machine's buffers.
    assert!(most < 16 << 20, "{most} bytes");

    site.rests(handles).await;
    let most = site.outpost.most_resident();
    println!("{} MB before, {} MB at the peak", before >> 20, most >> 20);
    assert!(most < before + (200 << 20), "{} MB", most >> 20);
    probe.was_served_throughout().await;
}
