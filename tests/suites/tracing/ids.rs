//! Ids of requests, with traces and without.

use outpost_demo::core::ProviderSpec;
use outpost_tests::{Browser, Program, World};
use reqwest::Method;
use serde_json::Value;

use crate::tracing::{PARENT, TRACE};

#[tokio::test]
async fn one_id_is_in_the_answer_the_application_the_page_and_the_log() {
    let world = World::start().await;
    let program = Program::start(&world.core, &[]);
    let http = program.address("http").await;
    let external = format!("http://app.test:{}", http.port());
    let gone = "http://127.0.0.1:9";
    for provider in [
        ProviderSpec::proxy("app", &external, &world.app.url()).skip("^/"),
        ProviderSpec::proxy("gone", &external.replace("app", "gone"), gone).skip("^/"),
    ] {
        world.core.put_provider(provider).unwrap();
    }
    program.signal("USR1");
    program.serves(2).await;
    let browser = Browser::new();
    for (given, kept) in [
        (Some("0a1b-given.by:the/proxy=1"), true),
        (Some("with blanks"), false),
        (Some("<b>"), false),
        (None, false),
    ] {
        let headers: Vec<_> = given.map(|id| ("x-request-id", id)).into_iter().collect();
        let ask = async |host: &str| {
            let url = format!("{}/json", external.replace("app", host));
            browser.send(Method::GET, &url, &headers, None).await
        };
        let answer = ask("app").await;
        let id = answer.header("x-request-id").to_owned();
        assert_eq!(given.is_some_and(|given| given == id), kept, "{given:?}: {id}");
        assert!(kept || id.len() == 32, "{id}");
        // Once, and the same.
        assert_eq!(answer.received("x-request-id"), Some(id.clone()));
        program.line(&format!("\"request_id\":\"{id}\"")).await;

        let page = ask("gone").await;
        let id = page.header("x-request-id").to_owned();
        assert_eq!(page.status, 502);
        assert!(page.body.contains(&id), "{id}: {}", page.body);
        let line = format!("the application did not answer\",\"id\":\"{id}\"");
        program.line(&line).await;
    }
}

#[tokio::test]
async fn without_a_collector_a_caller_s_trace_passes_unchanged_and_stands_in_the_log() {
    let world = World::start().await;
    let program = Program::start(&world.core, &[]);
    let http = program.address("http").await;
    let external = format!("http://app.test:{}", http.port());
    let provider = ProviderSpec::proxy("app", &external, &world.app.url()).skip("^/");
    world.core.put_provider(provider).unwrap();
    program.signal("USR1");
    program.serves(1).await;
    let headers = [("traceparent", PARENT), ("tracestate", "a=b"), ("x-request-id", "traced")];
    let url = format!("{external}/json");
    let answer = Browser::new().send(Method::GET, &url, &headers, None).await;
    assert_eq!(answer.received("traceparent").as_deref(), Some(PARENT));
    assert_eq!(answer.received("tracestate").as_deref(), Some("a=b"));
    let line = program.line("\"request_id\":\"traced\"").await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["trace_id"], TRACE);

    let answer = Browser::new().get(&url).await;
    assert_eq!(answer.received("traceparent"), None, "nothing is traced");
    let id = answer.header("x-request-id");
    let line = program.line(&format!("\"request_id\":\"{id}\"")).await;
    assert!(!line.contains("trace_id"), "{line}");
}
