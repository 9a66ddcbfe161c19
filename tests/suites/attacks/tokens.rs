//! Tokens that are somebody else's, of another time, or nobody's.

use outpost_demo::core::{CoreOptions, Endpoint, Fault, ProviderSpec, Signature, Signing};
use outpost_tests::{Browser, Capture};
use serde_json::json;

use crate::attacks::exchange::{Ask, Outcome};
use crate::attacks::site::{DOORS, HOMES, Person, Site, core};
use crate::forged_tokens::{
    FOR_ANOTHER_AUDIENCE, OF_ANOTHER_ISSUER, OF_ANOTHER_SIGN_IN, OUT_OF_ITS_TIME, UNSIGNED, Wrong,
    key_set, set,
};

/// Signs in at one home with what core gives now: the callback's answer.
async fn try_sign_in(site: &Site, home: &str) -> (Person, Outcome) {
    let mut person = Person::default();
    let authorize = site.begin(&mut person, home, "/").await;
    let answer = site.visit(&mut person, home, &site.callback(&authorize, "alice")).await;
    (person, answer)
}

/// No session at any mode with a token tampered with like this; without, there is one.
async fn assert_refused(tampers: &[Wrong], signings: &[Signing]) {
    for signing in signings {
        let site = Site::with(&[], |spec| spec.signed_with(*signing)).await;
        for home in HOMES {
            for (what, tamper) in tampers {
                site.core.tamper_tokens(*tamper);
                let (person, answer) = try_sign_in(&site, home).await;
                assert_eq!(person.session(), None, "{signing:?} {home} {what}: {answer:?}");
                assert_eq!(answer.status, 502, "{signing:?} {home} {what}: {answer:?}");
            }
            site.core.stop_tampering();
            let (person, answer) = try_sign_in(&site, home).await;
            assert!(person.session().is_some(), "{signing:?} {home}: {answer:?}");
        }
    }
}

/// Secrets and key pairs; of the latter the kind that is made in no time.
const BOTH: [Signing; 2] = [Signing::ClientSecret, Signing::Es256];

#[tokio::test]
async fn a_token_without_a_signature_is_none() {
    assert_refused(&UNSIGNED, &BOTH).await;
}

/// The public key, which everybody knows, taken for the secret of an HMAC; and the reverse.
#[tokio::test]
async fn a_public_key_is_no_secret() {
    for (signing, parameter) in [(Signing::Rs256, "n"), (Signing::Es256, "x")] {
        let site = Site::with(&[], |spec| match spec.name.as_str() {
            // One key of this kind takes long enough to make.
            "domain" | "single" if signing == Signing::Rs256 => spec,
            _ => spec.signed_with(signing),
        })
        .await;
        for (home, slug) in HOMES.into_iter().zip(["app", "single", "domain"]) {
            if site.core.provider(slug).unwrap().signing != signing {
                continue;
            }
            let jwks = format!("{}/application/o/{slug}/jwks/", site.core.url());
            let jwks = Browser::new().get(&jwks).await;
            let public = jwks.json()["keys"][0][parameter].as_str().unwrap().to_owned();
            for key in [jwks.body.clone().into_bytes(), public.into_bytes(), Vec::new()] {
                site.core.tamper_tokens(move |token| {
                    token.header.insert("alg".into(), json!("HS256"));
                    token.signature = Signature::Hmac(key.clone());
                });
                let (person, answer) = try_sign_in(&site, home).await;
                assert_eq!(person.session(), None, "{home}: {answer:?}");
                assert_eq!(answer.status, 502, "{home}: {answer:?}");
            }
            site.core.stop_tampering();
            assert!(try_sign_in(&site, home).await.0.session().is_some());
        }
    }
    let claims_a_key: [Wrong; 1] =
        [("HS256 turned RS256", |t| drop(t.header.insert("alg".into(), json!("RS256"))))];
    assert_refused(&claims_a_key, &[Signing::ClientSecret]).await;
}

#[tokio::test]
async fn a_token_of_another_issuer_is_none() {
    assert_refused(&OF_ANOTHER_ISSUER, &BOTH).await;
}

#[tokio::test]
async fn a_token_for_another_audience_is_none() {
    assert_refused(&FOR_ANOTHER_AUDIENCE, &BOTH).await;
}

#[tokio::test]
async fn a_token_out_of_its_time_is_none() {
    assert_refused(&OUT_OF_ITS_TIME, &BOTH).await;
}

/// A code and its tokens moved from another sign-in: the nonce is not this one's.
#[tokio::test]
async fn an_id_token_of_another_sign_in_is_none() {
    assert_refused(&OF_ANOTHER_SIGN_IN, &BOTH).await;
}

#[tokio::test]
async fn a_flood_of_unknown_keys_does_not_reach_core() {
    let site = Site::with(&[], |spec| spec.signed_with(Signing::Es256)).await;
    for home in HOMES {
        assert!(try_sign_in(&site, home).await.0.session().is_some());
    }
    let fetches = || site.core.observe(|seen| seen.count(Endpoint::Jwks));
    let (before, begun) = (fetches(), std::time::Instant::now());
    site.core.tamper_tokens(|t| drop(t.header.insert("kid".into(), json!("unknown"))));
    for _ in 0..15 {
        for home in HOMES {
            let (person, answer) = try_sign_in(&site, home).await;
            assert_eq!(person.session(), None, "{home}: {answer:?}");
        }
    }
    let fetched = fetches() - before;
    // Each provider's keys are asked for once in ten seconds at most.
    let turns = begun.elapsed().as_secs() / 10 + 2;
    let most = turns * HOMES.len() as u64;
    assert!(fetched <= most, "{fetched} fetches of key sets for 45 sign-ins, not {most}");
}

/// What cannot be checked is unavailable, never accepted.
#[tokio::test]
async fn key_sets_that_are_none_sign_nobody_in() {
    for body in ["[]", "null", "\"keys\"", "{\"keys\": {}}", "{\"keys\": [[]]}", "<html>", ""] {
        let app = Capture::start().await;
        let core = core(CoreOptions::default());
        core.set_fault(Endpoint::Jwks, key_set(body));
        let spec = ProviderSpec::proxy("app", "http://app.test", &app.url());
        let site = Site::of(core, app, &[], [spec.signed_with(Signing::Es256)]).await;
        let (person, answer) = try_sign_in(&site, "app.test").await;
        assert_eq!(person.session(), None, "{body}: {answer:?}");
        assert!(matches!(answer.status, 502 | 503), "{body}: {answer:?}");
        site.core.clear_faults();
    }
}

/// A token has 64 KB at most: a user who has more is told so, and by what.
#[tokio::test]
async fn a_token_of_more_than_64_kb_is_refused_and_a_page_says_so() {
    let site = Site::start().await;
    for home in HOMES {
        // In base64, and with all else that a token holds: some 64,000 bytes, and some 66,000.
        site.core.tamper_tokens(|t| set(t, "large", json!("x".repeat(47_000))));
        let (person, answer) = try_sign_in(&site, home).await;
        assert!(person.session().is_some(), "{home}: {answer:?}");
        site.core.tamper_tokens(|t| set(t, "large", json!("x".repeat(48_600))));
        let (nobody, answer) = try_sign_in(&site, home).await;
        assert_eq!(nobody.session(), None, "{home}");
        answer.assert_refused(&[502], home);
        for text in ["Sign-in failed", "more than 65536: a claim of it is too large", "Try again"] {
            assert!(answer.body.contains(text), "{home}: {text} in {answer:?}");
        }
    }
}

/// A claim of a megabyte makes a token that no header holds: a page says so, and others go on.
#[tokio::test]
async fn a_huge_token_signs_nobody_in() {
    let site = Site::start().await;
    let person = site.person(DOORS[0], "alice").await;
    site.core.tamper_tokens(|t| set(t, "huge", json!("x".repeat(1 << 20))));
    for home in HOMES {
        let (nobody, answer) = try_sign_in(&site, home).await;
        assert_eq!(nobody.session(), None, "{home}");
        assert_eq!(answer.status, 502, "{home}: {answer:?}");
        let told = "too many groups or attributes";
        assert!(answer.body.contains(told), "{home}: {told} in {answer:?}");
    }
    let ask = Ask::get("/x").line("Cookie", person.session_pair());
    site.knock(DOORS[0], &ask).await.assert_open_to("alice", "others go on");
}

/// What core gives `user` for an app password at a provider: an access token.
async fn access_token(site: &Site, provider: &str) -> String {
    let spec = site.core.provider(provider).unwrap();
    let url = format!("{}/application/o/token/", site.core.url());
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", spec.client_id.as_str()),
        ("username", "alice"),
        ("password", "alice-app-password"),
        ("scope", "openid email profile ak_proxy entitlements"),
    ];
    let answer = Browser::new().post_form(&url, &fields).await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// CVE-2024-47077: core calls a token of another provider active; audience and client are ours to
/// check.
#[tokio::test]
async fn a_bearer_token_of_another_application_is_refused() {
    let site = Site::start().await;
    site.core.set_federated_introspection(true);
    for door in DOORS {
        for provider in ["app", "single", "domain"] {
            let token = access_token(&site, provider).await;
            let ask = Ask::get("/x")
                .line("Authorization", format!("Bearer {token}"))
                .line("Accept", "application/json");
            let outcome = site.knock(door, &ask).await;
            let about = format!("{door:?} with a token for {provider}");
            if provider == door.provider {
                outcome.assert_open_to("alice", &about);
                assert!(!outcome.reached.concat().contains(&format!("Bearer {token}")), "{about}");
            } else {
                outcome.assert_refused(&[401], &about);
            }
        }
    }
}

/// An answer of core that is none accepts nothing.
#[tokio::test]
async fn a_bearer_token_is_accepted_by_a_whole_answer_only() {
    let site = Site::start().await;
    for (number, door) in DOORS.into_iter().enumerate() {
        let client_id = site.core.provider(door.provider).unwrap().client_id;
        let issuer = format!("{}/application/o/{}/", site.core.url(), door.provider);
        let good = json!({
            "active": true, "client_id": client_id, "aud": client_id, "iss": issuer, "sub": "s",
            "exp": 4_000_000_000_u64, "preferred_username": "alice",
        });
        let knock = async |token: &str| {
            let ask = Ask::get("/x")
                .line("Authorization", format!("Bearer {token}"))
                .line("Accept", "application/json");
            site.knock(door, &ask).await
        };
        for (index, (key, value)) in [
            ("active", json!("true")),
            ("client_id", json!("another")),
            ("aud", json!(["another"])),
            ("iss", json!("http://evil.test/application/o/app/")),
            ("exp", json!(1)),
            ("sub", json!("")),
        ]
        .into_iter()
        .enumerate()
        {
            let mut answer = good.clone();
            answer[key] = value.clone();
            site.core.set_fault(Endpoint::Introspect, Fault::json(200, &answer));
            let outcome = knock(&format!("token-{number}-{index}")).await;
            outcome.assert_refused(&[401], &format!("{door:?} {key} {value}"));
        }
        site.core.set_fault(Endpoint::Introspect, Fault::json(200, &good));
        let outcome = knock(&format!("good-{number}")).await;
        assert_eq!(outcome.told("X-authentik-username"), ["alice"], "{door:?}: {outcome:?}");
    }
}
