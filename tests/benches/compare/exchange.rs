//! Single requests on a connection that is kept, and how long a sign-out takes to be known.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use outpost_tests::wait;

/// Longest that a sign-out may take to be known everywhere.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between an answer and the next question: those who sign out share a processor with those asked.
const PAUSE: Duration = Duration::from_micros(100);

/// A connection that is kept.
pub(crate) struct Exchange {
    stream: BufReader<TcpStream>,
}

impl Exchange {
    pub(crate) fn with(at: SocketAddr) -> Self {
        let stream = TcpStream::connect(at).expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends a request; gives the status of its answer.
    pub(crate) fn status(&mut self, request: &str) -> u16 {
        self.stream.get_mut().write_all(request.as_bytes()).expect("it is sent");
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.stream.read_line(&mut line).expect("an answer");
            assert!(read > 0, "closed after {head:?}");
            if line.trim_end().is_empty() {
                break;
            }
            head.push(line.trim_end().to_ascii_lowercase());
        }
        let length =
            head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).expect("a body");
        let status = head.first().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        status.unwrap_or_else(|| panic!("{head:?}"))
    }
}

/// Signs somebody out at one outpost; from the request until the last of the others, who know the
/// session, has refused it.
pub(crate) fn signed_out(
    one: &mut Exchange,
    others: &mut [Exchange],
    sign_out: &str,
    check: &str,
) -> Duration {
    for outpost in std::iter::once(&mut *one).chain(&mut *others) {
        wait::until("an outpost that lets in who is to be signed out", || {
            match outpost.status(check) {
                200 => Ok(()),
                other => Err(format!("{other}: {check}")),
            }
        });
    }
    std::thread::scope(|scope| {
        let began = Instant::now();
        let refusals: Vec<_> = others
            .iter_mut()
            .map(|outpost| {
                scope.spawn(move || {
                    // Who cannot tell does not know of the sign-out.
                    while [200, 503].contains(&outpost.status(check)) {
                        assert!(began.elapsed() < PATIENCE, "let in after a sign-out: {check}");
                        std::thread::sleep(PAUSE);
                    }
                    began.elapsed()
                })
            })
            .collect();
        assert_eq!(one.status(sign_out), 302, "{sign_out}");
        let refusals = refusals.into_iter().map(|refusal| refusal.join().expect("a refusal"));
        refusals.max().unwrap_or_default()
    })
}
