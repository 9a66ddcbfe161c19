//! Logout over the back channel (OpenID Connect Back-Channel Logout 1.0), as core sends it.

use outpost_demo::core::{ProviderSpec, Signing};
use outpost_tests::{Answer, Browser, Figures, World, wait};
use reqwest::Method;
use serde_json::{Map, Value, json};

const PATH: &str = "/outpost.goauthentik.io/backchannel_logout";

/// A world with the applications `app` at `app.test` and `other` at `other.test`, whose logout
/// tokens core sends to the first.
async fn two_applications() -> World {
    let world = World::start().await;
    serve_two(&world).await;
    world
}

async fn serve_two(world: &World) {
    let mut app = world.proxy();
    app.logout_uri = Some(world.url("app.test", PATH));
    let other = ProviderSpec::proxy("other", &world.url("other.test", ""), &world.app.url());
    world.serve([app, other]).await;
}

async fn signed_in_at_both(world: &World, user: &str) -> Browser {
    let browser = Browser::new();
    for host in ["app.test", "other.test"] {
        let page = browser.sign_in(&world.url(host, "/json"), user).await;
        assert_eq!(page.received("x-authentik-username").as_deref(), Some(user), "{}", page.body);
    }
    browser
}

/// Whom the two applications take the browser for.
async fn whoami(world: &World, browser: &Browser) -> [Option<String>; 2] {
    let at = async |host| {
        let answer = browser.get(&world.url(host, "/json")).await;
        if answer.status == 200 { answer.received("x-authentik-username") } else { None }
    };
    [at("app.test").await, at("other.test").await]
}

fn both(user: &str) -> [Option<String>; 2] {
    [Some(user.to_owned()), Some(user.to_owned())]
}

fn claims(world: &World, sid: Option<&str>, user: Option<&str>) -> Map<String, Value> {
    world.core.logout_claims("app", sid, user).unwrap()
}

fn token(world: &World, claims: Map<String, Value>) -> String {
    world.core.mint_logout_token("app", claims).unwrap().unwrap()
}

async fn post(world: &World, token: &str) -> Answer {
    Browser::new().post_form(&world.url("app.test", PATH), &[("logout_token", token)]).await
}

fn assert_error(answer: &Answer, status: u16, error: &str, description: &str) {
    assert_eq!(answer.status.as_u16(), status, "{description}: {}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let said = answer.json();
    assert_eq!(said["error"], error, "{said}");
    let text = said["error_description"].as_str().unwrap();
    assert!(text.contains(description), "{text}");
}

#[tokio::test]
async fn a_session_that_core_ends_is_over_in_every_application() {
    let world = two_applications().await;
    let desk = signed_in_at_both(&world, "alice").await;
    let [sid] = &world.core.sessions_of("alice")[..] else { panic!("one session") };
    let phone = signed_in_at_both(&world, "alice").await;
    let bob = signed_in_at_both(&world, "bob").await;
    let told = world.core.end_session_by_back_channel(sid).await.unwrap();
    assert_eq!(told, [("app".to_owned(), 200)]);
    assert_eq!(whoami(&world, &desk).await, [None, None]);
    assert_eq!(whoami(&world, &phone).await, both("alice"), "another session of core");
    assert_eq!(whoami(&world, &bob).await, both("bob"));

    let figures = Figures::of(&world).await.text;
    for line in [
        "outpost_backchannel_logouts_total{outcome=\"done\"} 1",
        "outpost_backchannel_sessions_ended_total 2",
        "outpost_decisions_total{action=\"take_logout_token\",provider=\"app\",reason=\"logout_token_received\"} 1",
    ] {
        assert!(figures.contains(line), "{line} in\n{figures}");
    }
}

#[tokio::test]
async fn a_token_of_a_user_ends_all_their_sessions_and_nobody_elses() {
    let world = two_applications().await;
    let (desk, phone) =
        (signed_in_at_both(&world, "alice").await, signed_in_at_both(&world, "alice").await);
    let bob = signed_in_at_both(&world, "bob").await;
    let answer = post(&world, &token(&world, claims(&world, None, Some("alice")))).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
    for browser in [&desk, &phone] {
        assert_eq!(whoami(&world, browser).await, [None, None]);
    }
    assert_eq!(whoami(&world, &bob).await, both("bob"));
}

#[tokio::test]
async fn a_token_counts_once_so_that_whoever_caught_it_signs_nobody_out_later() {
    let world = two_applications().await;
    signed_in_at_both(&world, "alice").await;
    let token = token(&world, claims(&world, None, Some("alice")));
    assert_eq!(post(&world, &token).await.status, 200);
    assert_eq!(world.sessions().await, 0);
    let again = signed_in_at_both(&world, "alice").await;
    assert_error(&post(&world, &token).await, 400, "invalid_request", "used before");
    assert_eq!(whoami(&world, &again).await, both("alice"));
}

/// Whatever is wrong with a token ends nothing.
#[tokio::test]
async fn a_token_that_breaks_a_rule_is_refused_and_says_which() {
    let world = two_applications().await;
    let alice = signed_in_at_both(&world, "alice").await;
    let sid = world.core.sessions_of("alice").remove(0);
    let good = || claims(&world, Some(&sid), Some("alice"));
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims.insert(name.to_owned(), value);
        token(&world, claims)
    };
    let without = |name: &str| {
        let mut claims = good();
        claims.remove(name);
        token(&world, claims)
    };
    let iat = good()["iat"].as_i64().unwrap();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let other = world.core.logout_claims("other", Some(&sid), None).unwrap();
    let others = world.core.mint_logout_token("other", other.clone()).unwrap().unwrap();
    let right = token(&world, good());
    let (message, _) = right.rsplit_once('.').unwrap();
    let access = world.core.mint_token("app", good()).unwrap().unwrap();
    for (token, why) in [
        (others, "signature"),
        (token(&world, other), "issuer"),
        (with("aud", json!("somebody else")), "another client"),
        (with("iat", json!(iat - 400)), "too old"),
        (with("iat", json!(iat + 400)), "not valid yet"),
        (with("exp", json!(iat - 100)), "has ended"),
        (with("nonce", json!("n")), "nonce"),
        (with("events", json!({})), "events"),
        (with("events", json!({event: "yes"})), "events"),
        (without("events"), "events"),
        (without("jti"), "jti"),
        (without("iat"), "iat"),
        (format!("{message}."), "signature"),
        (format!("{message}.AAAA"), "signature"),
        ("e30.e30.".to_owned(), "algorithm"),
        ("garbage".to_owned(), "three parts"),
        (String::new(), "three parts"),
    ] {
        assert_error(&post(&world, &token).await, 400, "invalid_request", why);
    }
    let mut nobody = claims(&world, None, None);
    assert_error(
        &post(&world, &token(&world, nobody.clone())).await,
        400,
        "invalid_request",
        "sid",
    );
    nobody.insert("sid".into(), json!(""));
    assert_error(&post(&world, &token(&world, nobody)).await, 400, "invalid_request", "no name");
    assert_eq!(whoami(&world, &alice).await, both("alice"));
    // Typed as other tokens of core are, it says by its events what it is.
    assert_eq!(post(&world, &access).await.status, 200);
    assert_eq!(whoami(&world, &alice).await, [None, None]);
}

#[tokio::test]
async fn only_a_small_form_that_is_posted_is_read() {
    let world = two_applications().await;
    let alice = signed_in_at_both(&world, "alice").await;
    let url = world.url("app.test", PATH);
    let good = token(&world, claims(&world, None, Some("alice")));
    let browser = Browser::new();
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let url = format!("{url}?logout_token={good}");
        let answer = browser.send(method.clone(), &url, &[], None).await;
        assert_error(&answer, 405, "invalid_request", "POST");
        assert_eq!(answer.header("allow"), "POST", "{method}");
    }
    let send = async |kind: &str, body: String| {
        browser.send(Method::POST, &url, &[("content-type", kind)], Some(body)).await
    };
    let form = "application/x-www-form-urlencoded";
    let body = format!("logout_token={good}");
    let wrong = "invalid_request";
    assert_error(&send("application/json", body.clone()).await, 400, wrong, "urlencoded");
    assert_error(&send(form, String::new()).await, 400, wrong, "no logout_token");
    assert_error(&send(form, format!("token={good}")).await, 400, wrong, "no logout_token");
    assert_error(&send(form, format!("{body}&{body}")).await, 400, wrong, "several");
    let large = format!("{body}&x={}", "x".repeat(20_000));
    assert_error(&send(form, large).await, 413, wrong, "too large");
    assert_eq!(whoami(&world, &alice).await, both("alice"));
    // Other parameters mean nothing; a charset neither.
    let answer = send(&format!("{form}; charset=UTF-8"), format!("x=1&{body}&y=2")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(whoami(&world, &alice).await, [None, None]);
}

/// authentik before 2025.8.2 left `exp` out and wrote plain `JWT`; new keys of core are fetched.
#[tokio::test]
async fn tokens_of_older_cores_and_of_new_keys_count() {
    let world = World::start().await;
    world.serve([world.proxy().signed_with(Signing::Rs256)]).await;
    for round in 0..2 {
        let browser = Browser::new();
        browser.sign_in(&world.url("app.test", "/json"), "alice").await;
        assert_eq!(world.sessions().await, 1);
        let mut claims = claims(&world, None, Some("alice"));
        claims.remove("exp");
        let token = world.core.mint_token("app", claims).unwrap().unwrap();
        let answer = post(&world, &token).await;
        assert_eq!(answer.status, 200, "{round}: {}", answer.body);
        assert_eq!(world.sessions().await, 0);
        assert!(world.core.rotate_signing_key("app", false).unwrap());
    }
}

/// An outage is never a success: core is told to come again, the session is over here meanwhile,
/// and ends in the store once that is back, whether core comes again or not.
#[tokio::test]
async fn while_the_store_is_away_core_is_told_to_come_again() {
    let (world, store) = World::over_a_faulty_store(&[]).await;
    serve_two(&world).await;
    let alice = signed_in_at_both(&world, "alice").await;
    let bob = signed_in_at_both(&world, "bob").await;
    let sid = world.core.sessions_of("alice").remove(0);
    let by_session = token(&world, claims(&world, Some(&sid), None));
    let by_user = token(&world, claims(&world, None, Some("bob")));

    store.set_down(true);
    for token in [&by_session, &by_user] {
        let answer = post(&world, token).await;
        assert_error(&answer, 503, "temporarily_unavailable", "store");
        assert!(!answer.header("retry-after").is_empty());
    }
    let page = alice.get(&world.url("app.test", "/json")).await;
    assert_eq!(page.status, 503, "no grace for a session that has ended: {}", page.body);
    store.set_down(false);
    wait::until_async("the store is told", async || match world.sessions().await {
        2 => Ok(()),
        left => Err(format!("{left} sessions")),
    })
    .await;
    assert_eq!(whoami(&world, &alice).await, [None, None]);
    assert_eq!(whoami(&world, &bob).await, both("bob"));
    assert_eq!(post(&world, &by_user).await.status, 200, "the token was not used up");
    assert_eq!(whoami(&world, &bob).await, [None, None]);
    assert_eq!(post(&world, &by_session).await.status, 200);
}

/// Anybody may write to the address: what has no right signature costs the store nothing.
#[tokio::test]
async fn strangers_write_nothing_to_the_store() {
    let (world, store) = World::over_a_faulty_store(&[]).await;
    serve_two(&world).await;
    store.set_down(true);
    // Had the store been asked, the answer would be 503.
    for token in ["e30.e30.AAAA", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"] {
        assert_eq!(post(&world, token).await.status, 400);
    }
}
