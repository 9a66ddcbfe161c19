//! Whose word on the original request counts.

use crate::attacks::exchange::Ask;
use crate::attacks::site::{DOORS, PROXIED, PROXY, STRANGER, Site, connect, forward_doors, soon};

/// CVE-2023-36456, CVE-2024-47070.
#[tokio::test]
async fn a_strangers_forwarding_headers_mean_nothing() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in forward_doors() {
        let dialect = door.dialect.unwrap();
        let paths = ["/x", "/public/x", "/outpost.goauthentik.io/start"];
        // Envoy's question is the request itself: nothing to believe or not.
        for path in paths.into_iter().filter(|_| dialect != "envoy") {
            for cookie in [None, Some(people[door.provider].session_pair())] {
                let signed_in = cookie.is_some();
                let ask =
                    cookie.map_or(Ask::get(path), |cookie| Ask::get(path).line("Cookie", cookie));
                let about = format!("{door:?} {path} signed in: {signed_in}");
                let bytes = ask.asked_by(dialect, door.host);
                site.send(STRANGER, &bytes).await.assert_refused(&[500], &about);
            }
        }
        // Headers beside it say nothing.
        for name in ["X-Forwarded-Host", "X-Forwarded-Uri", "X-Original-URL", "X-Original-URI"] {
            let ask = Ask::get("/x").line(name, "/public/x");
            let bytes = ask.asked_by("envoy", door.host);
            site.send(STRANGER, &bytes).await.assert_refused(&[302], &format!("{door:?} {name}"));
        }
        let own = Ask::get("/x").line("Cookie", people[door.provider].session_pair());
        site.knock(door, &own).await.assert_open_to("alice", &format!("{door:?} from the proxy"));
    }
    for (name, value) in [
        ("X-Forwarded-Host", "single.test"),
        ("X-Forwarded-Uri", "/public/x"),
        ("X-Original-URL", "http://app.test/public/x"),
        ("X-Original-URI", "/public/x"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1;host=single.test"),
    ] {
        let outcome = site.knock(PROXIED, &Ask::get("/x").line(name, value)).await;
        outcome.assert_refused(&[302], name);
        let location = outcome.header("location").unwrap();
        assert!(location.starts_with("http://app.test/"), "{name}: {location}");
    }
}

/// Whoever asks as Envoy does asks for himself: he gets what the request itself would get him.
#[tokio::test]
async fn a_stranger_who_asks_as_envoy_does_gets_what_is_his() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in forward_doors().filter(|door| door.dialect == Some("envoy")) {
        let asked = async |ask: &Ask| {
            let mut outcome = site.send(STRANGER, &ask.asked_by("envoy", door.host)).await;
            outcome.forward_auth = true;
            outcome
        };
        let about = format!("{door:?}");
        for method in ["GET", "POST", "OPTIONS"] {
            asked(&Ask::new(method, "/x")).await.assert_refused(&[302, 401], &about);
        }
        for (provider, person) in &people {
            let outcome = asked(&Ask::get("/x").line("Cookie", person.session_pair())).await;
            if *provider == door.provider {
                outcome.assert_open_to("alice", &about);
            } else {
                outcome.assert_refused(&[302], &format!("{about} with a session of {provider}"));
            }
        }
        asked(&Ask::get("/public/x")).await.assert_open_to("", &about);
    }
}

/// CVE-2024-47070: an address that cannot be read let people in without a password.
#[tokio::test]
async fn an_unreadable_client_address_neither_crashes_nor_opens() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        for value in [
            &b""[..],
            b",",
            b",,,,",
            b"unknown",
            b"not an address",
            b"127.0.0.1:99999",
            b"999.999.999.999",
            b"127.0.0.1, garbage",
            b"[::1",
            b"::ffff:999.1.1.1",
            b"\xff\xfe",
            b"1.2.3.4\t,\t5",
            &[b','; 9_000],
        ] {
            let ask = || Ask::get("/x").line("X-Forwarded-For", value).line("X-Real-IP", value);
            let about =
                format!("{door:?} {}", String::from_utf8_lossy(&value[..value.len().min(40)]));
            site.knock(door, &ask()).await.assert_refused(&[302, 401], &about);
            let own = ask().line("Cookie", people[door.provider].session_pair());
            site.knock(door, &own).await.assert_open_to("alice", &about);
        }
    }
    assert_eq!(site.outpost.count("panicked"), 0);
}

/// CVE-2026-40575, CVE-2026-35051: of two headers of a name, one is the client's.
#[tokio::test]
async fn a_forwarding_header_that_is_there_twice_is_refused() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in forward_doors() {
        let url = format!("http://{}/public/x", door.host);
        let headers = match door.dialect.unwrap() {
            "nginx" => vec![("X-Original-URL", url.as_str())],
            "envoy" => continue,
            _ => vec![
                ("X-Forwarded-Uri", "/public/x"),
                ("X-Forwarded-Host", door.host),
                ("X-Forwarded-Proto", "http"),
                ("X-Forwarded-Method", "OPTIONS"),
            ],
        };
        for (name, value) in headers {
            for name in [name.to_owned(), name.to_lowercase()] {
                for path in ["/x", "/public/x"] {
                    let own = people[door.provider].session_pair();
                    for ask in [Ask::get(path), Ask::get(path).line("Cookie", own)] {
                        let outcome = site.knock(door, &ask.line(&name, value)).await;
                        outcome.assert_refused(&[400], &format!("{door:?} {name} {path}"));
                    }
                }
            }
        }
        site.knock(door, &Ask::get("/public/x")).await.assert_open_to("", "once");
    }
}

/// CVE-2026-39858: a name that only some program takes for a forwarding header is nothing to us.
#[tokio::test]
async fn aliases_of_forwarding_headers_mean_nothing() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        for (name, value) in [
            ("X_Forwarded_Uri", "/public/x"),
            ("X_Forwarded_Host", "nobody.test"),
            ("X_Forwarded_Proto", "gopher"),
            ("X_Original_URI", "/public/x"),
            ("X_Original_URL", "http://single.test/public/x"),
            ("X.Original.URL", "/public/x"),
            ("X-Forwarded-Path", "/public/x"),
            ("X-Forwarded-Prefix", "/public"),
            ("X-Forwarded-Port", "80"),
            ("X-Forwarded-Server", "nobody.test"),
            ("X-Rewrite-URL", "/public/x"),
            ("X-Http-Method-Override", "OPTIONS"),
            ("Forwarded", "host=nobody.test;proto=https"),
        ] {
            let about = format!("{door:?} {name}");
            let ask = Ask::get("/x").line(name, value);
            site.knock(door, &ask).await.assert_refused(&[302, 401], &about);
            let own = Ask::get("/x").line("Cookie", people[door.provider].session_pair());
            site.knock(door, &own.line(name, value)).await.assert_open_to("alice", &about);
        }
    }
}

/// Nginx sets one of the two headers, a client sends the other.
#[tokio::test]
async fn a_clients_own_header_beside_that_of_nginx_is_refused() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in forward_doors().filter(|door| door.dialect == Some("nginx")) {
        let host = door.host;
        let cookie = people[door.provider].session_pair();
        let question = |lines: &[(&str, &str)]| {
            let mut text =
                format!("GET /outpost.goauthentik.io/auth/nginx HTTP/1.1\r\nHost: {host}\r\n");
            for (name, value) in lines {
                text += &format!("{name}: {value}\r\n");
            }
            text + "Connection: close\r\n\r\n"
        };
        let url = |path: &str| format!("http://{host}{path}");
        for (url, uri) in [
            // The proxy sets the URL, the client the URI; and the reverse.
            (url("/x"), "/outpost.goauthentik.io/"),
            (url("/x"), "/public/x"),
            (url("/x"), "/x?"),
            (url("/outpost.goauthentik.io/"), "/x"),
            (url("/public/x"), "/x"),
            ("http://app.test/x".to_owned(), "/x"),
        ] {
            for cookie in [None, Some(cookie.as_str())] {
                let mut lines = vec![("X-Original-URL", url.as_str()), ("X-Original-URI", uri)];
                lines.extend(cookie.map(|cookie| ("Cookie", cookie)));
                let outcome = site.send(PROXY, question(&lines).as_bytes()).await;
                outcome.assert_refused(&[400], &format!("{url} {uri} {cookie:?}"));
            }
        }
        for lines in [
            &[("X-Original-URL", "/x"), ("X-Original-URI", "/x")][1..],
            &[("X-Original-URL", url("/x").as_str()), ("X-Original-URI", "/x")],
        ] {
            let lines = [lines, &[("Cookie", cookie.as_str())]].concat();
            let outcome = site.send(PROXY, question(&lines).as_bytes()).await;
            assert_eq!(outcome.status, 200, "{lines:?}: {outcome:?}");
        }
    }
}

/// ak#25397: the client is the right-most hop that is no proxy of ours; what stands left of it is
/// the client's own word.
#[tokio::test]
async fn the_client_is_the_right_most_hop_that_is_not_trusted() {
    let site = Site::start().await;
    let question = |hops: &str| {
        Ask::get("/outpost.goauthentik.io/auth/traefik")
            .line("X-Forwarded-For", hops)
            .to("single.test")
    };
    site.send(PROXY, &question("198.51.100.9, 203.0.113.7, 127.0.0.1")).await.assert_shut("");
    site.core.wait_for("an event", |seen| !seen.events.is_empty()).await.unwrap();
    let told = site.core.observe(|seen| seen.events[0]["client_ip"].clone());
    assert_eq!(told, "203.0.113.7");
    // A stranger says nothing of the kind.
    let site = Site::start().await;
    site.send(STRANGER, &question("198.51.100.9")).await.assert_shut("");
    site.core.wait_for("an event", |seen| !seen.events.is_empty()).await.unwrap();
    let told = site.core.observe(|seen| seen.events[0]["client_ip"].clone());
    assert_eq!(told, STRANGER.to_string());
}

/// ak#24479: over a socket of both families, `127.0.0.1` comes as `::ffff:127.0.0.1`.
#[tokio::test]
async fn a_mapped_address_is_the_one_it_maps() {
    let site = Site::with(&[("AUTHENTIK_LISTEN__HTTP", "[::]:0")], |spec| spec).await;
    let there = ([127, 0, 0, 1], site.http.port()).into();
    for (from, status) in [(PROXY, 200), (STRANGER, 500)] {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = connect(there, from).await;
        stream.write_all(&Ask::get("/public/x").asked_by("caddy", "single.test")).await.unwrap();
        let mut answer = Vec::new();
        soon("an answer", stream.read_to_end(&mut answer)).await.unwrap();
        let outcome = crate::attacks::exchange::Outcome::read(&answer);
        assert_eq!(outcome.status, status, "{from}: {outcome:?}");
    }
}
