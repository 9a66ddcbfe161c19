use std::time::Duration;

use outpost_decision::finding::{Finding, Severity};
use outpost_decision::provider::{CookieSpec, Endpoints, External, Mode, Signing};
use outpost_decision::target::{Authority, Scheme};
use outpost_decision::time::Timestamp;
use url::Url;

use super::*;
use crate::ops::event::UpstreamEvent;
use crate::ops::finish::tests::event;
use crate::publish::published;
use crate::snapshot::ProviderFinding;

fn provider(pk: i64, name: &str, host: &str) -> Arc<Provider> {
    let url = Url::parse("https://core.example.com/").unwrap();
    Arc::new(Provider {
        pk,
        name: name.to_owned(),
        application_slug: name.to_owned(),
        application_name: name.to_owned(),
        mode: Mode::Proxy,
        external: External {
            scheme: Scheme::Https,
            authority: Authority::parse(host).unwrap(),
            path: String::new(),
            home: String::new(),
            wildcard: false,
        },
        internal: Url::parse("http://internal:8080").ok(),
        verify_upstream: true,
        client_id: "id".to_owned(),
        client_secret: "s3cr3t".into(),
        cookie_secret: "s3cr3t".into(),
        endpoints: Endpoints {
            issuer: url.to_string(),
            authorization: url.clone(),
            token: url,
            introspection: None,
            end_session: None,
            jwks: None,
            jwks_public: String::new(),
            back_channel: None,
        },
        signing: Signing::ClientSecret,
        scope: "openid".to_owned(),
        skip: Default::default(),
        cookie: CookieSpec {
            name: "c".to_owned(),
            domain: None,
            path: "/".to_owned(),
            secure: true,
        },
        cookie_domain: None,
        basic_auth: None,
        intercept_header_auth: true,
        access_token_validity: 600,
        certificate: None,
        redirect_uri: String::new(),
        akprox: false,
    })
}

fn outpost(name: &str) -> OutpostIdentity {
    OutpostIdentity { name: name.to_owned(), ..OutpostIdentity::default() }
}

fn metrics() -> Metrics {
    Metrics::new("1.2.3", "abc").unwrap()
}

/// Lines of the figure, without comments.
fn series(metrics: &Metrics, figure: &str) -> Vec<String> {
    metrics
        .render()
        .lines()
        .filter(|line| {
            line.starts_with(figure) && !line.contains("_bucket") && !line.contains("_sum")
        })
        .map(str::to_owned)
        .collect()
}

const REQUESTS: &str = "authentik_outpost_proxy_request_duration_seconds";
const UPSTREAMS: &str = "authentik_outpost_proxy_upstream_response_duration_seconds";

#[test]
fn names_and_labels_are_the_contracts() {
    let metrics = metrics();
    let wiki = provider(1, "wiki", "wiki.example.com");
    metrics.replace("uuid-1", &outpost("out"), &[Arc::clone(&wiki)]);
    metrics.describe(
        "uuid-1",
        &Snapshot {
            outpost: outpost("out"),
            refreshed_at: Some(Timestamp(17)),
            ..Snapshot::default()
        },
    );
    metrics.core_connected(true);
    metrics.record(&RequestEvent { provider: Some(wiki), ..event() });
    let text = metrics.render();
    for line in [
        r#"authentik_outpost_info{build="abc",outpost_name="out",outpost_type="proxy",uuid="uuid-1",version="1.2.3"} 1"#,
        r#"authentik_outpost_last_update{build="abc",outpost_name="out",outpost_type="proxy",uuid="uuid-1",version="1.2.3"} 17"#,
        r#"authentik_outpost_connection{outpost_name="out",outpost_type="proxy",uuid="uuid-1"} 1"#,
        r#"authentik_outpost_proxy_request_duration_seconds_count{host="wiki.example.com",method="GET",outpost_name="out",type="app"} 1"#,
        r#"authentik_outpost_proxy_upstream_response_duration_seconds_count{host="wiki.example.com",method="GET",outpost_name="out",scheme="http",upstream_host="internal:8080"} 1"#,
        r#"outpost_decisions_total{action="challenge",provider="wiki",reason="not_signed_in_script"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[test]
fn clients_cannot_make_series() {
    let metrics = metrics();
    let wiki = provider(1, "wiki", "wiki.example.com");
    metrics.replace("i", &outpost("out"), &[Arc::clone(&wiki)]);
    for number in 0..500 {
        let upstream = UpstreamEvent {
            duration: Duration::from_millis(1),
            tls: false,
            host: format!("host-{number}"),
        };
        let mut strange = RequestEvent {
            method: format!("METHOD-{number}").into(),
            host: format!("host-{number}"),
            upstream: Some(upstream),
            ..event()
        };
        metrics.record(&strange);
        strange.provider = Some(Arc::clone(&wiki));
        metrics.record(&strange);
    }
    assert_eq!(
        series(&metrics, REQUESTS),
        ["other", "wiki.example.com"].map(|host| format!(
            r#"{REQUESTS}_count{{host="{host}",method="OTHER",outpost_name="out",type="app"}} 500"#
        ))
    );
    assert_eq!(series(&metrics, UPSTREAMS).len(), 2);
    assert_eq!(series(&metrics, "outpost_decisions_total").len(), 2);
}

#[test]
fn what_is_gone_leaves_no_series() {
    let metrics = metrics();
    let wiki = provider(1, "wiki", "wiki.example.com");
    let chat = provider(2, "chat", "chat.example.com");
    let record = |provider: &Arc<Provider>| {
        metrics.record(&RequestEvent { provider: Some(Arc::clone(provider)), ..event() });
    };
    metrics.replace("i", &outpost("out"), &[Arc::clone(&wiki), Arc::clone(&chat)]);
    record(&wiki);
    record(&chat);
    assert_eq!(series(&metrics, REQUESTS).len(), 2);

    metrics.replace("i", &outpost("out"), &[Arc::clone(&wiki)]);
    record(&wiki);
    record(&chat);
    let left = series(&metrics, REQUESTS);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[0].contains(r#"host="other""#) && left[0].ends_with(" 1"), "{left:?}");
    assert!(left[1].contains("wiki") && left[1].ends_with(" 2"), "what stays goes on: {left:?}");

    metrics.replace("i", &outpost("renamed"), &[Arc::clone(&wiki)]);
    record(&wiki);
    let left = series(&metrics, REQUESTS);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].contains(r#"outpost_name="renamed""#) && left[0].ends_with(" 1"), "{left:?}");
}

#[test]
fn two_providers_of_one_host_share_a_series_that_survives_either() {
    let metrics = metrics();
    let one = provider(1, "one", "a.example.com");
    let two = provider(2, "two", "a.example.com");
    let record = |provider: &Arc<Provider>| {
        metrics.record(&RequestEvent { provider: Some(Arc::clone(provider)), ..event() });
    };
    metrics.replace("i", &outpost("out"), &[Arc::clone(&one), Arc::clone(&two)]);
    record(&one);
    record(&two);
    metrics.replace("i", &outpost("out"), &[Arc::clone(&two)]);
    record(&two);
    let left = series(&metrics, REQUESTS);
    assert_eq!(left.len(), 1);
    assert!(left[0].ends_with(" 1"), "begun anew, and written to: {left:?}");
}

#[test]
fn the_rest_counts() {
    let metrics = metrics();
    metrics.refreshed(RefreshOutcome::Complete);
    metrics.refreshed(RefreshOutcome::Failed);
    metrics.core_reconnecting();
    metrics.core_message(Direction::Received, 2);
    metrics.core_message(Direction::Received, 4711);
    metrics.core_message(Direction::Sent, 1);
    metrics.sessions([("wiki", 3)]);
    metrics.sessions([("chat", 4)]);
    metrics.store_failed("put");
    metrics.actor_restarted("core_link");
    metrics.journal_dropped(9);
    metrics.log_lost(2);
    let under_way = metrics.request_begun();
    let text = metrics.render();
    for line in [
        r#"outpost_core_refreshes_total{outcome="complete"} 1"#,
        r#"outpost_core_refreshes_total{outcome="failed"} 1"#,
        "outpost_core_reconnects_total 1",
        r#"outpost_core_messages_total{direction="received",instruction="trigger_update"} 1"#,
        r#"outpost_core_messages_total{direction="received",instruction="other"} 1"#,
        r#"outpost_core_messages_total{direction="sent",instruction="hello"} 1"#,
        r#"outpost_sessions{provider="chat"} 4"#,
        r#"outpost_session_store_errors_total{operation="put"} 1"#,
        r#"outpost_actor_restarts_total{actor="core_link"} 1"#,
        "outpost_journal_dropped 9",
        "outpost_log_lost 2",
        "outpost_requests_in_flight 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert!(!text.contains(r#"provider="wiki""#));
    drop(under_way);
    assert_eq!(metrics.requests_in_flight(), 0);
}

#[actix_web::test]
async fn follows_the_snapshots_until_their_writer_is_gone() {
    let metrics = metrics();
    let (publisher, snapshots) = published(Snapshot::default());
    publisher.publish(Snapshot {
        generation: 1,
        outpost: outpost("out"),
        findings: vec![ProviderFinding {
            provider: None,
            finding: Finding::new(Severity::Error, "odd", "", ""),
        }],
        ..Snapshot::default()
    });
    drop(publisher);
    metrics.follow("i", &snapshots).await;
    let text = metrics.render();
    assert!(text.contains(r#"outpost_name="out""#), "{text}");
    assert!(text.contains(r#"outpost_findings{code="odd",severity="error"} 1"#), "{text}");
}
