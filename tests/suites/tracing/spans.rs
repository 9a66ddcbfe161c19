//! What the collector is told.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use outpost_demo::core::{Endpoint, ProviderSpec, Signing};
use outpost_tests::{Browser, Figures, Program, Receiver, World, wait};
use reqwest::Method;

use crate::tracing::collector::{resources, span, spans, traced};
use crate::tracing::{PARENT, TRACE};

#[tokio::test]
async fn a_request_is_one_trace_from_the_proxy_in_front_to_the_application() {
    let (world, collector) = traced(&[
        ("OUTPOST__TRACING__OTLP_HEADERS", "authorization=Bearer%20hush"),
        ("OUTPOST__TRACING__SERVICE_NAME", "front"),
        ("OUTPOST__TRACING__RESOURCE", "deployment.environment.name=test"),
    ])
    .await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json");
    assert_eq!(browser.sign_in(&url, "alice").await.status, 200);
    let headers = [("traceparent", PARENT), ("tracestate", "a=b"), ("x-request-id", "request-1")];
    let answer = browser.send(Method::GET, &url, &headers, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);

    let told = answer.received("traceparent").expect("the application is told");
    let upstream =
        span(&collector, "the upstream's span", |it| it.trace == TRACE && it.name == "upstream")
            .await;
    assert_eq!(told, format!("00-{TRACE}-{}-01", upstream.id));
    assert_eq!(answer.received("tracestate").as_deref(), Some("a=b"));
    let server = span(&collector, "the request's span", |it| it.id == upstream.parent).await;
    let look = span(&collector, "the session's span", |it| {
        it.trace == TRACE && it.name == "session look-up"
    })
    .await;
    assert_eq!((server.trace.as_str(), server.parent.as_str()), (TRACE, "00f067aa0ba902b7"));
    assert_eq!((server.name.as_str(), server.kind), ("GET application", SpanKind::Server));
    assert_eq!((upstream.kind, look.kind), (SpanKind::Client, SpanKind::Internal));
    assert_eq!(look.parent, server.id);
    assert_eq!(server.state, "a=b");
    assert!(!server.failed);
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "application"),
        ("http.response.status_code", "200"),
        ("outpost.request_id", "request-1"),
        ("outpost.provider", "app"),
        ("outpost.action", "allow"),
    ] {
        assert_eq!(server.attribute(name), Some(value), "{server:?}");
    }
    assert!(server.attribute("outpost.reason").is_some());
    assert_eq!(upstream.attribute("http.response.status_code"), Some("200"));
    let inside = |outer: (u64, u64), inner: (u64, u64)| outer.0 <= inner.0 && inner.0 <= inner.1;
    assert!(inside(server.nanoseconds, upstream.nanoseconds), "{server:?} {upstream:?}");

    for post in collector.posts() {
        assert_eq!(post.path, "/v1/traces");
        assert_eq!(post.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(post.header("authorization"), Some("Bearer hush"));
    }
    for resource in resources(&collector.posts()) {
        let value = |name: &str| {
            resource.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(value("service.name"), Some("front"));
        assert_eq!(value("deployment.environment.name"), Some("test"));
        assert!(value("service.instance.id").is_some());
    }
    // What identifies a person or opens a door is in none of it.
    let everything = format!("{:?}", spans(&collector.posts()));
    for secret in ["alice", "hush", "code=", "state="] {
        assert!(!everything.contains(secret), "{secret}: {everything}");
    }
}

#[tokio::test]
async fn core_is_told_in_which_trace_it_is_asked() {
    let (world, collector) = traced(&[]).await;
    let provider = world.proxy().signed_with(Signing::Rs256).validity(200.0).offline_access();
    world.serve([provider]).await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json");
    assert_eq!(browser.sign_in(&url, "alice").await.status, 200);
    let machine = [("authorization", "Bearer garbage"), ("traceparent", PARENT)];
    assert_eq!(Browser::new().send(Method::GET, &url, &machine, None).await.status, 401);
    // Tokens that are good for an hour are renewed five minutes before their end: at once.
    world.core.edit_provider("app", |spec| spec.access_token_validity = 3600.0);
    world.refreshed().await;
    assert_eq!(browser.get(&url).await.status, 200);
    world.core.wait_for("a renewal", |seen| seen.count(Endpoint::Refresh) > 0).await.unwrap();

    for (endpoint, name) in [
        (Endpoint::Token, "code exchange"),
        (Endpoint::Refresh, "token refresh"),
        (Endpoint::Introspect, "introspection"),
        (Endpoint::Jwks, "key set"),
        (Endpoint::Providers, "core api"),
    ] {
        let asked = world.core.observe(|seen| {
            let request = seen.requests_to(endpoint).last().expect("a request");
            let told: Vec<String> =
                request.header_values("traceparent").into_iter().map(str::to_owned).collect();
            told
        });
        let [told] = asked.as_slice() else { panic!("{endpoint:?}: {asked:?}") };
        let client = span(&collector, name, |it| told.contains(&it.id)).await;
        assert_eq!(*told, format!("00-{}-{}-01", client.trace, client.id));
        assert_eq!((client.name.as_str(), client.kind), (name, SpanKind::Client));
        if endpoint == Endpoint::Introspect {
            assert_eq!(client.trace, TRACE);
        }
        if endpoint == Endpoint::Token {
            let server = span(&collector, "the callback", |it| it.id == client.parent).await;
            assert_eq!(server.name, "GET callback");
        }
    }
}

#[tokio::test]
async fn an_application_that_is_away_is_a_failed_span_and_pings_are_none() {
    let (world, collector) = traced(&[]).await;
    let gone = ProviderSpec { internal_host: "http://127.0.0.1:9".into(), ..world.proxy() };
    world.serve([gone]).await;
    let browser = Browser::new();
    let ping = world.url("app.test", "/outpost.goauthentik.io/ping");
    assert_eq!(browser.get(&ping).await.status, 204);
    assert_eq!(browser.get(&world.url("app.test", "/public/x")).await.status, 502);
    let server = span(&collector, "the request's span", |it| it.kind == SpanKind::Server).await;
    assert_eq!(server.name, "GET application");
    assert!(server.failed, "{server:?}");
    assert_eq!(server.attribute("http.response.status_code"), Some("502"));
    let upstream = span(&collector, "the upstream's span", |it| it.name == "upstream").await;
    assert!(upstream.failed && upstream.parent == server.id, "{upstream:?}");
}

#[tokio::test]
async fn what_is_not_sampled_is_told_on_and_not_collected() {
    let (world, collector) = traced(&[("OUTPOST__TRACING__SAMPLE_RATIO", "0")]).await;
    let browser = Browser::new();
    let url = world.url("open.test", "/json");
    let answer = browser.get(&url).await;
    let told = answer.received("traceparent").expect("the application is told");
    assert!(told.ends_with("-00"), "{told}");
    // A caller that records its part wants ours as well, and the other way round.
    let sampled = browser.send(Method::GET, &url, &[("traceparent", PARENT)], None).await;
    assert!(sampled.received("traceparent").unwrap().ends_with("-01"));
    let server = span(&collector, "the request's span", |it| it.kind == SpanKind::Server).await;
    assert_eq!(server.trace, TRACE);
    let quiet = PARENT.replace("-01", "-00");
    let answer = browser.send(Method::GET, &url, &[("traceparent", &quiet)], None).await;
    assert_eq!(answer.received("traceparent").as_deref(), Some(quiet.as_str()));
    let others = spans(&collector.posts()).into_iter().filter(|it| it.trace != TRACE).count();
    assert_eq!(others, 0);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_a_counter_and_one_line() {
    let world = World::start().await;
    let collector = Receiver::start().await;
    collector.answer(503, "");
    let endpoint = format!("http://{}", collector.address());
    let program = Program::start(
        &world.core,
        &[
            ("OUTPOST__TRACING__OTLP_ENDPOINT", &endpoint),
            ("OUTPOST__TRACING__EXPORT_INTERVAL", "10ms"),
        ],
    );
    let (http, metrics) = (program.address("http").await, program.address("metrics").await);
    let browser = Browser::new();
    let figure = async |fate: &str| {
        let series = format!("outpost_trace_spans_total{{outcome=\"{fate}\"}}");
        Figures::at(metrics).await.count(&series).unwrap_or(0)
    };
    let ask = async || browser.get(&format!("http://{http}/x")).await.status.as_u16();
    // More than one batch is lost.
    let mut lost = 0;
    for _ in 0..3 {
        assert!(matches!(ask().await, 400 | 503));
        lost = wait::until_async("lost spans", async || {
            let now = figure("failed").await;
            if now > lost { Ok(now) } else { Err(format!("{now} are lost")) }
        })
        .await;
    }
    assert_eq!(figure("sent").await, 0);
    collector.answer(200, "");
    ask().await;
    program.line("the collector of traces takes them again").await;
    assert_eq!(program.count("the collector does not take traces"), 1);
    wait::until_async("sent spans", async || match figure("sent").await {
        0 => Err("none are sent".to_owned()),
        sent => Ok(sent),
    })
    .await;
}

#[tokio::test]
async fn the_last_spans_go_out_when_the_outpost_stops() {
    let (world, collector) = traced(&[("OUTPOST__TRACING__EXPORT_INTERVAL", "1h")]).await;
    assert_eq!(Browser::new().get(&world.url("app.test", "/public/x")).await.status, 200);
    assert!(collector.posts().is_empty(), "the batch waits");
    let World { outpost, .. } = world;
    tokio::task::spawn_blocking(move || outpost.stop()).await.unwrap();
    let server = span(&collector, "the request's span", |it| it.kind == SpanKind::Server).await;
    assert_eq!(server.name, "GET application");
}
