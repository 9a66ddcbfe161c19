//! Who may ask.

use outpost_tests::{Answer, Browser, World};
use reqwest::Method;

use crate::sessions_cli::support::{
    browser, is_in, over_a_faulty_store, sessions, sessions_with, two_applications,
};

const JSON: (&str, &str) = ("content-type", "application/json");

fn api(world: &World, path: &str) -> String {
    format!("http://{}/api/v1/{path}", world.outpost.addresses.dashboard[0])
}

async fn read(world: &World, headers: &[(&str, &str)]) -> Answer {
    Browser::new().send(Method::GET, &api(world, "sessions"), headers, None).await
}

async fn end_alice(world: &World, headers: &[(&str, &str)]) -> Answer {
    let body = Some(r#"{"user":"alice"}"#.to_owned());
    Browser::new().send(Method::POST, &api(world, "sessions/revoke"), headers, body).await
}

/// A name of the attacker's that resolves to this machine; a page that posts here; a reverse
/// proxy that was pointed here.
#[tokio::test]
async fn web_pages_and_proxies_get_nothing_without_a_token() {
    let world = two_applications().await;
    let alice = browser(&world, "alice", &["app.test"]).await;
    let port = world.outpost.addresses.dashboard[0].port();
    let rebound = format!("evil.test:{port}");
    let neighbour = format!("http://localhost:{}", port ^ 1);
    for strange in [
        ("host", rebound.as_str()),
        ("host", "evil.test"),
        ("host", "192.0.2.1"),
        ("origin", "https://evil.test"),
        ("origin", &neighbour),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1;host=localhost"),
    ] {
        for answer in [read(&world, &[strange]).await, end_alice(&world, &[strange, JSON]).await] {
            assert_eq!(answer.status, 403, "{strange:?}: {}", answer.body);
            assert!(!answer.body.contains("alice"), "{strange:?}: {}", answer.body);
            assert!(answer.json()["remedy"].as_str().unwrap().contains("OUTPOST__ADMIN__TOKEN"));
            assert_eq!(answer.header_text("access-control-allow-origin"), None);
        }
    }
    for form in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        assert_eq!(end_alice(&world, &[("content-type", form)]).await.status, 403, "{form}");
    }
    assert!(is_in(&world, &alice, "app.test").await, "whatever was asked");
    assert_eq!(read(&world, &[]).await.status, 200);
    assert_eq!(end_alice(&world, &[JSON]).await.json()["ended"], 1);
    assert!(!is_in(&world, &alice, "app.test").await);
}

#[tokio::test]
async fn with_a_token_nobody_is_answered_without_it() {
    let token = ("OUTPOST__ADMIN__TOKEN", "sesame-open-9d2c");
    let (world, _store) = over_a_faulty_store(&[token]).await;
    let alice = browser(&world, "alice", &["app.test"]).await;
    for wrong in [
        &[][..],
        &[("authorization", "Bearer sesame-open-9d2d")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic sesame-open-9d2c")],
    ] {
        let read = read(&world, wrong).await;
        assert_eq!(read.status, 401, "{}", read.body);
        assert!(read.header("www-authenticate").starts_with("Bearer"));
        assert!(!read.body.contains("alice") && !read.body.contains("sesame"), "{}", read.body);
        assert_eq!(end_alice(&world, &[wrong, &[JSON]].concat()).await.status, 401);
    }
    for more in [&[][..], &[("OUTPOST__ADMIN__TOKEN", "another-token-9d2c")]] {
        for command in [&["list"][..], &["revoke", "--user", "alice"]] {
            let said = sessions_with(&world, command, more);
            assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
            assert!(said.err.contains("admin.token"), "{said:?}");
        }
    }
    assert!(is_in(&world, &alice, "app.test").await);

    // The token alone counts: a proxy with TLS in front has another name and says who asked.
    let bearer = ("authorization", "Bearer sesame-open-9d2c");
    let proxied = [bearer, ("host", "outpost.example.com"), ("x-forwarded-for", "192.0.2.7")];
    assert_eq!(read(&world, &proxied).await.json()["sessions"][0]["user"], "alice");
    let said = sessions_with(&world, &["list"], &[token]);
    assert!(said.code == 0 && said.out.contains("alice"), "{said:?}");
    assert!(!said.out.contains("sesame") && !said.err.contains("sesame"));
    assert_eq!(sessions_with(&world, &["revoke", "--user", "alice"], &[token]).code, 0);
    assert!(!is_in(&world, &alice, "app.test").await);
}

#[tokio::test]
async fn while_the_store_is_away_nobody_is_said_to_be_signed_out() {
    let (world, store) = over_a_faulty_store(&[]).await;
    let alice = browser(&world, "alice", &["app.test"]).await;
    store.set_down(true);
    for answer in [read(&world, &[]).await, end_alice(&world, &[JSON]).await] {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert_eq!(answer.json()["error"], "store_unavailable");
        assert!(!answer.header("retry-after").is_empty());
    }
    for command in [&["list"][..], &["revoke", "--user", "alice", "--yes"]] {
        let said = sessions(&world, command);
        assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
        assert!(said.err.contains("the session store is unavailable"), "{said:?}");
    }
    store.set_down(false);
    assert!(is_in(&world, &alice, "app.test").await);
    assert_eq!(sessions(&world, &["revoke", "--user", "alice"]).code, 0);
    assert!(!is_in(&world, &alice, "app.test").await);
}
