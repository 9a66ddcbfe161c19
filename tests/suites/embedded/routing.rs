//! Whose a request is, and how it reaches core.

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_demo::core::ProviderSpec;
use outpost_tests::Browser;
use outpost_tests::folder::Folder;
use reqwest::Method;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::embedded::support::{Embedded, SSO};

const JSON: (&str, &str) = ("accept", "application/json");

#[tokio::test]
async fn each_request_goes_where_it_belongs() {
    let world = Embedded::mirrored(&[]).await;
    world
        .serve([world.proxy(), ProviderSpec::forward_single("fwd", &world.url("fwd.test", ""))])
        .await;
    let browser = Browser::new();
    // Core's: its own host, any other, and what a reverse proxy answers itself on a host of
    // forward auth.
    for (host, path) in [
        (SSO, "/"),
        (SSO, "/if/admin/"),
        (SSO, "/api/v3/root/config/"),
        (SSO, "/static/dist/missing.css"),
        ("10.0.0.1.test", "/"),
        ("fwd.test", "/page"),
        (SSO, "/x?X-authentik-logout=true"),
    ] {
        let url = world.url(host, path);
        let answer = browser.send(Method::GET, &url, &[JSON], None).await;
        assert_eq!(answer.status, 200, "{host}{path}: {}", answer.body);
        assert_eq!(answer.json()["target"], path);
        assert_eq!(answer.received("Host").unwrap(), format!("{host}:{}", world.port));
        assert_eq!(answer.header("x-powered-by"), "authentik");
    }
    // The outpost's.
    for (host, path, status) in [
        ("app.test", "/", 302),
        ("app.test", "/static/app.css", 302),
        ("fwd.test", "/outpost.goauthentik.io/start", 302),
        (SSO, "/outpost.goauthentik.io/ping", 204),
        (SSO, "/outpost.goauthentik.io/start", 400),
    ] {
        let answer = browser.get(&world.url(host, path)).await;
        assert_eq!(answer.status, status, "{host}{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn core_learns_the_truth_about_the_client_and_no_more() {
    let untrusting = ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "10.0.0.0/8");
    let world = Embedded::mirrored(&[untrusting]).await;
    let spoofed = [
        JSON,
        ("X-Forwarded-For", "6.6.6.6"),
        ("x_forwarded_for", "6.6.6.6"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Client-Cert", "6.6.6.6"),
        ("SSL-Client-Cert", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6;host=evil.test"),
        ("X-Real-IP", "6.6.6.6"),
        ("Authorization", "Bearer of-an-api-client"),
    ];
    let url = world.url(SSO, "/api/v3/core/users/?page=2");
    let answer = Browser::new().send(Method::POST, &url, &spoofed, Some("body".into())).await;
    assert!(!answer.body.contains("6.6.6.6") && !answer.body.contains("evil"), "{}", answer.body);
    assert_eq!(answer.json()["method"], "POST");
    assert_eq!(answer.json()["target"], "/api/v3/core/users/?page=2");
    for (name, value) in [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", &format!("{SSO}:{}", world.port)),
        ("Host", &format!("{SSO}:{}", world.port)),
        ("Authorization", "Bearer of-an-api-client"),
        ("Content-Length", "4"),
    ] {
        assert_eq!(answer.received(name).as_deref(), Some(value), "{name}");
    }

    // Behind a trusted proxy, what it says is what core is told.
    let world = Embedded::mirrored(&[]).await;
    let told = [
        JSON,
        ("X-Forwarded-For", "192.0.2.7"),
        ("X-Forwarded-Host", "sso.example.com"),
        ("X-Forwarded-Proto", "https"),
    ];
    let answer = Browser::new().send(Method::GET, &world.url(SSO, "/"), &told, None).await;
    for (name, value) in [
        ("X-Forwarded-For", "192.0.2.7, 127.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("Host", "sso.example.com"),
    ] {
        assert_eq!(answer.received(name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn websockets_reach_core() {
    let world = Embedded::mirrored(&[]).await;
    let url = world.url(SSO, "/ws").replacen("http", "ws", 1);
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
    let request = url.into_client_request().unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[tokio::test]
async fn streams_and_uploads_reach_core() {
    let world = Embedded::mirrored(&[]).await;
    let browser = Browser::new();
    let events = browser.get(&world.url(SSO, "/events?count=3&interval_ms=1")).await;
    assert_eq!(events.body.matches("data:").count(), 3, "{}", events.body);
    let download = browser.get(&world.url(SSO, "/download?bytes=300000")).await;
    assert_eq!(download.body.len(), 300_000);
    let upload = "x".repeat(300_000);
    let upload = browser.send(Method::POST, &world.url(SSO, "/upload"), &[], Some(upload)).await;
    assert!(upload.body.contains("300000"), "{}", upload.body);
}

#[tokio::test]
async fn static_files_come_from_their_folder_or_from_core() {
    let folder = Folder::new();
    for name in ["static/dist", "media/public", "help", "secret"] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    folder.write("static/dist/x.css", "body{}");
    folder.write("media/public/logo.svg", "<svg/>");
    folder.write("static/.hidden", "hidden");
    folder.write("secret/key", "secret");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("static/link")).unwrap();
    let path = folder.path().to_string_lossy().into_owned();
    let world = Embedded::mirrored(&[("OUTPOST__EMBEDDED__STATIC_FILES", &path)]).await;
    let browser = Browser::new();

    let css = browser.get(&world.url(SSO, "/static/dist/x.css")).await;
    assert_eq!((css.status.as_u16(), css.body.as_str()), (200, "body{}"));
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(css.header("x-content-type-options"), "nosniff");
    let again = [("if-none-match", css.header("etag"))];
    let again = browser.send(Method::GET, css.url.as_str(), &again, None).await;
    assert_eq!(again.status, 304);
    let part = browser.send(Method::GET, css.url.as_str(), &[("range", "bytes=0-3")], None).await;
    assert_eq!((part.status.as_u16(), part.body.as_str()), (206, "body"));
    let logo = browser.get(&world.url(SSO, "/media/public/logo.svg")).await;
    assert!(logo.header("content-security-policy").contains("sandbox"), "{logo:?}");

    for path in [
        "/static/dist/missing.css",
        "/static/",
        "/static/dist",
        "/static/.hidden",
        "/static/link",
        "/static/..%2fsecret/key",
        "/secret/key",
    ] {
        let answer = browser.send(Method::GET, &world.url(SSO, path), &[JSON], None).await;
        assert_eq!(answer.json()["target"], path, "core answers: {}", answer.body);
    }
    let post = browser.send(Method::POST, css.url.as_str(), &[JSON], None).await;
    assert_eq!(post.json()["method"], "POST", "core answers: {}", post.body);
}

/// In the stock set-up this is a bare 404, and nginx makes a 500 of it.
#[tokio::test]
async fn with_nothing_assigned_it_says_what_is_missing() {
    let world = Embedded::mirrored(&[]).await;
    assert!(world.findings().contains(&"embedded_nothing_assigned"), "{:?}", world.findings());
    for path in ["/outpost.goauthentik.io/start", "/outpost.goauthentik.io/auth/caddy"] {
        let forwarded = [
            ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Host", "app.test"),
            ("X-Forwarded-Uri", "/"),
        ];
        let url = world.url("app.test", path);
        let page = Browser::new().send(Method::GET, &url, &forwarded, None).await;
        assert_eq!(page.status, 404, "{path}: {}", page.body);
        assert!(page.body.contains("assign the application"), "{path}: {}", page.body);
        let script = [JSON, forwarded[0], forwarded[1], forwarded[2]];
        let script = Browser::new().send(Method::GET, &url, &script, None).await;
        assert_eq!(script.json()["error"], "nothing_assigned", "{path}");
    }
    world.serve([world.proxy()]).await;
    assert!(!world.findings().contains(&"embedded_nothing_assigned"), "{:?}", world.findings());
    assert_eq!(Browser::new().get(&world.url("app.test", "/")).await.status, 302);
}

#[tokio::test]
async fn while_core_is_down_a_page_says_so_and_tries_again() {
    let world = Embedded::start(Some("http://sso.test")).await;
    let browser = Browser::new();
    assert_eq!(browser.get(&world.url(SSO, "/")).await.status, 200);
    world.core.stop();
    let page = browser.get(&world.url(SSO, "/if/admin/")).await;
    assert_eq!(page.status, 503, "{}", page.body);
    assert!(page.body.contains("authentik is starting"), "{}", page.body);
    assert_eq!((page.header("refresh"), page.header("retry-after")), ("5", "5"));
    let script = browser.send(Method::GET, &world.url(SSO, "/api/"), &[JSON], None).await;
    assert_eq!((script.status.as_u16(), script.header("refresh")), (503, ""));
    assert_eq!(script.json()["error"], "core_starting");
    world.core.resume().unwrap();
    assert_eq!(browser.get(&world.url(SSO, "/")).await.status, 200);
}
