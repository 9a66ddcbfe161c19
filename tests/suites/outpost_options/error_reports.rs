//! Reports of errors, read with Sentry's own types.

use outpost_demo::core::{Endpoint, Fault, ProviderSpec};
use outpost_tests::{Browser, Figures, Post, Program, Receiver, World, wait};
use sentry_types::protocol::v7::{Context, Envelope, Event, Level};
use serde_json::json;

/// What the outpost says, as an error, when core refuses to know it.
const ERROR: &str = "a code could not be exchanged";

/// A core, and a receiver of reports that it asks for when it is told to.
struct Reporting {
    world: World,
    receiver: Receiver,
}

impl Reporting {
    async fn start() -> Self {
        Self { world: World::start().await, receiver: Receiver::start().await }
    }

    fn ask_for_reports(&self, enabled: bool, send_pii: bool) {
        let dsn = format!("http://thekey@{}/77", self.receiver.address());
        let config = json!({"error_reporting": {
            "enabled": enabled, "sentry_dsn": dsn, "environment": "testing",
            "send_pii": send_pii, "traces_sample_rate": 0.5,
        }});
        self.world.core.set_fault(Endpoint::RootConfig, Fault::json(200, &config));
    }

    /// An outpost with a provider; its external address.
    async fn outpost(&self, variables: &[(&str, &str)]) -> (Program, String) {
        let program = Program::start(&self.world.core, variables);
        let http = program.address("http").await;
        let external = format!("http://app.test:{}", http.port());
        let provider = ProviderSpec::proxy("app", &external, &self.world.app.url());
        self.world.core.put_provider(provider).expect("a provider");
        program.signal("USR1");
        program.serves(1).await;
        (program, external)
    }

    /// A sign-in for which core takes the outpost for somebody else, which is an error to it.
    async fn fail_a_sign_in(&self, external: &str) -> String {
        let refusal = json!({
            "error": "invalid_client",
            "error_description": "client_secret=s3cr3t of bob@example.com at 10.1.2.3",
        });
        self.world.core.set_fault(Endpoint::Token, Fault::json(400, &refusal));
        let browser = Browser::new();
        let page = browser.sign_in(&format!("{external}/"), "alice").await;
        assert_eq!(page.status, 502, "{}", page.body);
        page.header("x-request-id").to_owned()
    }
}

fn event(posts: &[Post]) -> Option<Event<'static>> {
    let envelope = Envelope::from_slice(&posts.last()?.body).expect("an envelope");
    envelope.event().cloned()
}

#[tokio::test]
async fn errors_are_reported_where_core_asks_for_it_without_secrets_and_people() {
    let reporting = Reporting::start().await;
    reporting.ask_for_reports(true, false);
    let (program, external) = reporting.outpost(&[]).await;
    program.line("errors of the outpost are reported").await;
    let id = reporting.fail_a_sign_in(&external).await;
    let event = reporting.receiver.wait("a report", event).await;
    assert_eq!(event.level, Level::Error);
    assert_eq!(event.environment.as_deref(), Some("testing"));
    assert!(event.release.as_deref().is_some_and(|it| it.starts_with("outpost@")), "{event:?}");
    assert_eq!(event.logentry.as_ref().map(|entry| entry.message.as_str()), Some(ERROR));
    assert_eq!(event.tags.get("request_id"), Some(&id));
    assert_eq!(event.extra.get("provider"), Some(&json!("app")));
    assert_eq!(event.server_name, None);
    assert!(event.user.is_none() && event.request.is_none());
    let posts = reporting.receiver.posts();
    let post = posts.last().expect("a report");
    assert_eq!(post.path, "/api/77/envelope/");
    assert_eq!(post.header("content-type"), Some("application/x-sentry-envelope"));
    assert!(post.header("x-sentry-auth").is_some_and(|it| it.contains("sentry_key=thekey")));
    let text = String::from_utf8_lossy(&post.body);
    for secret in ["s3cr3t", "10.1.2.3", "bob@", "alice", reporting.world.core.token().as_str()] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    // The same once more is no news.
    reporting.fail_a_sign_in(&external).await;
    let metrics = program.address("metrics").await;
    wait::until_async("a dropped report", async || {
        figure(metrics, "dropped").await.filter(|count| *count == 1).ok_or_else(|| "none".into())
    })
    .await;
    assert_eq!(reporting.receiver.posts().len(), 1);
}

async fn figure(metrics: std::net::SocketAddr, outcome: &str) -> Option<u64> {
    let series = format!("outpost_error_reports_total{{outcome=\"{outcome}\"}}");
    Figures::at(metrics).await.count(&series)
}

#[tokio::test]
async fn nothing_is_reported_until_core_asks_for_it_and_when_it_asks_no_more() {
    let reporting = Reporting::start().await;
    reporting.ask_for_reports(false, false);
    let (program, external) = reporting.outpost(&[]).await;
    reporting.fail_a_sign_in(&external).await;
    program.line(ERROR).await;

    reporting.ask_for_reports(true, true);
    program.signal("USR1");
    program.line("errors of the outpost are reported").await;
    let id = reporting.fail_a_sign_in(&external).await;
    let event = reporting.receiver.wait("a report", event).await;
    // The first one that was sent is of the time since core asked.
    assert_eq!(event.tags.get("request_id"), Some(&id));
    assert!(event.server_name.is_some(), "people may be named, and machines");
    assert_eq!(reporting.receiver.posts().len(), 1);

    reporting.ask_for_reports(false, false);
    program.signal("USR1");
    program.line("errors are reported no more").await;
}

#[tokio::test]
async fn an_outpost_may_be_forbidden_to_report_whatever_core_asks_for() {
    let reporting = Reporting::start().await;
    reporting.ask_for_reports(true, false);
    let (silent, external) = reporting.outpost(&[("OUTPOST__LOG__ERROR_REPORTING", "false")]).await;
    reporting.fail_a_sign_in(&external).await;
    silent.line(ERROR).await;
    drop(silent);
    reporting.world.core.remove_provider("app");
    // Another of the same core reports: the receiver is there, and heard of nothing before.
    let (program, external) = reporting.outpost(&[]).await;
    program.line("errors of the outpost are reported").await;
    let id = reporting.fail_a_sign_in(&external).await;
    let event = reporting.receiver.wait("a report", event).await;
    assert_eq!(event.tags.get("request_id"), Some(&id));
    assert_eq!(reporting.receiver.posts().len(), 1);
}

#[tokio::test]
async fn a_report_belongs_to_the_trace_of_its_request() {
    let reporting = Reporting::start().await;
    reporting.ask_for_reports(true, false);
    let collector = Receiver::start().await;
    let endpoint = format!("http://{}", collector.address());
    let (program, external) =
        reporting.outpost(&[("OUTPOST__TRACING__OTLP_ENDPOINT", &endpoint)]).await;
    program.line("errors of the outpost are reported").await;
    reporting.fail_a_sign_in(&external).await;
    let event = reporting.receiver.wait("a report", event).await;
    let Some(Context::Trace(trace)) = event.contexts.get("trace") else { panic!("{event:?}") };
    let line = program.line(ERROR).await;
    assert!(line.contains(&format!("\"trace_id\":\"{}\"", trace.trace_id)), "{line}");
}

#[tokio::test]
async fn a_receiver_that_fails_is_counted_and_costs_no_request() {
    let reporting = Reporting::start().await;
    reporting.receiver.answer(429, "retry-after: 3600\r\n");
    reporting.ask_for_reports(true, false);
    let (program, external) = reporting.outpost(&[]).await;
    program.line("errors of the outpost are reported").await;
    reporting.fail_a_sign_in(&external).await;
    let metrics = program.address("metrics").await;
    wait::until_async("a failed report", async || {
        figure(metrics, "failed").await.filter(|count| *count == 1).ok_or_else(|| "none".into())
    })
    .await;
    reporting.world.core.clear_fault(Endpoint::Token);
    let page = Browser::new().sign_in(&format!("{external}/json"), "alice").await;
    assert_eq!(page.status, 200, "{}", page.body);
}
