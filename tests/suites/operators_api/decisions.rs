//! Every id on an error page finds its decision, with its steps and the headers that led to it.

use outpost_demo::core::{CoreOptions, ProviderSpec};
use outpost_tests::{Browser, World};
use reqwest::Method;
use serde_json::Value;

use crate::operators_api::support::Api;

/// Codes of the steps of a decision, in order.
fn steps(decision: &Value) -> Vec<&str> {
    let steps = decision["reasoning"]["steps"].as_array().unwrap();
    steps.iter().map(|step| step["code"].as_str().unwrap()).collect()
}

/// A header that was seen, with its value, whether its sender was trusted, whether it counted.
fn seen(decision: &Value, name: &str) -> (String, bool, bool) {
    let headers = decision["reasoning"]["headers"].as_array().unwrap();
    let header = headers.iter().find(|header| header["name"] == name).unwrap();
    assert_eq!(header["from"], "127.0.0.1", "{header}");
    (
        header["value"].as_str().unwrap().to_owned(),
        header["trusted"].as_bool().unwrap(),
        header["believed"].as_bool().unwrap(),
    )
}

#[tokio::test]
async fn a_refusal_of_headers_names_them_their_sender_and_the_one_at_fault() {
    let nobody = [("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "203.0.113.0/24")];
    let world = World::with(CoreOptions::default(), &nobody).await;
    world.serve([world.forward_single()]).await;
    let api = Api::new(world.outpost.addresses.dashboard[0]);
    let browser = Browser::new();
    let original = "https://single.test/private?code=c0de-7781&page=2";
    let headers = [("x-original-url", original), ("x-forwarded-for", "192.0.2.77")];
    let url = world.url("single.test", "/outpost.goauthentik.io/auth/nginx");
    let answer = browser.send(Method::GET, &url, &headers, None).await;
    // nginx makes 500 of everything but 401 and 403 itself.
    assert_eq!(answer.status, 500, "{}", answer.body);
    let id = answer.header("x-request-id");
    assert!(answer.body.contains(id), "the page names it: {}", answer.body);

    let decision = api.decision(id).await;
    assert_eq!(decision["row"]["reason"], "peer_untrusted");
    assert_eq!(decision["row"]["outcome"], "denied");
    assert_eq!(decision["configuration_changed"], false);
    let said = steps(&decision);
    assert!(said.contains(&"ignored") && said.contains(&"fault"), "{said:?}");
    let masked = "https://single.test/private?code=******&page=2".to_owned();
    assert_eq!(seen(&decision, "X-Original-URL"), (masked, false, false));
    assert_eq!(seen(&decision, "X-Forwarded-For"), ("192.0.2.77".to_owned(), false, false));
    let explanation = decision["reasoning"]["explanation"].as_str().unwrap();
    assert!(explanation.contains("X-Original-URL"), "{explanation}");
    let remedy = decision["reasoning"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("127.0.0.1"), "{remedy}");
}

#[tokio::test]
async fn a_check_that_is_answered_shows_what_was_believed() {
    let world = World::start().await;
    world.serve([world.forward_single()]).await;
    let api = Api::new(world.outpost.addresses.dashboard[0]);
    let browser = Browser::new();
    let headers = [
        ("x-forwarded-host", "single.test"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-uri", "/public/page?token=t0ken-4411"),
        ("x-forwarded-port", "80"),
    ];
    let url = world.url("outpost.test", "/outpost.goauthentik.io/auth/traefik");
    let answer = browser.send(Method::GET, &url, &headers, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);

    let decision = api.decision(answer.header("x-request-id")).await;
    assert_eq!(decision["row"]["reason"], "skip_path");
    assert_eq!(decision["row"]["path"], "/public/page?token=******");
    assert_eq!(decision["reasoning"]["provider"]["name"], "single");
    assert_eq!(steps(&decision), ["origin", "route", "client", "credential", "skip_rules"]);
    let uri = "/public/page?token=******".to_owned();
    assert_eq!(seen(&decision, "X-Forwarded-Uri"), (uri, true, true));
    assert_eq!(seen(&decision, "X-Forwarded-Port"), ("80".to_owned(), true, false));
    let rule = &decision["reasoning"]["steps"][4]["found"];
    assert_eq!(rule, "Line 1 matches: ^/public/");
}

#[tokio::test]
async fn the_id_of_every_kind_of_error_finds_its_decision() {
    let world = World::start().await;
    let away = ProviderSpec::proxy("away", &world.url("away.test", ""), "http://127.0.0.1:9");
    world.serve([world.proxy(), away.skip("^/")]).await;
    let api = Api::new(world.outpost.addresses.dashboard[0]);
    let browser = Browser::new();
    let large = "x".repeat(100_000);
    for (host, accept, cookie, status, reason, outcome) in [
        ("nobody.test", "text/html", "", 400, "no_provider", "denied"),
        ("nobody.test", "application/json", "", 400, "no_provider", "denied"),
        ("away.test", "text/html", "", 502, "skip_path", "failed"),
        ("away.test", "application/json", "", 502, "skip_path", "failed"),
        ("app.test", "application/json", "", 401, "not_signed_in_script", "sign_in"),
        ("app.test", "text/html", large.as_str(), 431, "headers_too_large", "denied"),
    ] {
        let cookie = format!("c={cookie}");
        let headers = [("accept", accept), ("cookie", cookie.as_str())];
        let answer = browser.send(Method::GET, &world.url(host, "/page"), &headers, None).await;
        assert_eq!(answer.status, status, "{host} {accept}: {}", answer.body);
        let id = answer.header("x-request-id").to_owned();
        assert!(answer.body.contains(&id), "{host} {accept}: {}", answer.body);
        let decision = api.decision(&id).await;
        let row = &decision["row"];
        assert_eq!((&row["id"], &row["status"]), (&id.into(), &status.into()), "{host}");
        assert_eq!((&row["reason"], &row["outcome"]), (&reason.into(), &outcome.into()), "{host}");
        assert!(!decision["reasoning"]["explanation"].as_str().unwrap().is_empty(), "{host}");
    }
    assert_eq!(api.ask("v1/decisions/nobodys").await.0, 404);
}

#[tokio::test]
async fn the_tail_is_filtered_and_goes_on_where_one_was() {
    let world = World::start().await;
    world.serve([world.proxy()]).await;
    let api = Api::new(world.outpost.addresses.dashboard[0]);
    let browser = Browser::new();
    let ask = async |path: &str| browser.get(&world.url("app.test", path)).await.status.as_u16();
    assert_eq!((ask("/public/one").await, ask("/two").await), (200, 302));
    let all = api.get("v1/decisions").await;
    let latest = all["latest"].as_u64().unwrap();
    assert_eq!(all["dropped"], 0);
    let rows = |answer: &Value| -> Vec<String> {
        let rows = answer["rows"].as_array().unwrap();
        rows.iter().map(|row| row["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rows(&all), ["/two", "/public/one"]);
    assert_eq!(rows(&api.get("v1/decisions?outcome=allowed").await), ["/public/one"]);
    assert_eq!(rows(&api.get("v1/decisions?path=tw&address=127.").await), ["/two"]);
    assert_eq!(rows(&api.get(&format!("v1/decisions?after={latest}")).await), [""; 0]);
    assert_eq!(ask("/public/three").await, 200);
    let news = api.get(&format!("v1/decisions?after={latest}")).await;
    assert_eq!(rows(&news), ["/public/three"]);
}
