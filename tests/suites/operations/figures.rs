//! Metrics, readiness, and the operators' page.

use std::collections::{BTreeMap, BTreeSet};

use outpost_tests::{Browser, Figures, World, wait};
use reqwest::Method;

/// Name and labels of every series of contract 14.
const CONTRACT: [(&str, &[&str]); 5] = [
    ("authentik_outpost_info", &["build", "outpost_name", "outpost_type", "uuid", "version"]),
    (
        "authentik_outpost_last_update",
        &["build", "outpost_name", "outpost_type", "uuid", "version"],
    ),
    ("authentik_outpost_connection", &["outpost_name", "outpost_type", "uuid"]),
    (
        "authentik_outpost_proxy_request_duration_seconds",
        &["host", "method", "outpost_name", "type"],
    ),
    (
        "authentik_outpost_proxy_upstream_response_duration_seconds",
        &["host", "method", "outpost_name", "scheme", "upstream_host"],
    ),
];

/// Every series with its value; labels in the order they are written.
fn series(text: &str) -> BTreeMap<String, f64> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
        .collect()
}

/// The label names of each series of a figure.
fn labels(figures: &BTreeMap<String, f64>, name: &str) -> BTreeSet<String> {
    let of_figure = figures.keys().filter_map(|series| {
        let rest = series.strip_prefix(name)?;
        let rest = rest.strip_prefix("_bucket").or(rest.strip_prefix("_count")).unwrap_or(rest);
        rest.strip_prefix('{')?.strip_suffix('}')
    });
    of_figure
        .flat_map(|labels| labels.split("\","))
        .filter_map(|pair| pair.split_once('='))
        .map(|(label, _)| label.to_owned())
        .filter(|label| label != "le")
        .collect()
}

async fn scrape(world: &World) -> BTreeMap<String, f64> {
    series(&Figures::of(world).await.text)
}

async fn world() -> World {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single()]).await;
    world
}

#[tokio::test]
async fn the_series_of_the_stock_outpost_are_there_with_its_labels() {
    let world = world().await;
    world.core.wait_for("a hello", |seen| !seen.hellos.is_empty()).await.expect("a hello");
    let browser = Browser::new();
    assert_eq!(browser.sign_in(&world.url("app.test", "/json"), "alice").await.status, 200);
    let figures = scrape(&world).await;
    for (name, expected) in CONTRACT {
        let found = labels(&figures, name);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, expected, "{name}");
    }
    let app = |line: &str| line.contains("host=\"app.test:") && line.contains("type=\"app\"");
    assert!(figures.keys().any(|line| app(line)), "{figures:#?}");
}

/// A host or method that a client makes up is no reason for a new series.
#[tokio::test]
async fn a_thousand_made_up_hosts_and_methods_make_no_series() {
    let world = world().await;
    let browser = Browser::new();
    let ask = async |host: &str, method: &str| {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let url = world.url("127.0.0.1", "/");
        browser.send(method, &url, &[("host", host)], None).await.status
    };
    assert_eq!(ask("made-up.test", "MADEUP").await, 400);
    // Each provider counts its sessions once it is there.
    wait::until_async("the counts of sessions", async || {
        let figures = Figures::of(&world).await;
        let counts = ["app", "single"]
            .map(|name| figures.count(&format!("outpost_sessions{{provider=\"{name}\"}}")));
        if counts == [Some(0); 2] { Ok(()) } else { Err(format!("{counts:?}")) }
    })
    .await;
    let before: BTreeSet<String> = scrape(&world).await.into_keys().collect();
    for n in 0..1000 {
        assert_eq!(ask(&format!("host-{n}.test"), &format!("METHOD{n}")).await, 400);
    }
    let after: BTreeSet<String> = scrape(&world).await.into_keys().collect();
    assert_eq!(after, before);
}

#[tokio::test]
async fn decisions_are_counted_by_provider_reason_and_action() {
    let world = world().await;
    let browser = Browser::new();
    for _ in 0..3 {
        browser.get(&world.url("app.test", "/json")).await;
    }
    browser.get(&world.url("app.test", "/public/page")).await;
    browser.get(&world.url("nobody.test", "/")).await;
    let figures = scrape(&world).await;
    let decided = |provider: &str, reason: &str| -> f64 {
        let wanted = [format!("provider=\"{provider}\""), format!("reason=\"{reason}\"")];
        figures
            .iter()
            .filter(|(name, _)| name.starts_with("outpost_decisions_total{"))
            .filter(|(name, _)| wanted.iter().all(|wanted| name.contains(wanted)))
            .map(|(_, value)| value)
            .sum()
    };
    let shown = format!("{figures:#?}");
    assert!((decided("app", "not_signed_in") - 3.0).abs() < 0.1, "{shown}");
    assert!((decided("app", "skip_path") - 1.0).abs() < 0.1, "{shown}");
    assert!((decided("", "no_provider") - 1.0).abs() < 0.1, "{shown}");
}

#[tokio::test]
async fn the_operators_page_shows_providers_and_findings_to_this_machine_only() {
    let world = world().await;
    world.core.edit_provider("single", |spec| spec.skip_path_regex = "(unclosed".into());
    world.refreshed().await;
    let browser = Browser::new();
    let url = format!("http://{}/", world.outpost.addresses.dashboard[0]);
    let page = browser.get(&url).await;
    assert_eq!(page.status, 200);
    for shown in ["app", "single", "unclosed"] {
        assert!(page.body.contains(shown), "{shown} in {}", page.body);
    }
    for host in ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test"] {
        let other = browser.send(Method::GET, &url, &[("host", host)], None).await;
        assert_eq!(other.status, 421, "{host}");
        assert!(!other.body.contains("single"), "{host}");
    }
    let spec = world.core.provider("app").expect("the provider");
    for secret in [spec.client_secret, spec.cookie_secret, world.core.token()] {
        assert!(!page.body.contains(&secret));
    }
}
