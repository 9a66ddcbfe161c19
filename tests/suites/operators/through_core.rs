//! Through core: groups decide, and whatever goes wrong is told on a page.

use std::net::SocketAddr;

use outpost_demo::core::{Endpoint, Fault, ProviderSpec, UserSpec};
use outpost_tests::world::outpost;
use outpost_tests::{Browser, World, wait};
use serde_json::{Value, json};

use crate::operators::support::{Operator, free, is_visitor, visitor};

/// The client's secret.
const SECRET: &str = "operators-client-secret-0d1f";

/// A world whose outpost lets members of `admins` act and of `staff` look: alice is in both, bob in
/// the latter, carol in none.
struct Doors {
    world: World,
    pages: SocketAddr,
}

impl Doors {
    async fn open() -> Self {
        Self::with(|spec| spec, &[("OUTPOST__DASHBOARD__CLIENT_SECRET", SECRET)]).await
    }

    async fn with(
        change: impl FnOnce(ProviderSpec) -> ProviderSpec,
        more: &[(&str, &str)],
    ) -> Self {
        let mut world = World::start().await;
        world.core.put_user(UserSpec::new("carol", "carol-password"));
        let pages = free();
        let (listen, url) = (pages.to_string(), format!("http://{pages}"));
        let callback = format!("{url}/sign-in/callback");
        let spec = ProviderSpec::oauth2("outpost-operators", &[&callback]);
        let spec = ProviderSpec {
            client_id: "operators".to_owned(),
            client_secret: SECRET.to_owned(),
            ..spec
        };
        world.core.put_provider(change(spec)).unwrap();
        let mut variables = vec![
            ("OUTPOST__DASHBOARD__LISTEN", listen.as_str()),
            ("OUTPOST__DASHBOARD__URL", &url),
            ("OUTPOST__DASHBOARD__APPLICATION", "outpost-operators"),
            ("OUTPOST__DASHBOARD__CLIENT_ID", "operators"),
            ("OUTPOST__DASHBOARD__VIEW_GROUP", "staff"),
            ("OUTPOST__DASHBOARD__ACT_GROUP", "admins"),
        ];
        variables.extend_from_slice(more);
        world.outpost = outpost(&world.core, &variables);
        world.serve([world.proxy()]).await;
        Self { world, pages }
    }

    fn browser(&self) -> Operator {
        Operator::at(self.pages)
    }

    /// Where somebody arrives who signs in.
    async fn enter(&self, user: &str) -> (Operator, outpost_tests::Answer) {
        let operator = self.browser();
        let begin = operator.url("/sign-in/core?next=%2Fdoctor");
        let arrived = operator.browser.sign_in(&begin, user).await;
        (operator, arrived)
    }
}

#[tokio::test]
async fn groups_in_core_say_who_may_look_and_who_may_act() {
    let doors = Doors::open().await;
    let carol = visitor(&doors.world, "carol").await;

    let (operator, arrived) = doors.enter("alice").await;
    assert_eq!((arrived.status.as_u16(), arrived.url.path()), (200, "/doctor"), "{}", arrived.body);
    assert!(arrived.body.contains("alice"), "{}", arrived.body);
    let csrf = operator.csrf("/").await;

    let (viewer, arrived) = doors.enter("bob").await;
    assert_eq!((arrived.status.as_u16(), arrived.url.path()), (200, "/doctor"), "{}", arrived.body);
    let theirs = viewer.csrf("/").await;
    assert_eq!(viewer.revoke("carol", &theirs).await.status, 403);
    assert_eq!(viewer.revoke("carol", &csrf).await.status, 403);

    let (nobody, arrived) = doors.enter("carol").await;
    assert_eq!(arrived.status, 403);
    for group in ["admins", "staff"] {
        assert!(arrived.body.contains(group), "{}", arrived.body);
    }
    assert!(!nobody.is_in().await);

    assert!(is_visitor(&doors.world, &carol).await);
    assert_eq!(operator.revoke("carol", &csrf).await.status, 303);
    assert!(!is_visitor(&doors.world, &carol).await);
    let events = wait::until("what core is told", || {
        doors.world.core.observe(|seen| {
            let ended = seen.events.iter().any(|event| event["action"] == "model_deleted");
            if ended { Ok(seen.events.clone()) } else { Err(format!("{:?}", seen.events)) }
        })
    });
    let told: Vec<(&Value, &Value)> =
        events.iter().map(|event| (&event["action"], &event["context"]["operator"])).collect();
    for (action, operator) in [
        ("login", "alice"),
        ("login", "bob"),
        ("login_failed", "carol"),
        ("model_deleted", "alice"),
    ] {
        assert!(
            told.contains(&(&json!(action), &json!(operator))),
            "{action} {operator}: {told:?}"
        );
    }
}

#[tokio::test]
async fn the_entrance_offers_core_and_remembers_where_one_was_going() {
    let doors = Doors::open().await;
    let operator = doors.browser();
    let page = operator.browser.follow(&operator.url("/sessions?by=sid&value=x")).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/sign-in"));
    let (_, rest) = page.body.split_once("href=\"/sign-in/core").expect("a way to core");
    let link = format!("/sign-in/core{}", rest.split('"').next().unwrap().replace("&amp;", "&"));
    let arrived = operator.browser.sign_in(&operator.url(&link), "bob").await;
    assert_eq!(arrived.url.as_str(), operator.url("/sessions?by=sid&value=x"));
    assert_eq!(arrived.status, 200);
    // No token opens where none is set.
    let answer = doors.browser().post("/sign-in", &[("token", "")]).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_public_client_proves_by_its_verifier_alone() {
    let doors = Doors::with(ProviderSpec::public, &[]).await;
    let (_, arrived) = doors.enter("alice").await;
    assert_eq!((arrived.status.as_u16(), arrived.url.path()), (200, "/doctor"), "{}", arrived.body);
}

#[tokio::test]
async fn what_goes_wrong_at_core_is_told_and_can_be_tried_again() {
    let wrong = [("OUTPOST__DASHBOARD__CLIENT_SECRET", "another")];
    let doors = Doors::with(|spec| spec, &wrong).await;
    let (operator, arrived) = doors.enter("alice").await;
    assert_eq!((arrived.status.as_u16(), arrived.url.path()), (502, "/sign-in/callback"));
    assert!(arrived.body.contains("dashboard.client_secret"), "{}", arrived.body);
    assert!(!arrived.body.contains("another"), "{}", arrived.body);
    assert!(!operator.is_in().await);

    let doors = Doors::open().await;
    doors.world.core.set_fault(Endpoint::Token, Fault::Status(503));
    let (_, arrived) = doors.enter("alice").await;
    assert_eq!(arrived.status, 503);
    assert!(arrived.body.contains("/sign-in/core"), "a way to try again: {}", arrived.body);
    doors.world.core.clear_faults();
    doors.world.core.set_authorize_error(Some(("access_denied", "not today")));
    let operator = doors.browser();
    let refused = operator.browser.follow(&operator.url("/sign-in/core")).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("not today (access_denied)"), "{}", refused.body);
    doors.world.core.set_authorize_error(None);
    assert_eq!(doors.enter("alice").await.1.status, 200);
}

#[tokio::test]
async fn nobody_comes_in_by_what_another_browser_or_nobody_began() {
    let doors = Doors::open().await;
    let (mine, other) = (doors.browser(), Browser::new());
    let begun = mine.get("/sign-in/core").await;
    let callback = doors.world.core.sign_in(begun.header("location"), "alice").unwrap();
    for made_up in [
        callback.clone(),
        mine.url("/sign-in/callback"),
        mine.url("/sign-in/callback?code=x&state=y"),
        mine.url("/sign-in/callback?error=access_denied&error_description=click+here"),
    ] {
        let answer = other.get(&made_up).await;
        assert_eq!(answer.status, 400, "{made_up}");
        assert!(!answer.body.contains("click here"), "{}", answer.body);
        assert!(other.cookie("outpost_operator").is_none());
    }
    assert_eq!(mine.browser.get(&callback).await.status, 303);
    assert!(mine.is_in().await);
    let again = mine.browser.get(&callback).await;
    assert_eq!(again.status, 400, "a code is good for once");
}

#[tokio::test]
async fn tokens_that_are_not_for_operators_are_refused() {
    let doors = Doors::open().await;
    for (claim, value) in [
        ("aud", json!("another")),
        ("iss", json!("https://evil.example.com/")),
        ("nonce", json!("n")),
    ] {
        let changed = value.clone();
        doors.world.core.tamper_tokens(move |draft| {
            draft.claims.insert(claim.to_owned(), changed.clone());
        });
        let (operator, arrived) = doors.enter("alice").await;
        assert_eq!(arrived.status, 502, "{claim}: {}", arrived.body);
        assert!(!operator.is_in().await);
    }
    doors.world.core.tamper_tokens(|draft| {
        draft.header.insert("alg".to_owned(), json!("HS256"));
        draft.signature = outpost_demo::core::Signature::Hmac(SECRET.as_bytes().to_vec());
    });
    assert_eq!(doors.enter("alice").await.1.status, 502, "signed with the client's secret");
}
