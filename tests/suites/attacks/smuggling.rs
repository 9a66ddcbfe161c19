//! Bytes that no browser sends.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::attacks::exchange::{Ask, Outcome};
use crate::attacks::site::{DOORS, Door, PROXIED, PROXY, STRANGER, Site, soon};
use crate::tricks::two_ends;

/// The head of a request that everybody may make through a door, from its first line to the host.
fn public_head(door: Door, method: &str) -> String {
    let text = match door.dialect {
        None => Ask::get("/public/x").to(door.host),
        Some(dialect) => Ask::get("/public/x").asked_by(dialect, door.host),
    };
    let text = String::from_utf8(text).unwrap();
    let head = text.strip_suffix("Connection: close\r\n\r\n").unwrap();
    head.replacen("GET ", &format!("{method} "), 1)
}

async fn send(site: &Site, door: Door, bytes: &[u8]) -> Outcome {
    site.app.take();
    let from = if door.dialect.is_some() { PROXY } else { STRANGER };
    let mut outcome = site.send(from, bytes).await;
    outcome.reached = site.app.take();
    outcome.forward_auth = door.dialect.is_some();
    outcome
}

/// Two readings of where a request ends are one request too many.
#[tokio::test]
async fn a_request_with_two_ends_is_refused() {
    let site = Site::start().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n";
    let length = smuggled.len() + 5;
    for door in DOORS {
        let head = public_head(door, "POST");
        for framing in two_ends(length) {
            let request = format!("{head}{framing}\r\n0\r\n\r\n{smuggled}");
            let outcome = send(&site, door, request.as_bytes()).await;
            outcome.assert_refused(&[0, 400, 501], &format!("{door:?} {framing:?}"));
            assert!(outcome.answers <= 1, "{door:?} {framing:?}: {outcome:?}");
        }
        let whole = format!("{head}Connection: close\r\nContent-Length: 0\r\n\r\n");
        send(&site, door, whole.as_bytes()).await.assert_open_to("", "with one end");
    }
}

#[tokio::test]
async fn a_request_with_two_hosts_is_refused() {
    let site = Site::start().await;
    for door in DOORS {
        let host = door.host;
        let head = public_head(door, "GET");
        let named = format!("Host: {host}\r\n");
        for other in [
            format!("{named}Host: {host}\r\n"),
            format!("{named}Host: evil.test\r\n"),
            format!("Host: evil.test\r\n{named}"),
            format!("Host: {host} evil.test\r\n"),
            format!("Host: {host},evil.test\r\n"),
            format!("Host: user@{host}\r\n"),
            format!("Host: {host}/x\r\n"),
            format!("Host : {host}\r\n"),
            String::new(),
        ] {
            let request = head.replacen(&named, &other, 1) + "Connection: close\r\n\r\n";
            let outcome = send(&site, door, request.as_bytes()).await;
            outcome.assert_refused(&[0, 400], &format!("{door:?} {other:?}"));
        }
        for target in ["http://evil.test", "http://app.test@evil.test", "http://evil.test:80"] {
            let request =
                head.replacen(" /", &format!(" {target}/"), 1) + "Connection: close\r\n\r\n";
            let outcome = send(&site, door, request.as_bytes()).await;
            outcome.assert_refused(&[0, 400], &format!("{door:?} {target}"));
        }
        // One name, said twice, is one name.
        let request =
            head.replacen(" /", &format!(" http://{host}/"), 1) + "Connection: close\r\n\r\n";
        send(&site, door, request.as_bytes()).await.assert_open_to("", &format!("{door:?}"));
    }
}

/// Requests inside a tunnel of HTTP would reach the application unseen.
#[tokio::test]
async fn no_tunnel_of_http_is_opened() {
    let site = Site::start().await;
    for upgrade in ["h2c", "TLS/1.0", "HTTP/2.0", "h2c, tcp"] {
        let ask = Ask::get("/public/x")
            .line("Upgrade", upgrade)
            .line("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")
            .line("Connection", "Upgrade, HTTP2-Settings");
        let outcome = site.knock(PROXIED, &ask).await;
        assert!(matches!(outcome.status, 200 | 400), "{upgrade}: {outcome:?}");
        for seen in &outcome.reached {
            let lower = seen.to_lowercase();
            assert!(!lower.contains("http2-settings") && !lower.contains("h2c"), "{seen}");
            assert!(!lower.contains("tls/1.0") && !lower.contains("http/2"), "{seen}");
        }
    }
    for request in [
        "CONNECT evil.test:443 HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n",
        "CONNECT app.test:80 HTTP/1.1\r\nHost: app.test:80\r\nConnection: close\r\n\r\n",
    ] {
        let outcome = send(&site, PROXIED, request.as_bytes()).await;
        outcome.assert_shut(request);
    }
    site.knock(PROXIED, &Ask::get("/public/x")).await.assert_open_to("", "without an upgrade");
}

/// CVE-2024-24814 for headers of all kinds.
#[tokio::test]
async fn floods_of_headers_are_answered_with_431() {
    let site = Site::start().await;
    for door in DOORS {
        let many = |count: usize, bytes: usize| {
            (0..count).fold(Ask::get("/public/x"), |ask, n| {
                ask.line(&format!("X-{n}"), "x".repeat(bytes))
            })
        };
        // What can be read is answered with a page, and what is more is not read.
        for (what, ask, says) in [
            ("a huge one", many(1, 70_000), "more than the 65536 allowed"),
            ("huge ones", many(3, 30_000), "more than the 65536 allowed"),
            ("one beyond any buffer", many(1, 500_000), ""),
            ("thousands", many(2_000, 40), ""),
        ] {
            let outcome = site.knock(door, &ask).await;
            let about = format!("{door:?} {what}");
            outcome.assert_refused(&[431], &about);
            assert!(outcome.body.contains(says), "{about}: {outcome:?}");
        }
        site.knock(door, &many(100, 40)).await.assert_open_to("", &format!("{door:?}"));
    }
    assert_eq!(site.outpost.count("panicked"), 0);
}

#[tokio::test]
async fn a_flood_of_trailers_does_not_reach_the_application() {
    let site = Site::start().await;
    let flood: String = (0..20_000).map(|n| format!("X-{n}: {}\r\n", "x".repeat(40))).collect();
    let body = format!("4\r\nbody\r\n0\r\n{flood}\r\n");
    let before = site.outpost.resident();
    for _ in 0..5 {
        let ask = Ask::new("POST", "/public/x")
            .line("Transfer-Encoding", "chunked")
            .line("Trailer", "X-1, X-2")
            .body(body.as_bytes());
        let outcome = site.knock(PROXIED, &ask).await;
        let got = outcome.reached.concat();
        assert!(got.len() < 8_000, "{} bytes reached the application", got.len());
    }
    let grown = site.outpost.resident().saturating_sub(before);
    assert!(grown < 100 << 20, "{grown} bytes more");
    site.knock(PROXIED, &Ask::get("/public/x")).await.assert_open_to("", "others are served");
}

/// Slowloris, with headers and with a body; others are served meanwhile.
#[tokio::test]
async fn who_dawdles_is_let_go() {
    let variables = [
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ_HEADER", "3s"),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ", "3s"),
    ];
    let site = Site::with(&variables, |spec| spec).await;
    let mut slow = Vec::new();
    for bytes in [
        &b"GET /public/x HTTP/1.1\r\nHost: app.te"[..],
        b"GET /public/x HTTP/1.1\r\nHost: app.test\r\nX-Long: ",
        b"G",
        b"PROXY TC",
        b"POST /public/x HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\nabc",
        b"POST /public/x HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ] {
        let mut stream = site.connect(PROXY).await;
        stream.write_all(bytes).await.unwrap();
        slow.push((bytes, stream));
    }
    site.knock(PROXIED, &Ask::get("/public/x")).await.assert_open_to("", "meanwhile");
    for (bytes, mut stream) in slow {
        let what = String::from_utf8_lossy(bytes).into_owned();
        let mut answer = Vec::new();
        let _ = soon(&what, stream.read_to_end(&mut answer)).await;
        let outcome = Outcome::read(&answer);
        assert!(!(200..300).contains(&outcome.status), "{what}: {outcome:?}");
    }
    // One that keeps dripping is no better.
    let mut drip = site.connect(PROXY).await;
    soon("the dripping one", async {
        while drip.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    site.knock(PROXIED, &Ask::get("/public/x")).await.assert_open_to("", "afterwards");
}

/// Who may set a PROXY header may name any client; a stranger may not.
#[tokio::test]
async fn a_strangers_proxy_header_ends_the_connection() {
    let site = Site::start().await;
    let one = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 80\r\n".to_vec();
    let mut two = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    two.extend_from_slice(&[127, 0, 0, 1, 127, 0, 0, 1, 0, 1, 0, 80]);
    for header in [one, two] {
        for door in DOORS {
            let request = public_head(door, "GET") + "Connection: close\r\n\r\n";
            let bytes = [&header[..], request.as_bytes()].concat();
            site.app.take();
            let outcome = site.send(STRANGER, &bytes).await;
            outcome.assert_refused(&[0, 400], &format!("{door:?}"));
            assert_eq!(site.app.take(), Vec::<String>::new(), "{door:?}");
        }
        // Of a proxy of ours it is believed.
        let request = Ask::get("/public/x").to("app.test");
        let told = String::from_utf8_lossy(&header).replace("127.0.0.1 127", "203.0.113.7 127");
        let bytes = if header.starts_with(b"PROXY") {
            [told.as_bytes(), &request].concat()
        } else {
            let mut header = header.clone();
            header[16..20].copy_from_slice(&[203, 0, 113, 7]);
            [&header[..], &request].concat()
        };
        site.app.take();
        assert_eq!(site.send(PROXY, &bytes).await.status, 200);
        let seen = site.app.take().concat();
        assert!(seen.contains("X-Forwarded-For: 203.0.113.7"), "{seen}");
    }
}

/// Bytes that are no request cost their sender only.
#[tokio::test]
async fn garbage_is_nobodys_request() {
    let site = Site::start().await;
    for door in DOORS {
        let head = public_head(door, "GET");
        for bytes in [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            head.replacen("HTTP/1.1", "HTTP/9.9", 1).into_bytes(),
            head.replacen("GET ", "GET  ", 1).into_bytes(),
            head.replacen("GET ", "GE\0T ", 1).into_bytes(),
            format!("{head}X: a\0b\r\n").into_bytes(),
            format!("{head}X-Folded: a\r\n b\r\n").into_bytes(),
            format!("{head}Bad Name: a\r\n").into_bytes(),
            format!("{head}X: a\rb\r\n").into_bytes(),
            format!("{head}: nameless\r\n").into_bytes(),
        ] {
            let mut bytes = bytes;
            bytes.extend_from_slice(b"Connection: close\r\n\r\n");
            let outcome = send(&site, door, &bytes).await;
            outcome.assert_shut(&format!("{door:?} {}", String::from_utf8_lossy(&bytes)));
        }
        site.knock(door, &Ask::get("/public/x")).await.assert_open_to("", &format!("{door:?}"));
    }
}
