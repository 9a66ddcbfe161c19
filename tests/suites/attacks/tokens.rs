//! Tokens that are somebody else's, of another time, or nobody's.

use outpost_demo::core::{
    CoreOptions, Endpoint, Fault, ProviderSpec, Signature, Signing, TokenDraft,
};
use outpost_tests::{Browser, Capture};
use serde_json::{Value, json};

use crate::attacks::exchange::{Ask, Outcome};
use crate::attacks::site::{DOORS, HOMES, Person, Site, core};

type Tamper = fn(&mut TokenDraft);

fn set(draft: &mut TokenDraft, claim: &str, value: Value) {
    draft.claims.insert(claim.into(), value);
}

/// Signs in at one home with what core gives now: the callback's answer.
async fn try_sign_in(site: &Site, home: &str) -> (Person, Outcome) {
    let mut person = Person::default();
    let authorize = site.begin(&mut person, home, "/").await;
    let answer = site.visit(&mut person, home, &site.callback(&authorize, "alice")).await;
    (person, answer)
}

/// No session at any mode with a token tampered with like this; without, there is one.
async fn assert_refused(tampers: &[(&str, Tamper)], signings: &[Signing]) {
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
    let tampers: [(&str, Tamper); 7] = [
        ("alg none", |t| {
            t.header.insert("alg".into(), json!("none"));
            t.signature = Signature::Empty;
        }),
        ("alg None", |t| {
            t.header.insert("alg".into(), json!("None"));
            t.signature = Signature::Empty;
        }),
        ("alg none, signed", |t| drop(t.header.insert("alg".into(), json!("none")))),
        ("no alg", |t| drop(t.header.remove("alg"))),
        ("signature empty", |t| t.signature = Signature::Empty),
        ("signature of zeros", |t| t.signature = Signature::Raw(vec![0; 64])),
        ("HMAC with an empty key", |t| {
            t.header.insert("alg".into(), json!("HS256"));
            t.signature = Signature::Hmac(Vec::new());
        }),
    ];
    assert_refused(&tampers, &BOTH).await;
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
    let claims_a_key: [(&str, Tamper); 1] =
        [("HS256 turned RS256", |t| drop(t.header.insert("alg".into(), json!("RS256"))))];
    assert_refused(&claims_a_key, &[Signing::ClientSecret]).await;
}

#[tokio::test]
async fn a_token_of_another_issuer_is_none() {
    let tampers: [(&str, Tamper); 4] = [
        ("another issuer", |t| set(t, "iss", json!("https://evil.test/application/o/app/"))),
        ("an issuer that begins like ours", |t| {
            let issuer = format!("{}evil", t.claims["iss"].as_str().unwrap_or_default());
            set(t, "iss", json!(issuer));
        }),
        ("no issuer", |t| drop(t.claims.remove("iss"))),
        ("a list of issuers", |t| {
            let issuer = t.claims["iss"].clone();
            set(t, "iss", json!([issuer]));
        }),
    ];
    assert_refused(&tampers, &BOTH).await;
}

#[tokio::test]
async fn a_token_for_another_audience_is_none() {
    let tampers: [(&str, Tamper); 6] = [
        ("another audience", |t| set(t, "aud", json!("another-client"))),
        ("no audience", |t| drop(t.claims.remove("aud"))),
        ("an empty list", |t| set(t, "aud", json!([]))),
        ("odd types", |t| {
            let audience = t.claims["aud"].clone();
            set(t, "aud", json!([audience, {"a": 1}, 7]));
        }),
        ("one that begins like ours", |t| {
            let audience = format!("{}-and-more", t.claims["aud"].as_str().unwrap_or_default());
            set(t, "aud", json!(audience));
        }),
        ("another authorized party", |t| set(t, "azp", json!("another-client"))),
    ];
    assert_refused(&tampers, &BOTH).await;
}

#[tokio::test]
async fn a_token_out_of_its_time_is_none() {
    let tampers: [(&str, Tamper); 6] = [
        ("no exp", |t| drop(t.claims.remove("exp"))),
        ("exp 0", |t| set(t, "exp", json!(0))),
        ("exp long ago", |t| set(t, "exp", json!(1_500_000_000))),
        ("exp is text", |t| set(t, "exp", json!("4102444800"))),
        ("exp beyond all sense", |t| set(t, "exp", json!(u64::MAX))),
        ("issued in the future", |t| set(t, "iat", json!(4_102_444_800_u64))),
    ];
    assert_refused(&tampers, &BOTH).await;
}

/// A code and its tokens moved from another sign-in: the nonce is not this one's.
#[tokio::test]
async fn an_id_token_of_another_sign_in_is_none() {
    let tampers: [(&str, Tamper); 2] = [
        ("another nonce", |t| set(t, "nonce", json!("another"))),
        ("no nonce", |t| drop(t.claims.remove("nonce"))),
    ];
    assert_refused(&tampers, &BOTH).await;
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
        let reply = Fault::Reply {
            status: 200,
            content_type: "application/json".into(),
            body: body.into(),
        };
        core.set_fault(Endpoint::Jwks, reply);
        let spec = ProviderSpec::proxy("app", "http://app.test", &app.url());
        let site = Site::of(core, app, &[], [spec.signed_with(Signing::Es256)]).await;
        let (person, answer) = try_sign_in(&site, "app.test").await;
        assert_eq!(person.session(), None, "{body}: {answer:?}");
        assert!(matches!(answer.status, 502 | 503), "{body}: {answer:?}");
        site.core.clear_faults();
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
