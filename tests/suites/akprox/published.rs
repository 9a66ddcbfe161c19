//! The configurations published in May 2021, run by the real programs. Core is one of today and
//! registers today's redirect addresses.

use outpost_demo::core::{CoreOptions, ProviderSpec};
use outpost_tests::proxies::{Kind, Proxy, Reserved};
use outpost_tests::{Answer, Browser, World};
use reqwest::Method;

/// Ports of a test's own in the place of 4180 and 4443.
pub(crate) const SWITCH: [(&str, &str); 3] = [
    ("OUTPOST__COMPAT__AKPROX", "true"),
    ("OUTPOST__COMPAT__AKPROX_HTTP", "127.0.0.1:0"),
    ("OUTPOST__COMPAT__AKPROX_HTTPS", "127.0.0.1:0"),
];

struct Front {
    proxy: Proxy,
    world: World,
}

impl Front {
    async fn of(kind: Kind) -> Self {
        let world = World::with(CoreOptions::default(), &SWITCH).await;
        let reserved = Reserved::any();
        let at = format!("http://single.test:{}", reserved.port());
        world.serve([ProviderSpec::forward_single("single", &at).skip("^/public/")]).await;
        // The second listener is the one that takes the place of port 4180.
        let old = world.outpost.addresses.http[1];
        let proxy = Proxy::start(kind, reserved, old, world.app.address()).await;
        Self { proxy, world }
    }

    fn url(&self, path: &str) -> String {
        self.proxy.at.url("single.test", path)
    }
}

/// The four headers of then, as the application got them.
fn old_headers(page: &Answer) -> [String; 4] {
    outpost_decision::headers::AKPROX_NAMES.map(|name| page.received(name).unwrap_or_default())
}

async fn the_main_road(kind: Kind) {
    let front = Front::of(kind).await;
    let page = front.url("/json?a=1&b=x");
    let browser = Browser::new();
    let landed = browser.sign_in(&page, "alice").await;
    assert_eq!(landed.status, 200, "{kind:?}: {}", landed.body);
    assert_eq!(landed.url.as_str(), page, "{kind:?}: the same page, query included");
    let [user, email, preferred, subject] = old_headers(&landed);
    assert_eq!((user.as_str(), preferred.as_str()), ("alice", "alice"), "{kind:?}");
    assert_eq!(email, "alice@example.com", "{kind:?}");
    assert!(!subject.is_empty(), "{kind:?}");

    let claimed = [
        ("X-Auth-Username", "mallory"),
        ("x-forwarded-email", "mallory"),
        ("X-FORWARDED-USER", "mallory"),
        ("X-Forwarded-Preferred-Username", "mallory"),
        ("accept", "application/json"),
    ];
    let spoofed = browser.send(Method::GET, &page, &claimed, None).await;
    assert!(!spoofed.body.contains("mallory"), "{kind:?}: {}", spoofed.body);
    assert_eq!(old_headers(&spoofed)[3], subject, "{kind:?}");

    let out = browser.get(&front.url("/akprox/sign_out")).await;
    assert_eq!(out.status, 302, "{kind:?}: {}", out.body);
    assert!(out.header("location").contains("/end-session/?id_token_hint="), "{kind:?}");
    assert_eq!(browser.get(&page).await.status, 302, "{kind:?}: signed out");
    assert_eq!(front.world.sessions().await, 0);
}

/// A client must not be able to say which path it asks for.
async fn nobody_gets_in_by_naming_a_public_path(kind: Kind) {
    let front = Front::of(kind).await;
    let public = front.url("/public/x");
    let claims: [&[(&str, &str)]; 3] = [
        &[("X-Original-URL", &public)],
        &[("X-Original-URI", "/public/x")],
        &[("X-Forwarded-Uri", "/public/x")],
    ];
    for claim in claims {
        let answer = Browser::new().send(Method::GET, &front.url("/json"), claim, None).await;
        assert_ne!(answer.status, 200, "{kind:?} {claim:?}: {}", answer.body);
    }
    // Traefik says which path is asked for; nginx did not.
    let expected = if kind == Kind::TraefikAkprox { 200 } else { 302 };
    assert_eq!(Browser::new().get(&public).await.status, expected, "{kind:?}");
}

/// Several tabs sign in at once, and each lands on its own page.
async fn parallel_tabs_all_arrive(kind: Kind) {
    let front = Front::of(kind).await;
    let browser = Browser::new();
    let tabs = ["/json?tab=1", "/json?tab=2"];
    let mut sent = Vec::new();
    for path in tabs {
        sent.push(browser.follow(&front.url(path)).await.url);
    }
    let callback = front.world.core.sign_in(sent[0].as_str(), "bob").unwrap();
    let landed = browser.follow(&callback).await;
    assert_eq!(landed.json()["target"], tabs[0], "{kind:?}");
    assert_eq!(old_headers(&landed)[0], "bob", "{kind:?}");
}

macro_rules! promises {
    ($($promise:ident),* $(,)?) => {
        mod nginx {
            $(#[tokio::test] async fn $promise() { super::$promise(super::Kind::NginxAkprox).await })*
        }
        mod ingress {
            $(#[tokio::test] async fn $promise() { super::$promise(super::Kind::IngressAkprox).await })*
        }
        mod traefik {
            $(#[tokio::test] async fn $promise() { super::$promise(super::Kind::TraefikAkprox).await })*
        }
    };
}

promises!(the_main_road, nobody_gets_in_by_naming_a_public_path, parallel_tabs_all_arrive);
