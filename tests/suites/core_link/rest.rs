//! REST against the stand-in core.

use std::time::Duration;

use outpost::authentik::rest::{RestClient, RestLimits};
use outpost::authentik::{ApiError, CoreApi, MisconfigurationReport};
use outpost::core_tls::{CoreTimeouts, CoreTrust};
use outpost_demo::core::{CoreOptions, Endpoint, Fault, ProviderSpec, StandInCore};

use super::bench::{connection, connection_with, connection_with_a_wrong_token, core, rest};

fn with_providers(core: &StandInCore, count: usize) {
    for n in 0..count {
        let host = format!("https://app-{n}.test");
        core.put_provider(ProviderSpec::forward_single(&format!("app-{n}"), &host)).unwrap();
    }
}

#[actix_rt::test]
async fn every_page_is_read_though_core_gives_smaller_ones_than_asked() {
    let core = core(CoreOptions { page_size_cap: Some(2), ..CoreOptions::default() });
    with_providers(&core, 7);
    let list = rest(&core).providers().await.unwrap();
    assert_eq!((list.records.len(), list.unreadable.len()), (7, 0));
    let asked: Vec<String> = core.observe(|seen| {
        let asked = seen.requests_to(Endpoint::Providers);
        asked.map(|request| request.query_value("page").unwrap()).collect()
    });
    assert_eq!(asked, ["1", "2", "3", "4"]);
}

#[actix_rt::test]
async fn a_base_path_is_kept() {
    let core = core(CoreOptions { base_path: "/auth-base".to_owned(), ..CoreOptions::default() });
    assert!(core.url().ends_with("/auth-base"));
    let outpost = rest(&core).outpost().await.unwrap();
    assert_eq!(outpost.pk, core.outpost_uuid().to_string());
}

#[actix_rt::test]
async fn one_host_header_one_user_agent_and_json_wanted() {
    let core = core(CoreOptions::default());
    rest(&core).global_config().await.unwrap();
    core.observe(|seen| {
        let request = seen.requests_to(Endpoint::RootConfig).next().unwrap();
        assert_eq!(request.header_values("host"), [core.address().to_string()]);
        assert_eq!(request.header_values("user-agent"), [outpost::authentik::user_agent()]);
        assert_eq!(request.header_values("accept"), ["application/json"]);
    });
}

#[actix_rt::test]
async fn a_wrong_token_is_told_with_its_remedy() {
    let core = core(CoreOptions::default());
    let wrong = connection_with_a_wrong_token(&core);
    let error = RestClient::new(wrong, RestLimits::default()).outpost().await.unwrap_err();
    assert_eq!(error, ApiError::Unauthorized);
    assert!(error.to_string().contains("AUTHENTIK_TOKEN"), "{error}");

    // A token that is rotated while we run shows in the same way.
    let client = rest(&core);
    client.outpost().await.unwrap();
    core.rotate_token();
    assert_eq!(client.outpost().await.unwrap_err(), ApiError::Unauthorized);
}

#[actix_rt::test]
async fn a_core_that_starts_is_a_failure_though_it_says_200() {
    let core = core(CoreOptions::default());
    with_providers(&core, 1);
    core.set_rest_fault(&Fault::starting());
    let client = rest(&core);
    for error in [client.outpost().await.unwrap_err(), client.providers().await.unwrap_err()] {
        assert!(error.to_string().contains("authentik starting"), "{error}");
    }
    core.clear_faults();
    assert_eq!(client.providers().await.unwrap().records.len(), 1);
}

#[actix_rt::test]
async fn a_failing_second_page_is_no_shorter_list() {
    let core = core(CoreOptions { page_size_cap: Some(1), ..CoreOptions::default() });
    with_providers(&core, 3);
    let client = rest(&core);
    // The list is asked page by page; whichever fails, fails all.
    core.set_fault_times(Endpoint::Providers, Fault::Status(502), 1);
    let error = client.providers().await.unwrap_err();
    assert!(matches!(error, ApiError::Status { status: 502, .. }), "{error}");
    assert_eq!(client.providers().await.unwrap().records.len(), 3);
}

#[actix_rt::test]
async fn a_core_that_does_not_answer_is_unreachable() {
    let core = core(CoreOptions::default());
    core.set_fault(Endpoint::Instances, Fault::Hang);
    let timeouts = CoreTimeouts { response: Duration::from_millis(50), ..CoreTimeouts::default() };
    let connection = connection_with(&core, core.token(), &CoreTrust::NativeRoots, timeouts);
    let client = RestClient::new(connection, RestLimits::default());
    let error = client.outpost().await.unwrap_err();
    assert!(matches!(error, ApiError::Unreachable(_)), "{error}");
    core.clear_faults();

    core.stop();
    let error = rest(&core).outpost().await.unwrap_err();
    assert!(matches!(error, ApiError::Unreachable(_)), "{error}");
}

#[actix_rt::test]
async fn a_certificate_nobody_vouches_for() {
    let core = core(CoreOptions { tls: true, ..CoreOptions::default() });
    let with = |trust: &CoreTrust| RestClient::new(connection(&core, trust), RestLimits::default());
    with(&CoreTrust::Nothing).outpost().await.unwrap();
    let error = with(&CoreTrust::NativeRoots).outpost().await.unwrap_err();
    assert!(matches!(error, ApiError::Unreachable(_)), "{error}");
}

#[actix_rt::test]
async fn a_report_is_taken() {
    let core = core(CoreOptions::default());
    let report = MisconfigurationReport {
        message: "X-Forwarded-Host is missing".to_owned(),
        client_ip: Some("10.1.2.3".parse().unwrap()),
        context: serde_json::Map::new(),
    };
    rest(&core).report(&report.into()).await.unwrap();
    core.observe(|seen| {
        assert_eq!(seen.events.len(), 1);
        assert!(seen.events[0].to_string().contains("10.1.2.3"), "{:?}", seen.events);
    });
}
