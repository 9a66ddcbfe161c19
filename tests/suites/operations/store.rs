//! A session store that cannot be reached: *unavailable*, never *signed out*, never *allowed*.

use std::sync::Arc;

use outpost::session::SessionStore as _;
use outpost_decision::time::Timestamp;
use outpost_tests::filler::fill;
use outpost_tests::{Browser, FaultyStore, World};

/// Before any session ends.
const EARLY: Timestamp = Timestamp(0);

async fn world() -> (World, Arc<FaultyStore>) {
    // Nothing is served but what the store has said for this very request.
    let uncached = [("OUTPOST__SESSIONS__CACHE_CAPACITY", "0")];
    let (world, store) = World::over_a_faulty_store(&uncached).await;
    world.serve([world.proxy(), world.forward_single().skip("")]).await;
    (world, store)
}

/// CVE-2026-25748, ak#26076.
#[tokio::test]
async fn while_the_store_is_away_every_answer_says_so_and_afterwards_everybody_is_still_in() {
    let (world, store) = world().await;
    let metrics = format!("http://{}", world.outpost.addresses.metrics[0]);
    let alice = Browser::new();
    assert_eq!(alice.sign_in(&world.url("app.test", "/json"), "alice").await.status, 200);
    let single = world.url("single.test", "/outpost.goauthentik.io/start");
    alice.sign_in(&single, "alice").await;
    let (host, port) = ("single.test", world.port());
    let asked = [
        ("x-forwarded-proto", "http".to_owned()),
        ("x-forwarded-host", format!("{host}:{port}")),
        ("x-forwarded-uri", "/json".to_owned()),
        ("x-original-url", format!("http://{host}:{port}/json")),
    ];
    let asked = asked.each_ref().map(|(name, value)| (*name, value.as_str()));
    let auth = |dialect: &str| world.url(host, &format!("/outpost.goauthentik.io/auth/{dialect}"));
    assert_eq!(alice.send(reqwest::Method::GET, &auth("traefik"), &asked, None).await.status, 200);

    store.set_down(true);
    let (bearer, basic) = ("Bearer e30.e30.e30", "Basic YWxpY2U6YWxpY2UtYXBwLXBhc3N3b3Jk");
    for url in [
        world.url("app.test", "/json"),
        world.url("app.test", "/outpost.goauthentik.io/sign_out"),
        world.url("app.test", "/outpost.goauthentik.io/callback?code=a&state=b"),
        world.url("app.test", "/outpost.goauthentik.io/callback"),
        auth("traefik"),
        auth("caddy"),
        auth("nginx"),
        auth("envoy/json"),
    ] {
        // What a proxy adds belongs to the questions of proxies alone.
        let added = if url.contains("/auth/") { &asked[..] } else { &[] };
        let answer = alice.send(reqwest::Method::GET, &url, added, None).await;
        assert_eq!(answer.status, 503, "{url}: {}", answer.body);
        assert!(!answer.header("retry-after").is_empty(), "{url}");
        assert_eq!(answer.header_text("set-cookie"), None, "{url}: nobody is signed out");
    }
    // Machines: whatever core says, there is nowhere to keep it.
    let machine = Browser::new();
    for (authorization, expected) in [(basic, 503), (bearer, 401)] {
        let headers = [("authorization", authorization)];
        let url = world.url("app.test", "/json");
        let answer = machine.send(reqwest::Method::GET, &url, &headers, None).await;
        assert_eq!(answer.status.as_u16(), expected, "{}", answer.body);
    }
    // Signing in comes to an end as well, not to a loop: `follow` would panic.
    let bob = Browser::new();
    let page = bob.sign_in(&world.url("app.test", "/json"), "bob").await;
    assert_eq!(page.status, 503, "{}", page.body);

    let ready = format!("{metrics}/outpost.goauthentik.io/ready");
    let answer = bob.get(&ready).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["missing"][0]["what"], "session_store");
    let figures = bob.get(&format!("{metrics}/metrics")).await.body;
    for operation in ["get", "insert"] {
        let series = format!("outpost_session_store_errors_total{{operation=\"{operation}\"}} ");
        assert!(figures.contains(&series), "{operation}");
    }

    store.set_down(false);
    assert_eq!(alice.get(&world.url("app.test", "/json")).await.status, 200);
    assert_eq!(bob.get(&ready).await.status, 200);
    assert_eq!(bob.sign_in(&world.url("app.test", "/json"), "bob").await.status, 200);
}

/// CVE class "sign-out that costs the store": 10,000 sessions of one user end while others go on.
#[tokio::test]
async fn a_user_with_ten_thousand_sessions_signs_out_while_others_are_served() {
    let (world, store) = world().await;
    let (alice, bob) = (Browser::new(), Browser::new());
    let url = world.url("app.test", "/json");
    let page = alice.sign_in(&url, "alice").await;
    assert_eq!(page.status, 200);
    let sub = page.received("x-authentik-uid").expect("a subject");
    assert_eq!(bob.sign_in(&url, "bob").await.status, 200);
    let before = store.count(None, EARLY).await.expect("a count");
    let provider = world.outpost.published.snapshot.load().ruleset.providers()[0].pk;
    fill(&*store, provider, &sub, 10_000).await;
    assert_eq!(store.count(None, EARLY).await, Ok(before + 10_000));
    let serving = async {
        for _ in 0..50 {
            assert_eq!(bob.get(&url).await.status, 200);
        }
    };
    let out = world.url("app.test", "/outpost.goauthentik.io/sign_out");
    let (out, ()) = tokio::join!(alice.get(&out), serving);
    assert_eq!(out.status, 302);
    assert_eq!(alice.get(&url).await.status, 302, "signed out");
    assert_eq!(store.count(None, EARLY).await, Ok(before - 1), "of hers, none is left");
}
