//! Clients that lie: about who they are, and about what they ask for.

use outpost_tests::Browser;
use outpost_tests::proxies::Kind;

use crate::ask;
use crate::proxies::front::{BELOW, Front};

pub(crate) async fn identity_is_never_the_clients_own(kind: Kind) {
    let front = Front::of(kind).await;
    for host in front.hosts() {
        let browser = front.signed_in(host, "alice").await;
        for path in ["/json", "/public/x", "/echo/x"] {
            let spoofed = front.spoofed(&browser, &front.url(host, path)).await;
            assert_eq!(spoofed.status, 200, "{kind:?} {host} {path}: {}", spoofed.body);
            let name = spoofed.received("X-authentik-username");
            assert_eq!(name.as_deref(), Some("alice"), "{kind:?} {host} {path}");
            assert!(!spoofed.body.contains("mallory"), "{kind:?} {host} {path}: {}", spoofed.body);
        }
        let nobody = front.spoofed(&Browser::new(), &front.url(host, "/json")).await;
        assert_eq!(nobody.status, 401, "{kind:?} {host}: {}", nobody.body);
    }
}

/// Every header by which a proxy tells of a request, from the client itself, once and twice.
pub(crate) async fn nobody_gets_in_by_claiming_another_address(kind: Kind) {
    let front = Front::of(kind).await;
    let port = front.proxy.at.port();
    let mut claims: Vec<String> = vec![
        "X-Forwarded-Uri: /public/x\r\n".into(),
        "X-Forwarded-Uri: /outpost.goauthentik.io/ping\r\n".into(),
        "X-Original-URI: /public/x\r\n".into(),
        "X-Original-URI: /outpost.goauthentik.io/\r\n".into(),
        format!("X-Original-URL: http://single.test:{port}/public/x\r\n"),
        format!("X-Original-URL: http://single.test:{port}/outpost.goauthentik.io/ping\r\n"),
        "X-Rewrite-URL: /public/x\r\n".into(),
        "X-Forwarded-Prefix: /public\r\n".into(),
        "X-Forwarded-Proto: https\r\n".into(),
        "X-Forwarded-Proto: /public/x\r\n".into(),
        "X-Forwarded-Method: OPTIONS\r\n".into(),
        "X-Original-Method: OPTIONS\r\n".into(),
        "X-Forwarded-Port: 443\r\n".into(),
        format!("X-Forwarded-Host: {BELOW}:{port}\r\n"),
        "X-Forwarded-Host: evil.test\r\n".into(),
        "X-Forwarded-For: 10.0.0.1\r\n".into(),
        "Forwarded: for=10.0.0.1;host=evil.test;proto=https\r\n".into(),
        "X_Forwarded_Uri: /public/x\r\n".into(),
        "x-forwarded_uri: /public/x\r\n".into(),
        "X_Original_URL: http://single.test/public/x\r\n".into(),
        "User-Agent: GoogleHC/1.0\r\n".into(),
        "Connection: X-Original-URL, X-Forwarded-Uri, X-Forwarded-Host\r\n".into(),
    ];
    let twice: Vec<String> = claims.iter().map(|claim| claim.repeat(2)).collect();
    claims.extend(twice);
    claims.push(
        "X-Forwarded-Uri: /public/x\r\nX-Forwarded-Host: single.test\r\nX-Forwarded-Proto: http\r\n"
            .into(),
    );
    for claim in &claims {
        let answer = front.raw("single.test", b"/json", claim.as_bytes()).await;
        assert_ne!(answer.status, 200, "{kind:?} {claim}: {answer:?}");
        assert!((300..500).contains(&answer.status), "{kind:?} {claim}: {answer:?}");
    }

    // What is claimed is not passed on as true to those who are let in, either.
    let browser = front.signed_in("single.test", "alice").await;
    let page = front.url("single.test", "/json");
    let claims = [
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Uri", "/evil"),
        ("X-Original-URL", "/evil"),
        ("X-Rewrite-URL", "/evil"),
        ("X-Original-URI", "/evil"),
        ("Forwarded", "for=6.6.6.6"),
        ("accept", "application/json"),
    ];
    let answer = browser.send(reqwest::Method::GET, &page, &claims, None).await;
    assert_eq!(answer.status, 200, "{kind:?}: {}", answer.body);
    assert!(
        !answer.body.contains("evil") && !answer.body.contains("6.6.6.6"),
        "{kind:?}: {}",
        answer.body
    );
    assert_eq!(answer.received("X-Forwarded-Proto").as_deref(), Some("http"), "{kind:?}");

    // A session at the domain is none at the application, whatever the request line claims.
    if kind != Kind::NginxProxyManager {
        let below = front.signed_in(BELOW, "alice").await;
        let own = front.url(BELOW, "/json");
        let cookie = below.cookie_header(&own.parse().unwrap()).unwrap();
        let cookie = format!("Cookie: {cookie}\r\n");
        let absolute = front.url("single.test", "/json");
        let answer = front.raw(BELOW, absolute.as_bytes(), cookie.as_bytes()).await;
        let as_own = answer.status == 200 && answer.json()["headers"].to_string().contains(BELOW);
        assert!(answer.status != 200 || as_own, "{kind:?}: {answer:?}");
        let answer = front.raw("single.test", b"/json", cookie.as_bytes()).await;
        assert_ne!(answer.status, 200, "{kind:?}: {answer:?}");
    }
}

/// GHSA-7rh7-c77v-6434 and its like: paths that a proxy, the outpost and the application may each
/// read in another way.
pub(crate) async fn nobody_gets_in_by_an_ambiguous_path(kind: Kind) {
    let front = Front::of(kind).await;
    let targets: [&[u8]; 34] = [
        b"/public/../json",
        b"/public/%2e%2e/json",
        b"/public/.%2e/json",
        b"/public/..%2fjson",
        b"/public/..%2Fjson",
        b"/public/%2e%2e%2fjson",
        b"/public/%252e%252e/json",
        b"/public/%252e%252e%252fjson",
        b"/public/..%5cjson",
        b"/public/..\\json",
        b"/public/..;/json",
        b"/public/..;x=y/json",
        b"/public/;/../json",
        b"/public/..%3b/json",
        b"/public/..//json",
        b"//public/../json",
        b"/public//../json",
        b"/public/x/../../json",
        b"/public/./../json",
        b"/json#/public/",
        b"/json%23/public/",
        b"/json?/public/",
        b"/json%3f/public/",
        b"/json;/public/",
        b"/json/..;/public/../json",
        b"/json%00/public/",
        b"/public/%00/../json",
        b"/public/..%00/json",
        b"/public/..%0d%0a/json",
        b"/public/..\x01/json",
        b"/outpost.goauthentik.io/../json",
        b"/outpost.goauthentik.io/%2e%2e/json",
        b"/outpost.goauthentik.io/..%2fjson",
        b"/outpost.goauthentik.io/auth/envoy/../../../json",
    ];
    for host in front.hosts() {
        // What is public is served: refusing everything would pass below.
        let plain = front.data(host, b"/public/x").await;
        assert_eq!(plain.status, 200, "{kind:?} {host}: {plain:?}");
        assert!(plain.body.contains("\"headers\""), "{kind:?} {host}: {plain:?}");
        for target in targets {
            let shown = String::from_utf8_lossy(target);
            let answer = front.raw(host, target, b"").await;
            if answer.status != 200 {
                assert!(
                    !answer.body.contains("\"headers\""),
                    "{kind:?} {host} {shown}: {answer:?}"
                );
                continue;
            }
            // A proxy may tidy a path up for everybody: what the application then sees is public.
            let seen = front.data(host, target).await;
            assert_eq!(seen.status, 200, "{kind:?} {host} {shown}: {seen:?}");
            let path = seen.json()["target"].as_str().unwrap().to_owned();
            let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/');
            assert!(path.starts_with("/public/") && plain, "{kind:?} {host} {shown}: {path}");
        }
    }
}

/// Within a tunnel of HTTP/2 nobody would ask the outpost any more: no application is asked for
/// one, not even on a public path.
pub(crate) async fn nobody_gets_a_tunnel_past_the_check(kind: Kind) {
    let front = Front::of(kind).await;
    let port = front.proxy.at.port();
    for upgrade in ["h2c", "h2c, websocket", "websocket, h2c", "h2c\r\nUpgrade: websocket", "x/1"] {
        let head = format!(
            "GET /public/x HTTP/1.1\r\nHost: single.test:{port}\r\nAccept: application/json\r\n\
             Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\n\
             HTTP2-Settings: AAMAAABkAAQAAP__\r\nX-Control: seen\r\n"
        );
        let answer = ask::raw(front.proxy.at.address(), head.as_bytes()).await;
        assert_ne!(answer.status, 101, "{kind:?} {upgrade}: {answer:?}");
        if answer.status == 200 {
            assert!(answer.body.contains("seen"), "{kind:?} {upgrade}: {answer:?}");
            for part in ["h2c", "x/1", "AAMAAABkAAQAAP__"] {
                assert!(!answer.body.contains(part), "{kind:?} {upgrade}: {answer:?}");
            }
        }
    }
}
