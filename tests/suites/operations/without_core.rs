//! Core away, or not letting us in: what is said, how often, and what goes on working.

use outpost_demo::core::{CoreOptions, Endpoint, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::{Browser, Program};
use reqwest::StatusCode;

fn core() -> StandInCore {
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    core.put_user(UserSpec::new("alice", "alice-password"));
    core
}

async fn ready(outpost: &Program) -> StatusCode {
    let metrics = outpost.address("metrics").await;
    Browser::new().get(&format!("http://{metrics}/outpost.goauthentik.io/ready")).await.status
}

#[tokio::test]
async fn a_wrong_token_is_told_in_one_line_that_names_the_variable_and_mends_itself() {
    let core = core();
    core.put_provider(ProviderSpec::forward_single("single", "http://single.test"))
        .expect("a provider");
    let right = core.token();
    core.rotate_token();
    let outpost = Program::start(&core, &[("AUTHENTIK_TOKEN", &right)]);
    core.wait_for("three tries", |seen| seen.count(Endpoint::Instances) >= 3).await.expect("tries");
    let line = outpost.line("AUTHENTIK_TOKEN").await;
    assert!(!line.contains(&right), "{line}");
    assert_eq!(ready(&outpost).await, 503);
    assert_eq!(outpost.count("AUTHENTIK_TOKEN"), 1, "{:#?}", outpost.lines());

    core.set_token(&right);
    outpost.serves(1).await;
    assert_eq!(ready(&outpost).await, 200);
    outpost.line("core answers again").await;
    assert_eq!(outpost.count("core answers again"), 1);
}

#[tokio::test]
async fn an_outpost_that_starts_before_core_waits_for_it_and_is_not_ready_until_then() {
    let core = core();
    core.put_provider(ProviderSpec::forward_single("single", "http://single.test"))
        .expect("a provider");
    core.stop();
    let outpost = Program::start(&core, &[("AUTHENTIK_LOG_LEVEL", "debug")]);
    outpost.line("the configuration cannot be fetched").await;
    assert_eq!(ready(&outpost).await, 503);
    let http = outpost.address("http").await;
    let page = Browser::new().get(&format!("http://single.test:{}/", http.port())).await;
    assert_eq!(page.status, 503, "alive, and nothing to serve yet: {}", page.body);
    // Each try begins with this line.
    outpost.nth_line("\"refreshing\"", 3).await;

    core.resume().expect("core is back");
    outpost.serves(1).await;
    assert_eq!(ready(&outpost).await, 200);
    assert_eq!(outpost.count("the configuration cannot be fetched"), 1, "{:#?}", outpost.lines());
    // It is served before that is said.
    outpost.line("core answers again").await;
    assert_eq!(outpost.count("core answers again"), 1);
}

/// ak#10741 and its kin: an outage of core takes no application down.
#[tokio::test]
async fn when_core_dies_those_who_are_signed_in_notice_nothing() {
    let core = core();
    let app = SampleApp::start(0).expect("an application");
    let outpost = Program::start(&core, &[("AUTHENTIK_LOG_LEVEL", "debug")]);
    let http = outpost.address("http").await;
    let home = format!("http://app.test:{}", http.port());
    core.put_provider(ProviderSpec::proxy("app", &home, &app.url())).expect("a provider");
    outpost.signal("USR1");
    outpost.serves(1).await;
    let browser = Browser::new();
    let page = browser.sign_in(&format!("{home}/json"), "alice").await;
    assert_eq!(page.status, 200, "{}", page.body);
    core.wait_for("a hello", |seen| !seen.hellos.is_empty()).await.expect("a hello");

    core.stop();
    outpost.line("the websocket to core is down").await;
    outpost.signal("USR1");
    outpost.line("the configuration cannot be fetched").await;
    let tries = outpost.count("\"refreshing\"");
    outpost.nth_line("\"refreshing\"", tries + 2).await;
    assert_eq!(browser.get(&format!("{home}/json")).await.status, 200);
    assert_eq!(ready(&outpost).await, 200, "an outage of core must not empty every replica");
    assert_eq!(outpost.count("the configuration cannot be fetched"), 1, "{:#?}", outpost.lines());
    assert_eq!(outpost.count("the websocket to core is down"), 1, "{:#?}", outpost.lines());
    let said = outpost.line("the configuration cannot be fetched").await;
    assert!(said.contains("what is loaded stays in effect"), "{said}");

    core.resume().expect("core is back");
    outpost.signal("USR1");
    outpost.line("core answers again").await;
    outpost.nth_line("the websocket to core is up", 2).await;
    assert_eq!(browser.get(&format!("{home}/json")).await.status, 200);
    assert_eq!(outpost.count("core answers again"), 1);
}
