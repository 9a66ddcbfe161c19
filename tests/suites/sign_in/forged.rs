//! Sign-ins that somebody else made.

use outpost_demo::core::Endpoint;
use outpost_tests::Browser;

use crate::sign_in::{begin, come_back, session_cookie, whoami, with_app};

/// Login CSRF: the attacker's callback, opened in the victim's browser, does not sign the victim
/// in as the attacker.
#[tokio::test]
async fn the_callback_of_another_browser_signs_nobody_in() {
    let world = with_app().await;
    let url = world.url("app.test", "/json");
    let attacker = Browser::new();
    let trap = world.core.sign_in(&begin(&attacker, &url).await, "bob").unwrap();

    // A victim who has nothing, and one in the middle of a sign-in.
    let (fresh, busy) = (Browser::new(), Browser::new());
    let own = begin(&busy, &url).await;
    for victim in [&fresh, &busy] {
        let answer = victim.get(&trap).await;
        assert!(answer.header("location").contains("/application/o/authorize/"), "{}", answer.body);
        assert!(session_cookie(victim).is_none());
    }
    assert_eq!(world.core.observe(|seen| seen.count(Endpoint::Token)), 0, "the code is left alone");
    // The victim's own sign-in goes on as if nothing had been.
    busy.get(&world.core.sign_in(&own, "alice").unwrap()).await;
    assert_eq!(whoami(&world, &busy).await.as_deref(), Some("alice"));
    // A victim who is signed in stays who she is.
    let answer = busy.get(&trap).await;
    assert_eq!(answer.header("location"), url);
    assert_eq!(whoami(&world, &busy).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_state_that_was_changed_is_no_state() {
    let world = with_app().await;
    let browser = Browser::new();
    let authorize = begin(&browser, &world.url("app.test", "/json")).await;
    let callback = world.core.sign_in(&authorize, "alice").unwrap();
    let (base, state) = callback.split_once("&state=").unwrap();
    let parts: Vec<&str> = state.split('.').collect();
    let flipped = |part: &str| {
        let other = if part.starts_with('A') { 'B' } else { 'A' };
        format!("{other}{}", &part[1..])
    };
    for forged in [
        format!("{}.{}.{}", parts[0], flipped(parts[1]), parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], flipped(parts[2])),
        format!("{}.{}.", parts[0], parts[1]),
        format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
    ] {
        let answer = browser.get(&format!("{base}&state={forged}")).await;
        assert!(session_cookie(&browser).is_none(), "{forged}: {}", answer.body);
    }
    assert_eq!(world.core.observe(|seen| seen.count(Endpoint::Token)), 0);
    // Untouched, it works.
    browser.get(&callback).await;
    assert_eq!(whoami(&world, &browser).await.as_deref(), Some("alice"));
}

/// The state of one provider is nothing to another.
#[tokio::test]
async fn a_callback_does_not_work_at_another_application() {
    let world = with_app().await;
    world.serve([world.forward_single()]).await;
    let browser = Browser::new();
    let authorize = begin(&browser, &world.url("app.test", "/json")).await;
    let callback = world.core.sign_in(&authorize, "alice").unwrap();
    let answer = browser.get(&callback.replace("app.test", "single.test")).await;
    assert!(answer.header("location").contains("/application/o/authorize/"), "{}", answer.body);
    assert_eq!(world.sessions().await, 0);
}

/// CVE-2023-48228, CVE-2024-23647 (PKCE downgrade), ak#25226 #25643 (two `Host` headers).
#[tokio::test]
async fn every_sign_in_carries_a_challenge_and_a_nonce_and_proves_them() {
    let world = with_app().await;
    let mut seen_before = std::collections::HashSet::new();
    for _ in 0..3 {
        let browser = Browser::new();
        let page = browser.sign_in(&world.url("app.test", "/json"), "alice").await;
        assert_eq!(page.status, 200, "{}", page.body);
        let (authorize, token) = world.core.observe(|seen| {
            let last = |endpoint| seen.requests_to(endpoint).last().cloned().unwrap();
            (last(Endpoint::Authorize), last(Endpoint::Token))
        });
        assert_eq!(authorize.query_value("code_challenge_method").as_deref(), Some("S256"));
        assert_eq!(authorize.query_value("response_type").as_deref(), Some("code"));
        for name in ["code_challenge", "nonce", "state"] {
            let value = authorize.query_value(name).unwrap();
            assert!(value.len() >= 43, "{name}: {value}");
            assert!(seen_before.insert(value), "{name} is new each time");
        }
        let verifier = token.form_value("code_verifier").unwrap();
        assert!((43..=128).contains(&verifier.len()), "RFC 7636 section 4.1: {verifier}");
        assert!(!authorize.query.contains(verifier));
        assert!(seen_before.insert(verifier.to_owned()));
        assert_eq!(token.header_values("host").len(), 1, "{:?}", token.headers);
        assert_eq!(token.form_value("grant_type"), Some("authorization_code"));
    }
}

/// Session fixation: what an attacker planted before the sign-in is worth nothing after it.
#[tokio::test]
async fn a_session_that_was_planted_is_not_the_one_after_the_sign_in() {
    let world = with_app().await;
    let url = world.url("app.test", "/json");
    let attacker = Browser::new();
    come_back(&world, &attacker, &url, "bob").await;
    let (name, bobs) = session_cookie(&attacker).unwrap();
    let invented = "A".repeat(bobs.len());
    for planted in [bobs.as_str(), &invented] {
        let victim = Browser::new();
        victim.set_cookie("app.test", &name, planted);
        let start = world.url("app.test", "/outpost.goauthentik.io/start?rd=%2Fjson");
        let answer = come_back(&world, &victim, &start, "alice").await;
        assert_eq!(answer.header("location"), url);
        assert_ne!(session_cookie(&victim).unwrap().1, planted);
        assert_eq!(whoami(&world, &victim).await.as_deref(), Some("alice"));
        let thief = Browser::new();
        thief.set_cookie("app.test", &name, planted);
        assert_eq!(whoami(&world, &thief).await, None, "the planted one has ended");
    }
    assert_eq!(world.sessions().await, 2, "the victims' own");
}
