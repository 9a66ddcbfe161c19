//! The order of the end: readiness first, then listeners, then what is under way.

use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::{Browser, Program};
use tokio::net::TcpListener;

/// Asks again and again until readiness says no; gives what it says then.
async fn unready(outpost: &Program) -> String {
    let metrics = outpost.address("metrics").await;
    let url = format!("http://{metrics}/outpost.goauthentik.io/ready");
    let browser = Browser::new();
    let asked = async {
        loop {
            let answer = browser.get(&url).await;
            if answer.status.as_u16() == 503 {
                return answer.body;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("readiness says no")
}

/// A core with a provider at `app.test` before `upstream`, open to everybody.
fn core(upstream: &str) -> StandInCore {
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    core.put_provider(ProviderSpec::proxy("app", "http://app.test", upstream).skip("^/"))
        .expect("a provider");
    core
}

#[tokio::test]
async fn load_balancers_hear_of_the_end_while_requests_are_still_served() {
    let app = SampleApp::start(0).expect("an application");
    let core = core(&app.url());
    let outpost = Program::start(&core, &[("OUTPOST__SHUTDOWN__DELAY", "1h")]);
    outpost.serves(1).await;
    let page = format!("http://app.test:{}/", outpost.address("http").await.port());
    assert_eq!(Browser::new().get(&page).await.status, 200);

    outpost.signal("TERM");
    let said = unready(&outpost).await;
    assert!(said.contains("\"draining\""), "{said}");
    // A new connection, since the browser is a new one.
    assert_eq!(Browser::new().get(&page).await.status, 200);
    let metrics = outpost.address("metrics").await;
    let alive = format!("http://{metrics}/outpost.goauthentik.io/ping");
    assert_eq!(Browser::new().get(&alive).await.status, 204, "leaving is not dying");

    outpost.signal("TERM");
    assert_eq!(outpost.exit_code().await, Some(143));
}

#[tokio::test]
async fn a_second_signal_ends_what_would_not_end() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let core = core(&format!("http://{}", upstream.local_addr().expect("bound")));
    let outpost = Program::start(&core, &[("OUTPOST__SHUTDOWN__DRAIN_TIMEOUT", "1h")]);
    outpost.serves(1).await;
    let page = format!("http://app.test:{}/", outpost.address("http").await.port());
    let request = tokio::spawn(async move { Browser::new().client().get(page).send().await });
    let (_never_answers, _) = upstream.accept().await.expect("the outpost asks");

    outpost.signal("TERM");
    outpost.line("the outpost stops").await;
    // While a request is under way, readiness goes on answering.
    unready(&outpost).await;
    outpost.signal("INT");
    assert_eq!(outpost.exit_code().await, Some(130));
    request.abort();
}
