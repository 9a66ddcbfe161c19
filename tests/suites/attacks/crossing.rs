//! From one site to another.

use std::process::Command;

use outpost_demo::core::{CoreOptions, KeyPairSpec, ProviderSpec};
use outpost_tests::{Capture, parts};

use crate::attacks::exchange::Ask;
use crate::attacks::site::{DOORS, PROXY, Site};

/// Browsers send cookies along with a handshake that any page may begin; the origin tells which.
#[tokio::test]
async fn a_page_of_another_site_opens_no_websocket() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        let handshake = Ask::get("/x")
            .line("Connection", "Upgrade")
            .line("Upgrade", "websocket")
            .line("Sec-WebSocket-Version", "13")
            .line("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .line("Cookie", people[door.provider].session_pair());
        let host = door.host;
        // Below the cookie's domain every name is one of ours.
        let own = if door.provider == "domain" { "domain.test" } else { host };
        for origin in [
            "http://evil.test".to_owned(),
            format!("http://evil{own}"),
            format!("http://{host}.evil.test"),
            format!("http://{host}@evil.test"),
            "http://evildomain.test".to_owned(),
            "null".to_owned(),
            "file://".to_owned(),
            "garbage".to_owned(),
        ] {
            let outcome = site.knock(door, &handshake.clone().line("Origin", &origin)).await;
            outcome.assert_refused(&[400, 401, 403], &format!("{door:?} {origin}"));
        }
        let twice = handshake.clone().line("Origin", format!("http://{host}"));
        let twice = twice.line("Origin", "http://evil.test");
        site.knock(door, &twice).await.assert_refused(&[400, 401, 403], &format!("{door:?} twice"));
        let own = handshake.clone().line("Origin", format!("http://{host}"));
        site.knock(door, &own).await.assert_open_to("alice", &format!("{door:?} its own"));
    }
}

/// Who may use one application names it in a header at the proxy of another: the check would be
/// about the one, and the request goes to the other.
#[tokio::test]
async fn who_may_use_one_application_cannot_name_it_at_anothers_proxy() {
    let app = Capture::start().await;
    let providers = [
        ProviderSpec::forward_single("single", "http://single.test"),
        ProviderSpec::forward_single("other", "http://other.test"),
    ];
    let site = Site::serving(CoreOptions::default(), app, &[], providers).await;
    let door = DOORS.into_iter().find(|door| door.provider == "single").unwrap();
    let cookie = site.person(door, "alice").await.session_pair();
    let question = |host: &str, named: Option<&str>| {
        let mut text = format!(
            "GET /outpost.goauthentik.io/auth/nginx HTTP/1.1\r\nHost: {host}\r\n\
             X-Original-URI: /x\r\nCookie: {cookie}\r\nConnection: close\r\n"
        );
        if let Some(named) = named {
            text += &format!("X-Forwarded-Host: {named}\r\n");
        }
        text + "\r\n"
    };
    for (host, named, status) in [
        ("single.test", None, 200),
        ("single.test", Some("single.test"), 200),
        ("other.test", None, 401),
        ("other.test", Some("single.test"), 400),
        ("other.test:80", Some("single.test"), 400),
        ("OTHER.test", Some("single.test"), 400),
    ] {
        let outcome = site.send(PROXY, question(host, named).as_bytes()).await;
        assert_eq!(outcome.status, status, "{host} {named:?}: {outcome:?}");
        if status != 200 {
            outcome.assert_shut(host);
        }
    }
}

/// A certificate for one host opens no connection to another.
#[tokio::test]
async fn a_host_other_than_the_handshakes_is_sent_away() {
    let app = Capture::start().await;
    let core = crate::attacks::site::core(CoreOptions::default());
    let providers = ["a", "b"].map(|name| {
        let host = format!("{name}.test");
        let keypair = core.add_keypair(KeyPairSpec::self_signed(name, &[&host]).unwrap());
        ProviderSpec::proxy(name, &format!("https://{host}"), &app.url())
            .certificate(keypair)
            .skip("^/")
    });
    let site = Site::of(core, app, &[], providers).await;
    let port = site.outpost.address("https").await.port();
    // The application answers in this test's own threads meanwhile.
    let curl = async |named: &str, host: &str, version: &str| {
        let mut curl = Command::new(parts::find("curl"));
        curl.args(["--silent", "--insecure", "--max-time", "20", "--interface", "127.0.0.2"])
            .args(["--output", "/dev/null", "--write-out", "%{http_code}", version])
            .args(["--resolve", &format!("*:{port}:127.0.0.1"), "--header"])
            .args([&format!("Host: {host}"), &format!("https://{named}:{port}/x")]);
        let output = tokio::task::spawn_blocking(move || curl.output()).await.unwrap().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for version in ["--http1.1", "--http2"] {
        for (named, host, status) in [
            ("a.test", "a.test", "200"),
            ("a.test", "A.TEST", "200"),
            ("a.test", "b.test", "421"),
            ("b.test", "a.test", "421"),
            ("unknown.test", "a.test", "421"),
        ] {
            site.app.take();
            assert_eq!(curl(named, host, version).await, status, "{version} {named} {host}");
            assert_eq!(site.app.take().len(), usize::from(status == "200"), "{named} {host}");
        }
    }
}
