//! Faults of the network.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use outpost_tests::redis::{Options, RedisServer};
use outpost_tests::{Partition, Relay, wait};

const PONG: &[u8] = b"+PONG\r\n";

/// A client of Redis that does no more than ask whether somebody is there.
struct Client(TcpStream);

impl Client {
    fn of(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, wait::PATIENCE).unwrap();
        stream.set_read_timeout(Some(wait::PATIENCE)).unwrap();
        Self(stream)
    }

    fn ask(&mut self) {
        self.0.write_all(b"PING\r\n").unwrap();
    }

    fn answer(&mut self) -> std::io::Result<Vec<u8>> {
        let mut answer = vec![0; PONG.len()];
        self.0.read_exact(&mut answer).map(|()| answer)
    }

    fn pings(&mut self) {
        self.ask();
        assert_eq!(self.answer().unwrap(), PONG);
    }

    /// Nothing comes for a while.
    fn hears_nothing(&mut self) {
        self.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let heard = self.0.read(&mut [0]);
        assert_eq!(heard.unwrap_err().kind(), ErrorKind::WouldBlock);
        self.0.set_read_timeout(Some(wait::PATIENCE)).unwrap();
    }
}

#[test]
fn a_stalled_relay_takes_connections_and_passes_all_once_it_is_healed() {
    let redis = RedisServer::start();
    let relay = Relay::start(redis.address());
    let mut before = Client::of(relay.address());
    before.pings();
    relay.stall();
    before.ask();
    before.hears_nothing();
    let mut during = Client::of(relay.address());
    during.ask();
    during.hears_nothing();
    relay.heal();
    assert_eq!(before.answer().unwrap(), PONG);
    assert_eq!(during.answer().unwrap(), PONG);
    assert_eq!((relay.accepted(), relay.open()), (2, 2));
}

#[test]
fn a_cut_relay_resets_what_is_open_and_takes_new_connections() {
    let redis = RedisServer::start();
    let relay = Relay::start(redis.address());
    let mut before = Client::of(relay.address());
    before.pings();
    relay.cut();
    assert_eq!(before.answer().unwrap_err().kind(), ErrorKind::ConnectionReset);
    Client::of(relay.address()).pings();
}

#[test]
fn a_refusing_relay_takes_no_connection_until_it_is_healed() {
    let redis = RedisServer::start();
    let relay = Relay::start(redis.address());
    let mut before = Client::of(relay.address());
    before.pings();
    relay.refuse();
    assert_eq!(before.answer().unwrap_err().kind(), ErrorKind::ConnectionReset);
    let refused = TcpStream::connect(relay.address()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    relay.heal();
    Client::of(relay.address()).pings();
}

#[test]
fn a_truncating_relay_closes_in_the_middle_of_an_answer() {
    let redis = RedisServer::start();
    let relay = Relay::start(redis.address());
    let mut client = Client::of(relay.address());
    client.pings();
    relay.truncate(3);
    client.ask();
    let mut answer = Vec::new();
    client.0.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, PONG[..3]);
    relay.heal();
    Client::of(relay.address()).pings();
}

#[test]
fn a_slow_relay_delays_requests_and_answers() {
    let redis = RedisServer::start();
    let relay = Relay::start(redis.address());
    let mut client = Client::of(relay.address());
    client.pings();
    relay.delay(Duration::from_millis(100));
    let start = Instant::now();
    client.pings();
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_server_behind_a_partition_is_silent_and_comes_back() {
    let partition = Partition::start();
    let redis = RedisServer::with(Options::new().behind(&partition));
    assert_eq!(redis.address().ip(), partition.inside());
    let mut client = Client::of(redis.address());
    client.pings();
    for (cut, heal) in [
        (Partition::lose as fn(&Partition), Partition::heal as fn(&Partition)),
        (Partition::down, Partition::heal),
    ] {
        cut(&partition);
        client.ask();
        client.hears_nothing();
        heal(&partition);
        // TCP sends again what was lost.
        assert_eq!(client.answer().unwrap(), PONG);
    }
}

#[test]
fn what_lives_behind_a_partition_reaches_this_machine_through_a_relay() {
    let redis = RedisServer::start();
    let partition = Partition::start();
    let relay = Relay::start_at(partition.outside(), redis.address());
    let inside = |command: &str| {
        let prefix = partition.prefix();
        let mut ping = std::process::Command::new(&prefix[0]);
        ping.args(&prefix[1..]).args(["bash", "-c", command]);
        ping.output().unwrap()
    };
    let (host, port) = (relay.address().ip(), relay.address().port());
    let ping = |to: &str, port: u16| {
        inside(&format!(
            "exec 3<>/dev/tcp/{to}/{port} && echo PING >&3 && read -t 20 answer <&3 && echo $answer"
        ))
    };
    let answered = ping(&host.to_string(), port);
    assert!(answered.stdout.starts_with(b"+PONG"), "{answered:?}");
    assert!(!ping("127.0.0.1", redis.address().port()).status.success(), "not its own loopback");
    partition.down();
    assert!(!ping(&host.to_string(), port).status.success());
    partition.heal();
    let answered = ping(&host.to_string(), port);
    assert!(answered.stdout.starts_with(b"+PONG"), "{answered:?}");
}

#[test]
fn nothing_is_left_of_a_partition() {
    let links = || {
        let shown = std::process::Command::new("ip").args(["-brief", "link"]).output().unwrap();
        String::from_utf8(shown.stdout).unwrap()
    };
    let partition = Partition::start();
    assert!(links().contains(partition.link()));
    let link = partition.link().to_owned();
    drop(partition);
    assert!(!links().contains(&link));
}
