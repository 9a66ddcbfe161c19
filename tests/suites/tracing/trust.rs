//! Whose word on traces and ids is taken.

use outpost_tests::Browser;
use reqwest::Method;

use crate::tracing::collector::{span, traced};
use crate::tracing::{PARENT, TRACE};

const CLAIMS: [(&str, &str); 3] =
    [("traceparent", PARENT), ("tracestate", "a=b"), ("x-request-id", "theirs")];

#[tokio::test]
async fn an_untrusted_caller_begins_a_trace_of_ours_and_gets_an_id_of_ours() {
    for variables in [
        [("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "10.99.0.0/16")],
        [("OUTPOST__TRACING__ACCEPT_FROM", "nobody")],
    ] {
        let (world, collector) = traced(&variables).await;
        let url = world.url("open.test", "/json");
        let answer = Browser::new().send(Method::GET, &url, &CLAIMS, None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let told = answer.received("traceparent").unwrap();
        assert!(!told.contains(TRACE) && told.ends_with("-01"), "{told}");
        assert_eq!(answer.received("tracestate"), None);
        let id = answer.header("x-request-id");
        assert_ne!(id, "theirs");
        assert_eq!(answer.received("x-request-id").as_deref(), Some(id));
        let upstream = span(&collector, "a span", |it| told.contains(&it.id)).await;
        assert!(told.contains(&upstream.trace));
    }
}

#[tokio::test]
async fn everybody_s_word_is_taken_where_the_settings_say_so() {
    let (world, _collector) = traced(&[
        ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "10.99.0.0/16"),
        ("OUTPOST__TRACING__ACCEPT_FROM", "all"),
    ])
    .await;
    let url = world.url("open.test", "/json");
    let answer = Browser::new().send(Method::GET, &url, &CLAIMS, None).await;
    assert!(answer.received("traceparent").unwrap().contains(TRACE));
    assert_eq!(answer.received("tracestate").as_deref(), Some("a=b"));
    assert_eq!(answer.header("x-request-id"), "theirs");
}

#[tokio::test]
async fn what_is_no_trace_context_begins_anew() {
    let (world, _collector) = traced(&[]).await;
    let url = world.url("open.test", "/json");
    let upper = PARENT.to_uppercase();
    let ff = PARENT.replacen("00", "ff", 1);
    for wrong in ["nonsense", &PARENT[..50], &upper, &ff, &format!("{PARENT}-x")] {
        let headers = [("traceparent", wrong), ("tracestate", "a=b")];
        let answer = Browser::new().send(Method::GET, &url, &headers, None).await;
        let told = answer.received("traceparent").unwrap();
        assert!(told.len() == 55 && !told.contains(TRACE), "{wrong}: {told}");
        assert_eq!(answer.received("tracestate"), None, "{wrong}");
    }
}
