//! No secret on any page, in any answer of the API, in any frame.

use outpost_demo::core::CoreOptions;
use outpost_tests::{Browser, World};
use reqwest::Method;

use crate::operators::live::{cookie, hear, join};
use crate::operators::support::{ACT, Operator, TOKENS, VIEW, pages, visitor};

#[tokio::test]
async fn nothing_that_operators_are_shown_holds_a_secret() {
    let world = World::with(CoreOptions::default(), &TOKENS).await;
    world.serve([world.proxy(), world.forward_single()]).await;
    let alice = visitor(&world, "alice").await;
    let there = world.url("app.test", "/json?token=query-secret-88d2&password=query-secret-88d2");
    let headers =
        [("authorization", "Basic aGVhZGVyLXNlY3JldC03MWFh"), ("x-api-key", "header-secret-71aa")];
    alice.send(Method::GET, &there, &headers, None).await;
    let page = alice.get(&world.url("app.test", "/json")).await;
    let provider = world.core.provider("app").unwrap();
    let operator = Operator::by_token(pages(&world), ACT).await;

    let mut secrets: Vec<String> = vec![
        world.core.token(),
        provider.client_secret.clone(),
        provider.cookie_secret.clone(),
        page.received("x-authentik-jwt").unwrap(),
        ACT.to_owned(),
        VIEW.to_owned(),
        "query-secret-88d2".to_owned(),
        "aGVhZGVyLXNlY3JldC03MWFh".to_owned(),
        "header-secret-71aa".to_owned(),
        "alice-password".to_owned(),
    ];
    secrets.extend(alice.cookie_names().iter().filter_map(|name| alice.cookie(name)));
    secrets.extend(operator.browser.cookie("outpost_operator"));

    let listed = operator.get("/sessions").await.body;
    let decided = operator.get("/decisions").await.body;
    assert!(decided.contains("/json"), "{decided}");
    let mut paths: Vec<String> = [
        "/",
        "/providers",
        "/sessions",
        "/sessions?by=user&value=alice",
        "/sessions/revoke?by=user&value=alice",
        "/decisions",
        "/explain",
        "/explain?url=http%3A%2F%2Fapp.test%2Fjson&user=alice",
        "/doctor",
        "/api/v1/sessions",
        "/assets/live.js",
        "/sign-in",
        "/other",
    ]
    .map(str::to_owned)
    .to_vec();
    // What lists link to: a provider, a session, a decision.
    for page in [&listed, &decided, &operator.get("/providers").await.body] {
        for (at, _) in page.match_indices("href=\"/") {
            let link = page[at + 6..].split('"').next().unwrap().replace("&amp;", "&");
            if !paths.contains(&link) {
                paths.push(link);
            }
        }
    }
    assert!(paths.iter().any(|path| path.starts_with("/providers/")), "{paths:?}");
    let mut shown = vec![];
    for path in &paths {
        let answer = operator.get(path).await;
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.status);
        let headers = format!("{:?}", answer.headers);
        shown.push((path.clone(), format!("{headers}{}", answer.body)));
        if let Some((_, feed)) = answer.body.split_once("data-live=\"/live?page=%2F") {
            let page = format!("%2F{}", feed.split('"').next().unwrap());
            let mut feed = join(pages(&world), &page, &cookie(&operator)).await.unwrap();
            shown.push((format!("feed of {path}"), hear(&mut feed).await.unwrap()));
        }
    }
    assert!(shown.iter().any(|(what, _)| what.starts_with("feed of ")), "frames are looked at");
    let refused = Browser::new().get(&operator.url("/api/v1/sessions")).await;
    shown.push(("refused call".to_owned(), refused.body));
    for (what, text) in &shown {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{what} holds {secret}");
        }
    }
}
