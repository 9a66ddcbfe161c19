//! Lanes to a server that says what a test has it say.

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::session::redis::dial::Dialer;
use crate::session::redis::options::RedisLogin;

const NAMES: [&str; FIELDS] = ["a", "b", "c", "d"];

const MASTER: &[u8] = b"*4\r\n$5\r\nproto\r\n:2\r\n$4\r\nrole\r\n$6\r\nmaster\r\n";

const VALUES: &[u8] = b"*4\r\n$1\r\n1\r\n$-1\r\n$0\r\n\r\n$2\r\nxy\r\n";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A lane that begins, and the server's end of it.
async fn begin(limit: Duration) -> (Lane, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = listener.local_addr().unwrap();
    let parts = LinkParts {
        runtime: Handle::current(),
        dialer: Dialer::new(None, PATIENCE),
        login: RedisLogin::default(),
        database: 0,
        timeout: limit,
    };
    // Not asked for by name: the link has found the server where it is.
    let server = RedisAddress { host: "nowhere.invalid".to_owned(), port: 1 };
    let lane = Lane::begin(&Handle::current(), parts, 1, (server, peer));
    let (server, _) = listener.accept().await.unwrap();
    (lane, server)
}

/// A lane that is open.
async fn open(limit: Duration) -> (Lane, TcpStream) {
    let (lane, mut server) = begin(limit).await;
    said(&mut server, b"*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n").await;
    server.write_all(MASTER).await.unwrap();
    while lane.line.lock().phase == Phase::Opening {
        tokio::task::yield_now().await;
    }
    (lane, server)
}

/// Reads this from the lane.
async fn said(server: &mut TcpStream, expected: &[u8]) {
    let mut said = vec![0; expected.len()];
    server.read_exact(&mut said).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&said), String::from_utf8_lossy(expected));
}

fn asked(hash: &str) -> Vec<u8> {
    let mut command = Vec::new();
    wire::ask(&mut command, hash, &NAMES);
    command
}

async fn closed(lane: &Lane) {
    while !lane.is_closed() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_asked_in_one_turn_is_answered_in_order() {
    let (lane, mut server) = open(PATIENCE).await;
    let answers = join_all(["one", "two", "three"].map(|hash| lane.ask(hash, &NAMES)));
    let serve = async {
        said(&mut server, &[asked("one"), asked("two"), asked("three")].concat()).await;
        // In pieces, and one of them a refusal.
        let told = [VALUES, b"-MOVED 1 192.0.2.1:1\r\n", VALUES].concat();
        for piece in told.chunks(7) {
            server.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let (answers, ()) = tokio::join!(answers, serve);
    let values = [Some("1"), None, Some(""), Some("xy")].map(|value| value.map(Into::into));
    assert_eq!(answers, [Ok(values.clone()), Err(NoAnswer::AskLink), Ok(values)]);
}

#[tokio::test]
async fn answers_to_those_who_have_gone_are_nobody_elses() {
    let (lane, mut server) = open(PATIENCE).await;
    {
        let mut gone = Box::pin(lane.ask("gone", &NAMES));
        assert!(futures_util::poll!(&mut gone).is_pending());
    }
    let serve = async {
        said(&mut server, &[asked("gone"), asked("here")].concat()).await;
        server.write_all(b"*4\r\n$4\r\ngone\r\n$-1\r\n$-1\r\n$-1\r\n").await.unwrap();
        server.write_all(VALUES).await.unwrap();
    };
    let (answer, ()) = tokio::join!(lane.ask("here", &NAMES), serve);
    assert_eq!(answer.unwrap()[0].as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn a_server_that_takes_too_long_is_late_for_all_who_wait() {
    let (lane, mut server) = open(Duration::from_secs(2)).await;
    // Answered in time: the alarm that was set for it goes off for nobody.
    let serve = async {
        said(&mut server, &asked("first")).await;
        server.write_all(VALUES).await.unwrap();
    };
    let (first, ()) = tokio::join!(lane.ask("first", &NAMES), serve);
    assert!(first.is_ok());
    let answers = tokio::join!(lane.ask("second", &NAMES), lane.ask("third", &NAMES));
    assert_eq!(answers, (Err(NoAnswer::Late), Err(NoAnswer::Late)));
    closed(&lane).await;
    assert_eq!(lane.ask("fourth", &NAMES).await, Err(NoAnswer::AskLink));
}

#[tokio::test]
async fn a_lane_that_breaks_leaves_all_to_the_link() {
    for last_words in ["", "*4\r\n$1\r\n", "+OK\r\n", "*3\r\n"] {
        let (lane, mut server) = open(PATIENCE).await;
        let serve = async {
            said(&mut server, &asked("one")).await;
            server.write_all(last_words.as_bytes()).await.unwrap();
            drop(server);
        };
        let (answer, ()) = tokio::join!(lane.ask("one", &NAMES), serve);
        assert_eq!(answer, Err(NoAnswer::AskLink), "{last_words:?}");
        closed(&lane).await;
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_closes_it() {
    let (lane, mut server) = open(PATIENCE).await;
    server.write_all(VALUES).await.unwrap();
    closed(&lane).await;
}

#[tokio::test]
async fn only_a_master_is_read_from() {
    let replica = String::from_utf8_lossy(MASTER).replace("$6\r\nmaster", "$7\r\nreplica");
    for told in [replica.as_str(), "-NOAUTH Authentication required.\r\n", "+OK\r\n"] {
        let (lane, mut server) = begin(PATIENCE).await;
        assert_eq!(lane.ask("one", &NAMES).await, Err(NoAnswer::AskLink), "not open yet");
        server.write_all(told.as_bytes()).await.unwrap();
        closed(&lane).await;
    }
}

#[tokio::test]
async fn its_connection_closes_with_it() {
    let (lane, mut server) = open(PATIENCE).await;
    drop(lane);
    assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0);
}
