//! What an operator chooses to tell one application of its users.

use outpost_demo::core::{CoreOptions, UserSpec};
use outpost_tests::{Browser, Figures, World};
use reqwest::Method;

use crate::proxy_mode::support::browser_of;

/// What a client makes up, in spellings that applications take for ours.
const MADE_UP: [(&str, &str); 5] = [
    ("x-authentik-jwt", "made-up"),
    ("x_authentik_meta_app", "made-up"),
    ("X-Authentik-Entitlements", "made-up"),
    ("x-authentik-incomplete", "made-up"),
    ("x.authentik.groups", "made-up"),
];

async fn world(rules: &str) -> World {
    let variables = [("OUTPOST__IDENTITY__APPLICATIONS", rules)];
    let world = World::with(CoreOptions::default(), &variables).await;
    let groups: Vec<String> = (0..1000).map(|number| format!("group-{number:04}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    world.core.put_user(UserSpec::new("carol", "carol-password").groups(&groups));
    world.serve([world.proxy(), world.forward_single()]).await;
    world
}

#[tokio::test]
async fn an_application_gets_the_headers_that_are_for_it_and_none_of_a_clients() {
    let world = world("app headers=minimal encoding=quoted_printable").await;
    let alice = browser_of(&world, "alice").await;
    for path in ["/json", "/public/json"] {
        let url = world.url("app.test", path);
        let page = alice.send(Method::GET, &url, &MADE_UP, None).await;
        assert!(!page.body.contains("made-up"), "{path}: {}", page.body);
    }
    let page = alice.get(&world.url("app.test", "/json")).await;
    for (name, value) in [
        ("username", Some("alice")),
        ("groups", Some("admins|staff")),
        ("email", Some("alice@example.com")),
        ("name", Some("Alice =C3=84nderson")),
        ("jwt", None),
        ("entitlements", None),
        ("meta-app", None),
        ("meta-jwks", None),
        ("incomplete", None),
    ] {
        assert_eq!(page.received(&format!("x-authentik-{name}")).as_deref(), value, "{name}");
    }
}

/// A proxy overwrites only what the answer to its question names.
#[tokio::test]
async fn a_reverse_proxy_is_told_to_overwrite_what_is_not_for_the_application() {
    let world = world("single headers=username max_bytes=4096").await;
    let alice = Browser::new();
    alice.sign_in(&world.url("single.test", "/outpost.goauthentik.io/start"), "alice").await;
    let url = world.url("single.test", "/outpost.goauthentik.io/auth/traefik");
    let host = format!("single.test:{}", world.port());
    for (path, user) in [("/x", "alice"), ("/public/x", "")] {
        let asked =
            [("x-forwarded-proto", "http"), ("x-forwarded-host", &host), ("x-forwarded-uri", path)];
        // A public path is public whoever asks.
        let client = if user.is_empty() { Browser::new() } else { alice.clone() };
        let answer = client.send(Method::GET, &url, &asked, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(answer.header("x-authentik-username"), user, "{path}");
        for name in ["groups", "email", "jwt", "meta-version", "incomplete"] {
            let value = answer.header_text(&format!("x-authentik-{name}"));
            assert_eq!(value.as_deref(), Some(""), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn groups_that_an_application_cannot_take_are_left_out_whole_and_it_is_said_so() {
    let world = world("app max_bytes=4096").await;
    let carol = browser_of(&world, "carol").await;
    let page = carol.get(&world.url("app.test", "/json")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let groups = page.received("x-authentik-groups").unwrap();
    let groups: Vec<&str> = groups.split('|').collect();
    assert!((200..400).contains(&groups.len()), "{}", groups.len());
    for (number, group) in groups.iter().enumerate() {
        assert_eq!(*group, format!("group-{number:04}"));
    }
    assert_eq!(page.received("x-authentik-username").as_deref(), Some("carol"));
    assert_eq!(page.received("x-authentik-incomplete").as_deref(), Some("jwt|meta|groups"));
    let alice = browser_of(&world, "alice").await.get(&world.url("app.test", "/json")).await;
    assert_eq!(alice.received("x-authentik-incomplete").as_deref(), Some(""));

    let figures = Figures::of(&world).await.text;
    assert!(figures.contains("outpost_identity_problems_total{problem=\"cut\"}"), "{figures}");
}

#[tokio::test]
async fn an_application_that_wants_all_or_nothing_gets_nothing_of_such_a_user() {
    let world = world("app max_bytes=4096 when_over=refuse").await;
    let page = Browser::new().sign_in(&world.url("app.test", "/json"), "carol").await;
    assert_eq!(page.status, 500, "{}", page.body);
    assert!(page.body.contains("identity_too_large"), "{}", page.body);
    let bob = browser_of(&world, "bob").await.get(&world.url("app.test", "/json")).await;
    assert_eq!(bob.received("x-authentik-username").as_deref(), Some("bob"), "{}", bob.body);
}
