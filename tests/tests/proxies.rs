//! Forward auth through real reverse proxies: nginx, Traefik, Caddy and Envoy, each set up as
//! authentik's documentation says.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_demo::core::ProviderSpec;
use outpost_tests::proxies::{Kind, Proxy, Reserved};
use outpost_tests::{Browser, World};
use reqwest::Method;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

const HOSTS: [&str; 2] = ["single.test", "app.domain.test"];

struct Front {
    kind: Kind,
    proxy: Proxy,
    world: World,
}

impl Front {
    /// A proxy in front of the sample application, for an application and for a whole domain.
    async fn of(kind: Kind) -> Self {
        let world = World::start().await;
        let reserved = Reserved::any();
        let at = |host: &str| format!("http://{host}:{}", reserved.port());
        world
            .serve([
                ProviderSpec::forward_single("single", &at("single.test")).skip("^/public/"),
                ProviderSpec::forward_domain("domain", &at("auth.domain.test"), "domain.test")
                    .skip("^https?://[^/]+/public/"),
            ])
            .await;
        let proxy = Proxy::start(kind, reserved, world.http(), world.app.address()).await;
        Self { kind, proxy, world }
    }

    /// Every spelling of an identity header that a client may try.
    async fn spoofed(&self, browser: &Browser, url: &str) -> outpost_tests::Answer {
        let headers = [
            ("X-authentik-username", "mallory"),
            ("x-AUTHENTIK-groups", "mallory"),
            ("X-Authentik-Uid", "mallory"),
            ("x-authentik-jwt", "mallory"),
            ("X-authentik-meta-app", "mallory"),
            ("x_authentik_username", "mallory"),
            ("X_AUTHENTIK_EMAIL", "mallory"),
            ("accept", "application/json"),
        ];
        let mut headers = headers.to_vec();
        if self.kind != Kind::Traefik {
            // Traefik removes headers by whole names, and these are too many: see its file.
            headers.extend([("x-authentik_name", "mallory"), ("X_authentik-Meta_App", "mallory")]);
        }
        browser.send(Method::GET, url, &headers, None).await
    }
}

async fn the_main_road(kind: Kind) {
    let front = Front::of(kind).await;
    for host in HOSTS {
        let page = front.proxy.at.url(host, "/json?a=1&b=%2F&c=x%26y");
        let browser = Browser::new();
        let landed = browser.sign_in(&page, "alice").await;
        assert_eq!(landed.status, 200, "{kind:?} {host}: {}", landed.body);
        assert_eq!(landed.url.as_str(), page, "{kind:?}: the same page, query included");
        assert_eq!(landed.json()["target"], "/json?a=1&b=%2F&c=x%26y");
        assert_eq!(landed.received("X-authentik-groups").as_deref(), Some("admins|staff"));

        let spoofed = front.spoofed(&browser, &page).await;
        assert_eq!(spoofed.received("X-authentik-username").as_deref(), Some("alice"), "{kind:?}");
        assert!(!spoofed.body.contains("mallory"), "{kind:?} {host}: {}", spoofed.body);

        let out = front.proxy.at.url(host, "/outpost.goauthentik.io/sign_out");
        let out = browser.get(&out).await;
        assert_eq!(out.status, 302, "{kind:?} {host}: {}", out.body);
        assert!(out.header("location").contains("/end-session/?id_token_hint="));
        assert_eq!(browser.get(&page).await.status, 302, "{kind:?} {host}: signed out");
        assert_eq!(front.world.sessions().await, 0);
    }
}

async fn public_paths_are_public_and_nobodys(kind: Kind) {
    let front = Front::of(kind).await;
    for host in HOSTS {
        let page = front.proxy.at.url(host, "/public/x");
        let browser = Browser::new();
        let plain = browser.get(&page).await;
        assert_eq!(plain.status, 200, "{kind:?} {host}: {}", plain.body);
        let spoofed = front.spoofed(&browser, &page).await;
        assert_eq!(spoofed.status, 200, "{kind:?} {host}: {}", spoofed.body);
        assert!(!spoofed.body.contains("mallory"), "{kind:?} {host}: {}", spoofed.body);
        assert!(spoofed.json()["user"].is_null(), "{kind:?} {host}: {}", spoofed.body);
        for path in ["/public/..%2fjson", "/public/%2e%2e%2fjson", "/public/..;/json"] {
            let answer = browser.get(&front.proxy.at.url(host, path)).await;
            assert_ne!(answer.status, 200, "{kind:?} {host} {path}: {}", answer.body);
        }
    }
}

/// nginx' `error_page` turns each 401 into its redirect; the others pass the answer on.
async fn scripts_are_told_401(kind: Kind) {
    let front = Front::of(kind).await;
    let api = front.proxy.at.url("single.test", "/api");
    let script = [("x-requested-with", "XMLHttpRequest"), ("accept", "application/json")];
    let answer = Browser::new().send(Method::GET, &api, &script, None).await;
    if kind == Kind::Nginx {
        assert_eq!(answer.status, 302);
        return;
    }
    assert_eq!(answer.status, 401, "{kind:?}: {}", answer.body);
    assert_eq!(answer.json()["error"], "not_signed_in_script");
}

/// ak#17033, ak#12008: several tabs sign in at once, and each lands on its own page.
async fn parallel_tabs_all_arrive(kind: Kind) {
    let front = Front::of(kind).await;
    let browser = Browser::new();
    let tabs = ["/json?tab=1", "/json?tab=2", "/json?tab=3"];
    let mut sent = Vec::new();
    for path in tabs {
        let url = front.proxy.at.url("single.test", path);
        sent.push(browser.follow(&url).await.url);
    }
    for (path, authorize) in tabs.iter().zip(sent).rev() {
        let callback = front.world.core.sign_in(authorize.as_str(), "bob").unwrap();
        let landed = browser.follow(&callback).await;
        assert_eq!(landed.status, 200, "{kind:?} {path}: {}", landed.body);
        assert_eq!(landed.json()["target"], *path, "{kind:?}");
        assert_eq!(landed.received("X-authentik-username").as_deref(), Some("bob"));
    }
}

/// A websocket opens for whoever is signed in, and for nobody else.
async fn websockets_pass_for_people_who_are_signed_in(kind: Kind) {
    let front = Front::of(kind).await;
    let browser = Browser::new();
    let page = front.proxy.at.url("single.test", "/json");
    browser.sign_in(&page, "alice").await;
    let url = front.proxy.at.url("single.test", "/ws").replacen("http", "ws", 1);
    let open = async |cookie: Option<String>| {
        let mut request = url.as_str().into_client_request().unwrap();
        if let Some(cookie) = cookie {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let stream = tokio::net::TcpStream::connect(front.proxy.at.address()).await.unwrap();
        tokio_tungstenite::client_async(request, stream).await
    };
    match open(None).await {
        Err(Error::Http(refused)) => assert!(!refused.status().is_success(), "{kind:?}"),
        other => panic!("{kind:?}: {other:?}"),
    }
    let cookie = browser.cookie_header(&page.parse().unwrap());
    let (mut socket, _) = open(cookie).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"), "{kind:?}");
}

/// Each promise by each proxy, as a test of its own.
macro_rules! promises {
    ($($promise:ident),* $(,)?) => {
        mod nginx {
            $(#[tokio::test] async fn $promise() { super::$promise(super::Kind::Nginx).await })*
        }
        mod traefik {
            $(#[tokio::test] async fn $promise() { super::$promise(super::Kind::Traefik).await })*
        }
        mod caddy {
            $(#[tokio::test] async fn $promise() { super::$promise(super::Kind::Caddy).await })*
        }
        mod envoy {
            $(#[tokio::test] async fn $promise() { super::$promise(super::Kind::Envoy).await })*
        }
    };
}

promises!(
    the_main_road,
    public_paths_are_public_and_nobodys,
    scripts_are_told_401,
    parallel_tabs_all_arrive,
    websockets_pass_for_people_who_are_signed_in,
);
