//! People without a session cost nothing that stays.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use futures_util::future::join_all;
use outpost::session::SessionId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::replicas::fleet::{Fleet, SignedIn};

/// Requests, after as many as the outpost keeps decisions of were made.
const REQUESTS: usize = 20_000;
/// See [`REQUESTS`].
const WARM_UP: usize = 4_000;
/// At the same time.
const CONNECTIONS: usize = 8;
/// Sent at once on each of them.
const BATCH: usize = 50;
/// What a replica may grow by, in KiB: what allocators do, no more.
const GROWTH: u64 = 32 * 1024;

/// How many answers of each status.
type Statuses = BTreeMap<String, usize>;

/// Several of one connection, of each kind: a page, a script, and a page with a cookie that is
/// nobody's.
fn requests(cookie: &str) -> String {
    let one = |number: usize| {
        let head = "GET /json HTTP/1.1\r\nHost: app.test\r\n";
        match number % 3 {
            0 => format!("{head}Accept: text/html\r\n\r\n"),
            1 => format!("{head}Accept: application/json\r\n\r\n"),
            _ => {
                let value = SessionId::random().unwrap().cookie_value();
                format!("{head}Accept: text/html\r\nCookie: {cookie}={value}\r\n\r\n")
            }
        }
    };
    (0..BATCH).map(one).collect()
}

/// The statuses of all answers of which the status line is whole.
fn statuses(answers: &[u8]) -> Vec<String> {
    let mark = b"HTTP/1.1 ";
    let starts = answers.windows(mark.len() + 3).filter(|text| text.starts_with(mark));
    starts.map(|text| String::from_utf8_lossy(&text[mark.len()..]).into_owned()).collect()
}

async fn connection(address: SocketAddr, cookie: &str, requests_of_it: usize) -> Statuses {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut all = Statuses::new();
    for _ in 0..requests_of_it / BATCH {
        stream.write_all(requests(cookie).as_bytes()).await.unwrap();
        // The rest of the last body comes with the next batch and has no status line.
        let mut answers = Vec::new();
        let found = loop {
            assert_ne!(stream.read_buf(&mut answers).await.unwrap(), 0, "closed");
            let found = statuses(&answers);
            if found.len() >= BATCH {
                break found;
            }
        };
        for status in found {
            *all.entry(status).or_default() += 1;
        }
    }
    all
}

/// `count` requests, and how they were answered.
async fn ask(address: SocketAddr, cookie: &str, count: usize) -> Statuses {
    let connections = (0..CONNECTIONS).map(|_| connection(address, cookie, count / CONNECTIONS));
    let mut all = Statuses::new();
    for (status, count) in join_all(connections).await.into_iter().flatten() {
        *all.entry(status).or_default() += count;
    }
    all
}

/// What a process has in memory, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Name of the session cookie.
fn session_cookie(person: &SignedIn) -> &str {
    let cookies = person.cookies.split("; ").filter_map(|pair| pair.split_once('='));
    let mut names = cookies.map(|(name, _)| name).filter(|name| name.len() == 24);
    names.next().unwrap_or_else(|| panic!("{}", person.cookies))
}

#[tokio::test]
async fn strangers_leave_nothing_in_the_store_and_nothing_in_memory() {
    let fleet = Fleet::start().await;
    let alice = fleet.sign_in("alice").await;
    let cookie = session_cookie(&alice);
    let (address, pid) = (fleet.replicas.addresses(0).http, fleet.replicas.program(0).pid());
    ask(address, cookie, WARM_UP).await;
    let (keys, memory) = (fleet.redis.keys_count(), resident(pid));

    let answers = ask(address, cookie, REQUESTS).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["302", "401"], "{answers:?}");
    assert_eq!(answers.values().sum::<usize>(), REQUESTS);
    let after = resident(pid);
    eprintln!("{REQUESTS} requests: {memory} KiB before, {after} KiB after; {keys} keys");
    assert_eq!(fleet.redis.keys_count(), keys);
    assert!(after < memory + GROWTH, "{memory} KiB before, {after} KiB after");
    fleet.is_everywhere(&alice, "alice").await;
}
