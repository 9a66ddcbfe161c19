//! Tokens: only core's, only for this application, only while they are in force.

use outpost_demo::core::{CoreOptions, Endpoint, Signature, Signing};
use outpost_tests::{Browser, World};
use serde_json::json;

use crate::forged_tokens::{
    FOR_ANOTHER_AUDIENCE, OF_ANOTHER_ISSUER, OF_ANOTHER_SIGN_IN, OUT_OF_ITS_TIME, UNSIGNED, Wrong,
    key_set, set,
};
use crate::sign_in::{come_back, session_cookie, whoami, with_app};

/// C14: what is wrong with a token, whatever signs it.
fn wrong() -> Vec<Wrong> {
    let no_subject: [Wrong; 1] = [("no subject", |t| set(t, "sub", json!("")))];
    [&UNSIGNED[..], &OF_ANOTHER_ISSUER, &FOR_ANOTHER_AUDIENCE, &OUT_OF_ITS_TIME, &no_subject]
        .concat()
}

/// Signs in with what core gives now: never a session, always a page that says what is wrong.
async fn assert_refused(world: &World, what: &str) {
    let browser = Browser::new();
    let page = come_back(world, &browser, &world.url("app.test", "/json"), "alice").await;
    assert_eq!(page.status, 502, "{what}: {}", page.body);
    assert!(page.body.contains("Sign-in failed") && page.body.contains("Try again"), "{what}");
    assert!(session_cookie(&browser).is_none(), "{what}");
    assert_eq!(whoami(world, &browser).await, None, "{what}");
    assert_eq!(world.sessions().await, 0, "{what}");
}

async fn world_signed_with(signing: Signing) -> World {
    let world = World::start().await;
    world.serve([world.proxy().signed_with(signing)]).await;
    world
}

#[tokio::test]
async fn no_wrong_token_signs_anybody_in() {
    for signing in [Signing::ClientSecret, Signing::Rs256, Signing::Es256] {
        let world = world_signed_with(signing).await;
        for (what, tamper) in wrong() {
            world.core.tamper_tokens(tamper);
            assert_refused(&world, &format!("{signing:?}: {what}")).await;
        }
        world.core.stop_tampering();
        let browser = Browser::new();
        come_back(&world, &browser, &world.url("app.test", "/json"), "alice").await;
        assert_eq!(whoami(&world, &browser).await.as_deref(), Some("alice"), "{signing:?}");
    }
}

/// C14: the public key, which everybody knows, taken for the secret of an HMAC.
#[tokio::test]
async fn a_public_key_is_no_hmac_secret() {
    let world = world_signed_with(Signing::Rs256).await;
    let jwks = format!("{}/application/o/app/jwks/", world.core.url());
    let jwks = Browser::new().get(&jwks).await;
    let modulus = jwks.json()["keys"][0]["n"].as_str().unwrap().to_owned();
    for key in [jwks.body.clone().into_bytes(), modulus.into_bytes()] {
        world.core.tamper_tokens(move |token| {
            token.header.insert("alg".into(), json!("HS256"));
            token.signature = Signature::Hmac(key.clone());
        });
        assert_refused(&world, "RS256 turned HS256").await;
    }
    // And the other way round: a provider of HMAC tokens meets a token that claims a key pair.
    let world = with_app().await;
    world.core.tamper_tokens(|token| drop(token.header.insert("alg".into(), json!("RS256"))));
    assert_refused(&world, "HS256 turned RS256").await;
}

/// OpenID Connect Core 3.1.3.7: an id token of another sign-in.
#[tokio::test]
async fn an_id_token_with_another_nonce_signs_nobody_in() {
    let world = with_app().await;
    for (what, tamper) in OF_ANOTHER_SIGN_IN {
        world.core.tamper_tokens(tamper);
        assert_refused(&world, what).await;
    }
}

#[tokio::test]
async fn sign_in_works_right_after_core_changed_its_signing_key() {
    for signing in [Signing::Rs256, Signing::Es256] {
        let world = world_signed_with(signing).await;
        for keep_old in [true, false] {
            let browser = Browser::new();
            let page = come_back(&world, &browser, &world.url("app.test", "/json"), "alice").await;
            assert_eq!(page.status, 302, "{signing:?}: {}", page.body);
            assert!(world.core.rotate_signing_key("app", keep_old).unwrap());
            let browser = Browser::new();
            let page = come_back(&world, &browser, &world.url("app.test", "/json"), "alice").await;
            assert_eq!(page.status, 302, "{signing:?}, old key kept: {keep_old}: {}", page.body);
            assert_eq!(whoami(&world, &browser).await.as_deref(), Some("alice"));
        }
    }
}

/// C14: a flood of unknown key ids costs core next to nothing.
#[tokio::test]
async fn tokens_of_unknown_keys_do_not_make_us_fetch_keys_again_and_again() {
    let world = world_signed_with(Signing::Rs256).await;
    world.core.tamper_tokens(|token| drop(token.header.insert("kid".into(), json!("unknown"))));
    for _ in 0..30 {
        assert_refused(&world, "unknown kid").await;
    }
    let fetches = world.core.observe(|seen| seen.count(Endpoint::Jwks));
    assert!(fetches <= 6, "{fetches} fetches of the key set for 30 sign-ins");
}

/// C14: a JWKS that is none. What cannot be checked is unavailable, never accepted.
#[tokio::test]
async fn key_sets_that_are_none_sign_nobody_in() {
    for body in ["[]", "null", "\"keys\"", "{\"keys\": {}}", "<html>starting</html>", ""] {
        let world = World::start().await;
        world.core.set_fault(Endpoint::Jwks, key_set(body));
        world.serve([world.proxy().signed_with(Signing::Rs256)]).await;
        let browser = Browser::new();
        let page = come_back(&world, &browser, &world.url("app.test", "/json"), "alice").await;
        assert_eq!(page.status, 503, "{body}: {}", page.body);
        assert!(page.body.contains("Cannot sign in now"), "{body}: {}", page.body);
        assert!(session_cookie(&browser).is_none(), "{body}");
    }
}

/// ak#24489: the back channel claims the host and scheme that browsers use, or core answers with
/// another issuer.
#[tokio::test]
async fn browsers_go_to_the_browsers_host_of_core_and_its_issuer_is_accepted() {
    for signing in [Signing::ClientSecret, Signing::Rs256] {
        let browsers = ("AUTHENTIK_HOST_BROWSER", "https://sso.example.com");
        let world = World::with(CoreOptions::default(), &[browsers]).await;
        world.serve([world.proxy().signed_with(signing)]).await;
        let browser = Browser::new();
        let start = browser.get(&world.url("app.test", "/outpost.goauthentik.io/start")).await;
        let authorize = start.header("location");
        assert!(
            authorize.starts_with("https://sso.example.com/application/o/authorize/?"),
            "{authorize}"
        );
        let answer = browser.get(&world.core.sign_in(authorize, "alice").unwrap()).await;
        assert_eq!(answer.status, 302, "{signing:?}: {}", answer.body);
        assert_eq!(whoami(&world, &browser).await.as_deref(), Some("alice"));

        let mut endpoints = vec![Endpoint::Token];
        if signing == Signing::Rs256 {
            endpoints.push(Endpoint::Jwks);
        }
        for endpoint in endpoints {
            let request =
                world.core.observe(|seen| seen.requests_to(endpoint).last().cloned()).unwrap();
            assert_eq!(request.header_values("host"), ["sso.example.com"], "{endpoint:?}");
            assert_eq!(request.header_values("x-forwarded-proto"), ["https"], "{endpoint:?}");
        }
        let out = browser.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
        let end = "https://sso.example.com/application/o/app/end-session/?id_token_hint=";
        assert!(out.header("location").starts_with(end), "{}", out.header("location"));
    }
}
