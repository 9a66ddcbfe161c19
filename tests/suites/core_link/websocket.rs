//! The websocket against the stand-in core.

use std::time::Duration;

use outpost::actors::RefreshCause;
use outpost::core_tls::CoreTrust;
use outpost_decision::COMPATIBLE_VERSION;
use outpost_decision::link::{DownCause, LinkState, LinkTiming};
use outpost_demo::core::{CoreOptions, Endpoint};
use serde_json::json;

use super::bench::{
    INSTANCE, LIVELY, Linked, PATIENT, QUIET, connection, connection_with_a_wrong_token, core,
};

#[actix_rt::test]
async fn says_hello_and_then_tells_the_version_core_expects() {
    let core = core(CoreOptions { version: "2025.12.1".to_owned(), ..CoreOptions::default() });
    let link = Linked::start(&core, QUIET);
    link.wait_for(|status| status.counters.acks >= 2).await;
    let hellos = core.observe(|seen| seen.hellos.clone());
    assert_eq!(hellos.len(), 2);
    assert_eq!(hellos[0].args["version"], COMPATIBLE_VERSION);
    assert_eq!(
        hellos[1].args,
        json!({
            "version": "2025.12.1",
            "buildHash": "0.1.0",
            "uuid": INSTANCE,
            "hostname": "test-host",
            "golangVersion": hellos[0].args["golangVersion"],
            "opensslEnabled": false,
            "opensslVersion": "",
            "fipsEnabled": false,
        })
    );
    assert!(hellos.iter().all(|hello| hello.uid == INSTANCE));

    // An upgraded core comes back with another version: the first hello tells the old one still.
    core.set_version("2026.2.0");
    core.close_websockets(1012);
    let version = |status: &outpost::actors::core_link::LinkStatus| status.version == "2026.2.0";
    link.wait_for(version).await;
    let latest = "the new version in a hello";
    core.wait_for(latest, |seen| seen.hellos.back().unwrap().args["version"] == "2026.2.0")
        .await
        .unwrap();
}

#[actix_rt::test]
async fn hellos_go_on_and_are_acknowledged() {
    let core = core(CoreOptions::default());
    let link = Linked::start(&core, PATIENT);
    core.wait_for("hellos", |seen| seen.hellos.len() >= 6).await.unwrap();
    let status = link.wait_for(|status| status.counters.acks >= 5).await;
    assert!(status.is_up() && status.last_hello.is_some() && status.last_ack.is_some());
}

#[actix_rt::test]
async fn a_core_that_stops_acknowledging_is_reconnected_to() {
    let core = core(CoreOptions::default());
    let link = Linked::start(&core, LIVELY);
    link.up().await;
    core.set_acking(false);
    link.wait_for(|status| status.state == LinkState::Down(DownCause::NoAck)).await;
    core.set_acking(true);
    link.up().await;
    assert!(core.observe(|seen| seen.connections_opened) >= 2);
    let open = "one connection is open";
    core.wait_for(open, |seen| seen.connections.len() == 1).await.unwrap();
}

#[actix_rt::test]
async fn every_close_is_followed_by_a_reconnect_and_a_refresh() {
    let core = core(CoreOptions::default());
    let mut link = Linked::start(&core, QUIET);
    assert_eq!(link.refresh().await, RefreshCause::Reconnected);
    for (opened, code) in [(2, Some(1000)), (3, Some(1012)), (4, None)] {
        match code {
            Some(code) => core.close_websockets(code),
            None => core.drop_websockets(),
        }
        assert_eq!(link.refresh().await, RefreshCause::Reconnected);
        let (all, attempt) = core.observe(|seen| {
            (seen.connections_opened, seen.connections.last().and_then(|last| last.attempt()))
        });
        assert_eq!((all, attempt), (opened, Some(1)), "after {code:?}");
    }
}

#[actix_rt::test]
async fn attempts_count_up_while_core_refuses_or_is_away() {
    let core = core(CoreOptions::default());
    core.set_refusing_websockets(true);
    let mut link = Linked::start(&core, QUIET);
    let status = link.wait_for(|status| status.attempt >= 3).await;
    assert_eq!(status.state, LinkState::Down(DownCause::Refused(403)));
    let attempts: Vec<String> = core.observe(|seen| {
        let handshakes = seen.requests_to(Endpoint::Websocket);
        handshakes.take(3).map(|request| request.query_value("attempt").unwrap()).collect()
    });
    assert_eq!(attempts, ["0", "1", "2"]);

    core.stop();
    link.wait_for(|status| status.state == LinkState::Down(DownCause::Unreachable)).await;
    core.set_refusing_websockets(false);
    core.resume().unwrap();
    assert_eq!(link.up().await.attempt, 0);
    assert_eq!(link.refresh().await, RefreshCause::Reconnected);
}

#[actix_rt::test]
async fn a_wrong_token_is_told_with_its_remedy() {
    let core = core(CoreOptions::default());
    let wrong = connection_with_a_wrong_token(&core);
    let link = Linked::over(&core, wrong, QUIET);
    let status = link.wait_for(|status| status.attempt > 0).await;
    assert_eq!(status.state, LinkState::Down(DownCause::Refused(403)));
    let told = status.last_error.clone().unwrap();
    assert!(told.contains("AUTHENTIK_TOKEN") && !told.contains("wrong"), "{told}");
}

#[actix_rt::test]
async fn a_rotated_token_does_not_end_the_link() {
    let core = core(CoreOptions::default());
    let link = Linked::start(&core, PATIENT);
    let before = link.up().await.counters.acks;
    core.rotate_token();
    let status = link.wait_for(|status| status.counters.acks > before + 2).await;
    assert!(status.is_up());
    assert_eq!(status.counters.connects, 1);
}

#[actix_rt::test]
async fn a_burst_of_triggers_is_one_refresh() {
    let core = core(CoreOptions::default());
    // Half of it, says the bench's random word.
    let timing = LinkTiming { refresh_jitter: Duration::from_secs(2), ..QUIET };
    let mut link = Linked::start(&core, timing);
    link.up().await;
    for _ in 0..20 {
        core.trigger();
    }
    // The refresh after connecting and the twenty triggers, all at once.
    link.refresh().await;
    let status = link.wait_for(|status| status.counters.refreshes > 0).await;
    assert_eq!((status.counters.triggers, status.counters.refreshes), (20, 1));
    core.trigger();
    assert_eq!(link.refresh().await, RefreshCause::Trigger);
}

#[actix_rt::test]
async fn a_session_end_arrives_whichever_way_it_is_ordered() {
    let core = core(CoreOptions::default());
    let mut link = Linked::start(&core, QUIET);
    link.up().await;
    for sid in ["9493abcf", "31bc4bde"] {
        core.end_session(sid);
        assert_eq!(link.session_ends.recv().await.unwrap().sid, sid);
    }
    core.send_frame("no JSON");
    core.send_frame(r#"{"instruction": 4, "args": {"session_id": ""}}"#);
    core.end_session("ea1ed62d");
    assert_eq!(link.session_ends.recv().await.unwrap().sid, "ea1ed62d");
    let status = link.wait_for(|status| status.counters.provider_specific >= 3).await;
    assert_eq!(status.counters.malformed, 2);
    assert_eq!(status.counters.connects, 1);
}

#[actix_rt::test]
async fn a_certificate_nobody_vouches_for_holds_for_the_websocket_too() {
    let core = core(CoreOptions { tls: true, ..CoreOptions::default() });
    let insecure = Linked::over(&core, connection(&core, &CoreTrust::Nothing), QUIET);
    insecure.up().await;
    let strict = Linked::over(&core, connection(&core, &CoreTrust::NativeRoots), QUIET);
    let status = strict.wait_for(|status| status.attempt > 0).await;
    assert_eq!(status.state, LinkState::Down(DownCause::Unreachable));
}

#[actix_rt::test]
async fn a_base_path_is_kept() {
    let core = core(CoreOptions { base_path: "/auth-base".to_owned(), ..CoreOptions::default() });
    Linked::start(&core, QUIET).up().await;
    let path = format!("/ws/outpost/{}/", core.outpost_uuid());
    core.observe(|seen| {
        let handshake = seen.requests_to(Endpoint::Websocket).next().unwrap();
        assert_eq!(handshake.path, path);
        assert_eq!(handshake.query, format!("instance_uuid={INSTANCE}&attempt=0"));
        assert_eq!(handshake.header_values("host").len(), 1);
    });
}

#[actix_rt::test]
async fn shutting_down_leaves_no_connection_behind() {
    let core = core(CoreOptions::default());
    let link = Linked::start(&core, QUIET);
    link.up().await;
    assert!(link.supervisor.shutdown(Duration::from_secs(60)).await.is_empty());
    core.wait_for("no connection", |seen| seen.connections.is_empty()).await.unwrap();
}
