//! What reverse proxies ask, among other requests of their connections: most checks are answered where
//! the bytes come in, and nobody can tell from the answers which.

use std::net::{Ipv4Addr, SocketAddr};

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_tests::{Program, World, ports};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::ask::{Verdict, is_whole, question};
use crate::downstream::support::{read_to_end, soon};

/// An application that reverse proxies ask about, and one that the outpost proxies itself.
async fn world(variables: &[(&str, &str)]) -> World {
    let world = World::with(CoreOptions::default(), variables).await;
    let asked = ProviderSpec::forward_single("asked", &world.url("asked.test", ""));
    world.serve([asked.skip("^/public"), world.proxy().skip("^/(json|upload)$")]).await;
    world
}

/// A connection of a reverse proxy.
struct Proxy {
    stream: TcpStream,
    read: Vec<u8>,
    host: String,
}

impl Proxy {
    async fn to(world: &World) -> Self {
        Self::at(world.http()).await
    }

    async fn at(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new(), host: format!("asked.test:{}", address.port()) }
    }

    /// The head of a check about this path, without its last line.
    fn asks(&self, path: &str) -> String {
        question("traefik", "http", &self.host, ("GET", path))
    }

    async fn sends(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer.
    async fn hears(&mut self) -> Verdict {
        let end = soon("an answer", async {
            loop {
                if let Some(end) = (1..=self.read.len()).find(|end| is_whole(&self.read[..*end])) {
                    return end;
                }
                let read = self.stream.read_buf(&mut self.read).await.unwrap();
                assert_ne!(read, 0, "{}", String::from_utf8_lossy(&self.read));
            }
        })
        .await;
        Verdict::read(&self.read.drain(..end).collect::<Vec<_>>())
    }

    async fn is_told(&mut self, path: &str) -> Verdict {
        let question = self.asks(path);
        self.sends(question + "\r\n").await;
        self.hears().await
    }
}

/// What an answer says, but for what differs each time.
fn lasting(verdict: &Verdict) -> Vec<(String, String)> {
    let differs = ["date", "x-request-id", "connection", "content-length"];
    let mut headers: Vec<_> = verdict
        .headers
        .iter()
        .filter(|(name, _)| !differs.iter().any(|it| name.eq_ignore_ascii_case(it)))
        .cloned()
        .collect();
    headers.sort();
    headers
}

#[tokio::test]
async fn requests_of_every_kind_take_turns_on_a_connection() {
    let world = world(&[]).await;
    let mut proxy = Proxy::to(&world).await;
    let begin = "GET /outpost.goauthentik.io/start?rd=/ HTTP/1.1\r\n";
    for _ in 0..3 {
        let yes = proxy.is_told("/public").await;
        assert_eq!((yes.status, &*yes.body), (200, ""));
        assert!(yes.is_for_nobody() && yes.header("x-request-id").is_some(), "{yes:?}");
        let no = proxy.is_told("/private").await;
        assert_eq!(no.status, 302, "{no:?}");
        proxy.sends(format!("{begin}Host: {}\r\n\r\n", proxy.host)).await;
        let begun = proxy.hears().await;
        assert_eq!(begun.status, 302, "{begun:?}");
        assert!(begun.header("location").is_some_and(|at| at.contains("/authorize/")), "{begun:?}");
    }
    // One with a body, after which the connection goes on all the same.
    let upload = "POST /json HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\n\r\nhello";
    proxy.sends(upload).await;
    assert_eq!(proxy.hears().await.status, 200);
    assert_eq!(proxy.is_told("/public").await.status, 200);
    assert_eq!(proxy.is_told("/private").await.status, 302);
}

#[tokio::test]
async fn a_body_is_nobodys_request_whether_it_is_read_or_not() {
    let world = world(&[]).await;
    let hidden = "GET /json HTTP/1.1\r\nHost: app.test\r\n\r\n";
    let upload = |path: &str| {
        let length = hidden.len();
        format!("POST {path} HTTP/1.1\r\nHost: app.test\r\nContent-Length: {length}\r\n")
    };
    // What the application reads, and then what nobody does: the outpost refuses it.
    for (path, status) in [("/json", 200), ("/private", 401)] {
        let script = "Accept: application/json\r\n\r\n";
        let mut proxy = Proxy::to(&world).await;
        assert_eq!(proxy.is_told("/public").await.status, 200);
        proxy.sends(format!("{}{script}{hidden}{}\r\n", upload(path), proxy.asks("/public"))).await;
        let refused = proxy.hears().await;
        assert_eq!(refused.status, status, "{path}");
        // Whether the connection goes on or not: there is one request left, and it is a check.
        let rest = read_to_end_of_turn(&mut proxy).await;
        assert!(rest.iter().all(|verdict| verdict.status == 200 && verdict.body.is_empty()));
        assert!(rest.len() <= 1 && (rest.len() == 1 || status == 401), "{path}: {}", rest.len());
    }
    // One that comes after its refusal: the connection ends, or what follows is heard.
    let mut proxy = Proxy::to(&world).await;
    assert_eq!(proxy.is_told("/public").await.status, 200);
    proxy.sends(format!("{}Accept: application/json\r\n\r\n", upload("/private"))).await;
    assert_eq!(proxy.hears().await.status, 401);
    let _ = proxy.stream.write_all(hidden.as_bytes()).await;
    let rest = read_to_end_of_turn(&mut proxy).await;
    assert!(rest.is_empty(), "{rest:?}");
    // As slowly as anybody likes, with the next request right behind it.
    let mut proxy = Proxy::to(&world).await;
    let all = format!("{}\r\n{hidden}{}\r\n", upload("/json"), proxy.asks("/private"));
    for part in all.as_bytes().chunks(7) {
        proxy.sends(part).await;
    }
    assert_eq!(proxy.hears().await.status, 200);
    assert_eq!(proxy.hears().await.status, 302);
    assert_eq!(proxy.is_told("/public").await.status, 200);
}

/// What comes until the connection ends, which a last request asks for.
async fn read_to_end_of_turn(proxy: &mut Proxy) -> Vec<Verdict> {
    // It may have ended already.
    let last = proxy.asks("/public") + "Connection: close\r\n\r\n";
    let _ = proxy.stream.write_all(last.as_bytes()).await;
    let mut answers = proxy.read.split_off(0);
    let _ = soon("the end", proxy.stream.read_to_end(&mut answers)).await;
    let mut all = Vec::new();
    while !answers.is_empty() {
        let end =
            (1..=answers.len()).find(|end| is_whole(&answers[..*end])).expect("whole answers");
        all.push(Verdict::read(&answers.drain(..end).collect::<Vec<_>>()));
    }
    // That of the last one, where it was read.
    let is_last = |last: &Verdict| last.status == 200 && last.header("connection") == Some("close");
    if all.last().is_some_and(is_last) {
        all.pop();
    }
    all
}

#[tokio::test]
async fn answers_come_in_the_order_of_what_was_asked_at_once() {
    let world = world(&[]).await;
    let mut proxy = Proxy::to(&world).await;
    let with_body = "Content-Length: 5\r\n\r\nhello";
    let paths = ["/public", "/private", "/public/2", "/public/3", "/private/2", "/public/4"];
    let mut all: String = paths.iter().map(|path| proxy.asks(path) + "\r\n").collect();
    // A check with a body is one like any other.
    all += &format!("{}{with_body}{}\r\n", proxy.asks("/public"), proxy.asks("/private"));
    proxy.sends(all).await;
    for expected in [200, 302, 200, 200, 302, 200, 200, 302] {
        assert_eq!(proxy.hears().await.status, expected);
    }
    assert_eq!(proxy.is_told("/public").await.status, 200);
}

#[tokio::test]
async fn an_answer_says_the_same_by_whichever_way_it_comes() {
    let world = world(&[]).await;
    // A script is told 401: where people are sent differs each time.
    let script = "User-Agent: tester\r\nAuthorization: Custom x\r\nX-Forwarded-For: 192.0.2.7\r\n\
        Accept: application/json\r\n";
    for path in ["/public", "/private"] {
        let mut proxy = Proxy::to(&world).await;
        let asks = proxy.asks(path) + script;
        proxy.sends(format!("{asks}\r\n")).await;
        let quick = proxy.hears().await;
        for other in ["Connection: close\r\n", "Content-Length: 1\r\n", "Expect: 100-continue\r\n"]
        {
            let mut proxy = Proxy::to(&world).await;
            let body = if other.starts_with("Content-Length") { "x" } else { "" };
            proxy.sends(format!("{asks}{other}\r\n{body}")).await;
            let verdict = proxy.hears().await;
            assert_eq!(verdict.status, quick.status, "{other}");
            assert_eq!(lasting(&verdict), lasting(&quick), "{other}");
            if other.starts_with("Connection") {
                assert_eq!(read_to_end(proxy.stream).await, "", "closed, as was asked");
            }
        }
        let mut old = Proxy::to(&world).await;
        old.sends(format!("{}\r\n", asks.replace("HTTP/1.1", "HTTP/1.0"))).await;
        let verdict = Verdict::read(read_to_end(old.stream).await.as_bytes());
        assert_eq!((verdict.status, lasting(&verdict)), (quick.status, lasting(&quick)));
    }
}

#[tokio::test]
async fn a_check_may_come_in_pieces() {
    let world = world(&[]).await;
    let mut proxy = Proxy::to(&world).await;
    let whole = proxy.asks("/public") + "Cookie: a=b\r\n\r\n";
    for cut in [1, 4, 30, whole.len() - 3, whole.len() - 1] {
        let (first, rest) = whole.split_at(cut);
        proxy.sends(first).await;
        // What was sent is there before the rest: nothing else can be waited for.
        proxy.stream.writable().await.unwrap();
        tokio::task::yield_now().await;
        proxy.sends(rest).await;
        assert_eq!(proxy.hears().await.status, 200, "{cut}");
    }
    for byte in whole.bytes() {
        proxy.sends([byte]).await;
    }
    assert_eq!(proxy.hears().await.status, 200);
}

#[tokio::test]
async fn a_connection_that_has_asked_is_not_waited_for_without_end() {
    let world = world(&[
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ_HEADER", "300ms"),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE", "600ms"),
    ])
    .await;
    let mut idle = Proxy::to(&world).await;
    assert_eq!(idle.is_told("/public").await.status, 200);
    assert_eq!(read_to_end(idle.stream).await, "", "it has asked for nothing");
    for asked in [false, true] {
        let mut slow = Proxy::to(&world).await;
        if asked {
            assert_eq!(slow.is_told("/public").await.status, 200);
        }
        let half = slow.asks("/public");
        slow.sends(half).await;
        let answer = read_to_end(slow.stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_told_so_after_a_check_as_before() {
    let world = world(&[]).await;
    for nonsense in
        ["GET /outpost.goauthentik.io/auth/nginx HTTP/1.1\r\nno colon\r\n\r\n", "\0\r\n\r\n"]
    {
        let mut proxy = Proxy::to(&world).await;
        assert_eq!(proxy.is_told("/public").await.status, 200);
        proxy.sends(nonsense).await;
        let answer = read_to_end(proxy.stream).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn a_head_without_an_end_is_not_read_for_ever() {
    let world = world(&[("AUTHENTIK_WEB__TIMEOUT_HTTP_READ_HEADER", "1h")]).await;
    for begin in ["", "GET /outpost.goauthentik.io/auth/nginx HTTP/1.1\r\nX: "] {
        for asked in [false, true] {
            let mut proxy = Proxy::to(&world).await;
            if asked {
                assert_eq!(proxy.is_told("/public").await.status, 200);
            }
            let (mut read, mut write) = proxy.stream.into_split();
            let sending = tokio::spawn(async move {
                let mut sent = write.write_all(begin.as_bytes()).await;
                while sent.is_ok() {
                    sent = write.write_all(&[b'x'; 65_536]).await;
                }
            });
            let mut answer = Vec::new();
            let refused = async {
                while !answer.ends_with(b"\r\n\r\n") {
                    assert_ne!(
                        read.read_buf(&mut answer).await.unwrap(),
                        0,
                        "closed without a word"
                    );
                }
            };
            soon("a refusal", refused).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 431 "), "{begin:?}: {answer}");
            sending.abort();
        }
    }
}

#[tokio::test]
async fn a_proxy_that_asks_is_told_to_come_back_over_another_connection_when_the_end_comes() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let here = Ipv4Addr::LOCALHOST;
    let at = SocketAddr::from((here, ports::free(here.into())));
    let external = format!("http://asked.test:{}", at.port());
    core.put_provider(ProviderSpec::forward_single("asked", &external).skip("^/public")).unwrap();
    let listen = at.to_string();
    let variables = [("OUTPOST__SHUTDOWN__DELAY", "1h"), ("AUTHENTIK_LISTEN__HTTP", &listen)];
    let outpost = Program::start(&core, &variables);
    outpost.serves(1).await;
    assert_eq!(outpost.address("http").await, at);
    let (mut early, mut late) = (Proxy::at(at).await, Proxy::at(at).await);
    assert_eq!(early.is_told("/public").await.status, 200);
    assert_eq!(late.is_told("/private").await.status, 302);
    outpost.signal("TERM");
    outpost.line("the outpost stops").await;
    for (proxy, path, status) in [(&mut early, "/public", 200), (&mut late, "/private", 302)] {
        let answer = proxy.is_told(path).await;
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")));
    }
    for proxy in [early, late] {
        assert_eq!(read_to_end(proxy.stream).await, "");
    }
}
