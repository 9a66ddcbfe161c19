//! Signing in through core behind the outpost, and where people reach it.

use std::time::Duration;

use outpost_demo::sample_app::SampleApp;
use outpost_tests::Browser;
use outpost_tests::folder::Folder;
use reqwest::Method;
use tokio::net::{TcpStream, UnixListener};

use crate::embedded::support::{Embedded, SSO, config, core};

/// One port serves everything: the application, the outpost, core's sign-in page.
#[tokio::test]
async fn people_sign_in_at_core_through_the_outpost() {
    let world = Embedded::start(None).await;
    let host = world.url(SSO, "");
    world.core.set_config(config(Some(&host)));
    world.serve([world.proxy()]).await;
    assert_eq!(world.findings(), Vec::<&str>::new());
    let browser = Browser::new();
    let page = world.url("app.test", "/json");
    let sign_in = browser.follow(&page).await;
    let expected = world.url(SSO, "/application/o/authorize/");
    assert!(sign_in.url.as_str().starts_with(&expected), "{}", sign_in.url);
    let landed = browser.sign_in(&page, "alice").await;
    assert_eq!(landed.status, 200, "{}", landed.body);
    assert_eq!(landed.received("X-authentik-username").as_deref(), Some("alice"));
    let keys = landed.received("X-authentik-meta-jwks").unwrap();
    assert!(keys.starts_with(&host), "{keys}");
    let out = browser.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert!(out.header("location").starts_with(&host), "{out:?}");
}

/// The stock set-up takes the address under which the administrator first comes.
#[tokio::test]
async fn the_primary_url_is_learned_from_an_administrator_and_from_nobody_else() {
    let world = Embedded::start(None).await;
    world.serve([world.proxy()]).await;
    assert!(world.findings().contains(&"embedded_host_unknown"), "{:?}", world.findings());
    let browser = Browser::new();
    let system = "/api/v3/admin/system/";
    let admin = format!("Bearer {}", world.core.admin_token());
    // Nobody whom core does not know as its administrator may say where people sign in.
    let evil = world.url("evil.test", system);
    assert_eq!(browser.get(&evil).await.status, 403);
    let wrong = [("authorization", "Bearer wrong")];
    assert_eq!(browser.send(Method::GET, &evil, &wrong, None).await.status, 403);
    // A program of the administrator's may come by a name that people cannot use.
    let by_program = [("authorization", admin.as_str())];
    let inner = world.url("authentik-server", system);
    assert_eq!(browser.send(Method::GET, &inner, &by_program, None).await.status, 200);
    world.refreshed().await;
    assert!(world.findings().contains(&"embedded_host_unknown"), "{:?}", world.findings());

    let by_admin = [("authorization", admin.as_str()), ("sec-fetch-site", "same-origin")];
    let seen = browser.send(Method::GET, &world.url(SSO, system), &by_admin, None).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    let learned = world.outpost.published.snapshot.wait_for(|snapshot| {
        snapshot.findings.iter().any(|found| found.finding.code == "embedded_host_learned")
    });
    tokio::time::timeout(Duration::from_secs(20), learned).await.unwrap().unwrap();
    // The first one counts.
    browser.send(Method::GET, &world.url("other.test", system), &by_admin, None).await;

    let landed = browser.sign_in(&world.url("app.test", "/json"), "alice").await;
    assert_eq!(landed.status, 200, "{}", landed.body);
    let keys = landed.received("X-authentik-meta-jwks").unwrap();
    assert!(keys.starts_with(&world.url(SSO, "/")), "{keys}");
    // What the outpost's configuration says later wins.
    world.core.set_config(config(Some("https://set.test")));
    world.refreshed().await;
    assert_eq!(world.findings(), Vec::<&str>::new());
}

/// Core on a Unix socket: the API, the websocket, OAuth2 and the pages all go through it.
#[tokio::test]
async fn core_may_listen_on_a_unix_socket() {
    let folder = Folder::new();
    let socket = folder.path().join("core.sock");
    let core = core(None);
    let behind = core.address();
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut to) = TcpStream::connect(behind).await {
                    // Ends with either side.
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    let at = format!("unix://{}", socket.display());
    let app = SampleApp::start(0).unwrap();
    let world = Embedded::of(core, app, &[("OUTPOST__EMBEDDED__CORE", &at)]).await;
    world.core.set_config(config(Some(&world.url(SSO, ""))));
    world.serve([world.proxy()]).await;
    let landed = Browser::new().sign_in(&world.url("app.test", "/json"), "alice").await;
    assert_eq!(landed.status, 200, "{}", landed.body);
    assert_eq!(landed.received("X-authentik-username").as_deref(), Some("alice"));
}
