//! How long an outpost takes from its start until it is ready: until its readiness says so, and a
//! sign-in begins. Core's stand-in takes its part of it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use outpost_tests::process;

use super::comparisons::providers;
use super::core::Core;
use super::figures::{Figure, Found, Target};
use super::front::{HOST, ours, told};
use super::options::Options;
use super::server::{Server, address};

/// Most milliseconds with a thousand providers.
const MOST: f64 = 1000.0;

/// Longest that a start is awaited.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(1);

/// With one provider, and with many.
pub(crate) async fn starts(options: &Options) -> Found {
    let mut rows: Vec<Figure> = Vec::new();
    for (count, target) in [(1, None), (1000, Some(Target::Median(MOST))), (10_000, None)] {
        let at = address();
        let core = Core::start(providers(&format!("http://{HOST}:{}", at.port()), count));
        let metrics = address();
        let said = metrics.to_string();
        let (mut times, mut own) = (Vec::new(), Vec::new());
        for _ in 0..2 * options.turns {
            let variables = [("AUTHENTIK_LISTEN__METRICS", said.as_str())];
            let command = told(ours(), &core, at, &variables);
            let (before, began) = (own_time(), Instant::now());
            let mut server = Server::spawn(command, at);
            until_ready(&mut server, metrics);
            times.push(milliseconds(began.elapsed()));
            own.push(milliseconds(own_time().saturating_sub(before)));
        }
        let what = format!("from start to ready, {count} providers");
        let mut row = Figure::new(&what, "ms", times);
        if let Some(first) = rows.first() {
            row = row.against(first);
        }
        rows.push(match target {
            Some(target) => row.aiming(target),
            None => row,
        });
        let what = format!("of that processor time of core's stand-in, {count} providers");
        rows.push(Figure::new(&what, "ms", own));
    }
    rows.into()
}

/// Processor time of this process, in which core's stand-in lives, to the hundredth of a second.
fn own_time() -> Duration {
    process::processor_time(std::process::id()).unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn until_ready(server: &mut Server, metrics: SocketAddr) {
    let began = Instant::now();
    let ready = format!("GET /outpost.goauthentik.io/ready HTTP/1.1\r\nHost: {metrics}\r\n");
    let port = server.at().port();
    let start = format!("GET /outpost.goauthentik.io/start HTTP/1.1\r\nHost: {HOST}:{port}\r\n");
    for (at, request, expected) in [(metrics, ready, 200), (server.at(), start, 302)] {
        loop {
            let status = status(at, &request);
            if status == Some(expected) {
                break;
            }
            server.runs();
            let waited = began.elapsed();
            assert!(waited < PATIENCE, "{status:?} after {waited:?}, not {expected}:\n{request}");
            std::thread::sleep(LOOK);
        }
    }
}

/// Status of an answer on a connection of its own; `None` where there is no answer.
fn status(at: SocketAddr, request: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(at).ok()?;
    stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}
