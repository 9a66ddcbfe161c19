//! Sign-ins that one client begins, and credentials that it gets wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outpost_demo::core::{Endpoint, ProviderSpec};
use outpost_tests::{Answer, Browser, Program, World};
use reqwest::{Method, Url};

use crate::limits::support::{reached, world};

/// Where sign-ins begin.
const START: &str = "/outpost.goauthentik.io/start";

/// Asks as a proxy does for a client.
async fn from(world: &World, client: &str, path: &str, more: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("x-forwarded-for", client)];
    headers.extend_from_slice(more);
    Browser::new().send(Method::GET, &world.url("app.test", path), &headers, None).await
}

#[tokio::test]
async fn a_client_begins_so_many_sign_ins_a_minute() {
    let world = world(&[("OUTPOST__LIMITS__SIGN_INS_PER_MINUTE", "3")]).await;
    let person = Browser::new();
    let page = world.url("app.test", "/json");
    person.sign_in(&page, "alice").await;
    for _ in 0..3 {
        assert_eq!(from(&world, "192.0.2.1", START, &[]).await.status, 302);
    }
    assert_eq!(reached(&world, "sign_ins_per_minute").await, 0);
    let refused = from(&world, "192.0.2.1", START, &[]).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(refused.header("set-cookie"), "");
    assert_eq!(reached(&world, "sign_ins_per_minute").await, 1);

    // Others begin theirs, and what is no sign-in goes on.
    assert_eq!(from(&world, "192.0.2.2", START, &[]).await.status, 302);
    assert_eq!(from(&world, "192.0.2.1", "/public/x", &[]).await.status, 200);
    let cookie = person.cookie_header(&page.parse().unwrap()).unwrap();
    let signed_in = from(&world, "192.0.2.1", "/json", &[("cookie", &cookie)]).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);

    // A /64 is one client; a proxy that does not say for whom it asks is none.
    for host in ["2001:db8::1", "2001:db8::2", "2001:db8::3"] {
        assert_eq!(from(&world, host, START, &[]).await.status, 302, "{host}");
    }
    assert_eq!(from(&world, "2001:db8::4", START, &[]).await.status, 429);
    assert_eq!(from(&world, "2001:db8:0:1::1", START, &[]).await.status, 302);
    for _ in 0..5 {
        assert_eq!(Browser::new().get(&world.url("app.test", START)).await.status, 302);
    }
}

#[tokio::test]
async fn a_client_gets_so_many_credentials_wrong_a_minute() {
    let world = world(&[("OUTPOST__HEADER_AUTH__FAILURES_PER_MINUTE", "3")]).await;
    let basic = |password: &str| format!("Basic {}", STANDARD.encode(format!("bob:{password}")));
    let asked = || world.core.observe(|seen| seen.count(Endpoint::Token));
    let with = async |client: &str, authorization: &str| {
        let headers = [("authorization", authorization), ("accept", "application/json")];
        from(&world, client, "/json", &headers).await
    };
    let right = basic("bob-app-password");
    let known = "Bearer garbage";
    // What is known to be right, and from where does not matter.
    assert_eq!(with("192.0.2.2", &right).await.status, 200);
    let before = asked();
    for guess in ["one", "two", "three"] {
        // Sent twice, it is wrong once.
        for _ in 0..2 {
            assert_eq!(with("192.0.2.1", &basic(guess)).await.status, 401);
        }
    }
    assert_eq!(asked(), before + 3, "core is asked about each");
    assert_eq!(reached(&world, "header_auth_failures").await, 0);

    let refused = with("192.0.2.1", &basic("four")).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(!refused.header("retry-after").is_empty());
    assert!(refused.body.contains("too_many_failures"), "{}", refused.body);
    assert_eq!(with("192.0.2.1", known).await.status, 429);
    assert_eq!(asked(), before + 3, "core is asked about no more");
    assert_eq!(reached(&world, "header_auth_failures").await, 2);

    assert_eq!(with("192.0.2.1", &right).await.status, 200, "known to be right");
    assert_eq!(with("192.0.2.3", &basic("four")).await.status, 401, "another client's is asked");
    assert_eq!(asked(), before + 4);
}

/// A client whose sign-ins go well may begin as many as it likes; what core refuses counts.
#[tokio::test]
async fn a_client_has_so_many_codes_refused_a_minute() {
    // This machine is no proxy, so that browsers of the test are clients.
    let world = world(&[
        ("OUTPOST__LIMITS__FAILED_CODES_PER_MINUTE", "2"),
        ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "127.0.0.9/32"),
    ])
    .await;
    let page = world.url("app.test", "/json");
    for _ in 0..4 {
        let signed_in = Browser::new().sign_in(&page, "alice").await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    }
    let asked = || world.core.observe(|seen| seen.count(Endpoint::Token));
    let before = asked();
    let guesser = Browser::new();
    let begun = guesser.get(&world.url("app.test", START)).await;
    let authorize: Url = begun.header("location").parse().unwrap();
    let (_, state) = authorize.query_pairs().find(|(name, _)| name == "state").unwrap();
    let callback = |code: &str| {
        let path = "/outpost.goauthentik.io/callback?X-authentik-auth-callback=true";
        world.url("app.test", &format!("{path}&code={code}&state={state}"))
    };
    for code in ["one", "two"] {
        let answer = guesser.get(&callback(code)).await;
        assert_eq!(answer.status, 302, "begun anew: {}", answer.body);
    }
    assert_eq!(asked(), before + 2, "core is asked about each");
    assert_eq!(reached(&world, "failed_codes_per_minute").await, 0);

    let refused = guesser.get(&callback("three")).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert!(refused.body.contains("too_many_failed_codes"), "{}", refused.body);
    assert_eq!(asked(), before + 2, "core is asked no more");
    assert_eq!(reached(&world, "failed_codes_per_minute").await, 1);
}

/// The access log says of each refusal which limit it was.
#[tokio::test]
async fn refusals_are_logged_by_name() {
    let world = World::start().await;
    let program = Program::start(
        &world.core,
        &[
            ("OUTPOST__LIMITS__SIGN_INS_PER_MINUTE", "1"),
            ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "127.0.0.9/32"),
        ],
    );
    let home = format!("http://app.test:{}", program.address("http").await.port());
    world.core.put_provider(ProviderSpec::proxy("app", &home, &world.app.url())).unwrap();
    program.signal("USR1");
    program.serves(1).await;
    for status in [302, 429] {
        let answer = Browser::new().get(&format!("{home}{START}")).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let line = program.line("too_many_sign_ins").await;
    assert!(line.contains("\"status\":429"), "{line}");
}

/// Sign-ins that were begun and never finished do not fill a browser's jar.
#[tokio::test]
async fn a_browser_has_so_many_sign_ins_under_way() {
    let most = 4;
    let world = world(&[("OUTPOST__LIMITS__FLOWS_PER_BROWSER", "4")]).await;
    let provider = world.core.provider("app").unwrap();
    let session = {
        let snapshot = world.outpost.published.snapshot.load();
        snapshot.ruleset.providers()[0].cookie.name.clone()
    };
    assert!(!provider.client_id.is_empty());
    let jar = |count: usize| {
        let cookies = (0..count).map(|flow| format!("{session}_f_{flow:08x}=x"));
        cookies.collect::<Vec<_>>().join("; ")
    };
    let page = world.url("app.test", START);
    for (count, removed) in [(most, 0), (most + 3, 3)] {
        let before = reached(&world, "flows_per_browser").await;
        let cookies = jar(count);
        let headers = [("cookie", cookies.as_str())];
        let answer = Browser::new().send(Method::GET, &page, &headers, None).await;
        assert_eq!(answer.status, 302, "{}", answer.body);
        let set = answer.headers.get_all("set-cookie").iter();
        let gone = set.filter(|value| value.to_str().unwrap().contains("Max-Age=0")).count();
        assert_eq!(gone, removed, "{:?}", answer.headers);
        assert_eq!(reached(&world, "flows_per_browser").await - before, removed as u64);
    }
}
