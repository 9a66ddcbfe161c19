use outpost_decision::COMPATIBLE_VERSION;
use outpost_decision::backoff::Backoff;
use serde_json::Value;

use super::*;
use crate::core_tls::CoreTrust;
use bench::{Bench, OUTPOST};

mod bench;

const ACK: &str = r#"{"instruction": 0, "args": {}}"#;
const TRIGGER: &str = r#"{"instruction": 2, "args": {}}"#;

fn session_end(sid: &str) -> String {
    format!(r#"{{"instruction": 4, "args": {{"session_id": "{sid}"}}}}"#)
}

/// No hello but the first, no wait before reconnecting or refreshing.
fn quiet() -> LinkTiming {
    let backoff = Backoff { shortest: Duration::ZERO, longest: Duration::ZERO };
    LinkTiming {
        hello_every: Duration::from_secs(3600),
        hellos_without_ack: 2,
        backoff,
        refresh_jitter: Duration::ZERO,
    }
}

#[actix::test]
async fn says_hello_and_is_up_once_core_acknowledges() {
    let mut bench = Bench::start(quiet()).await;
    let mut core = bench.core.accept().await;
    assert_eq!(
        core.target,
        format!("/base/ws/outpost/{OUTPOST}/?instance_uuid=our-uuid&attempt=0")
    );
    assert_eq!(core.header("authorization"), ["Bearer the-token"]);
    assert_eq!(core.header("user-agent"), [crate::authentik::user_agent()]);
    assert_eq!(core.header("host"), [bench.core.address.to_string()]);

    let hello: Value = serde_json::from_str(&core.text().await).unwrap();
    assert_eq!(
        hello,
        json!({"instruction": 1, "args": {
            "version": COMPATIBLE_VERSION,
            "buildHash": "0.1.0",
            "uuid": "our-uuid",
            "hostname": "our-host",
            "golangVersion": concat!("rust", env!("CARGO_PKG_RUST_VERSION")),
            "opensslEnabled": false,
            "opensslVersion": "",
            "fipsEnabled": false,
        }})
    );
    assert_eq!(bench.status().state, LinkState::Connecting);
    core.send(ACK).await;
    let status = bench.wait_for(|status| status.last_ack.is_some()).await;
    assert!(status.is_up());
    assert_eq!((status.counters.hellos, status.counters.acks), (1, 1));
    assert_eq!(bench.refresh().await, RefreshCause::Reconnected);
}

#[actix::test]
async fn says_hello_again_and_again() {
    let timing = LinkTiming { hello_every: Duration::from_millis(5), ..quiet() };
    let timing = LinkTiming { hellos_without_ack: u32::MAX, ..timing };
    let mut bench = Bench::start(timing).await;
    let mut core = bench.core.accept().await;
    for _ in 0..5 {
        assert!(core.text().await.contains(r#""instruction":1"#));
    }
    assert_eq!(bench.status().counters.connects, 1);
}

#[actix::test]
async fn a_core_that_does_not_acknowledge_is_left() {
    let timing = LinkTiming { hello_every: Duration::from_millis(5), ..quiet() };
    let mut bench = Bench::start(timing).await;
    let mut core = bench.core.accept().await;
    assert!(core.text().await.contains(r#""instruction":1"#));
    assert!(core.text().await.contains(r#""instruction":1"#));
    assert_eq!(core.close_code().await, Some(1001));
    let again = bench.core.accept().await;
    assert!(again.target.ends_with("attempt=1"), "{}", again.target);
    assert!(bench.status().counters.dead >= 1);
}

#[actix::test]
async fn reconnects_whatever_the_close_code_and_refreshes() {
    let mut bench = Bench::start(quiet()).await;
    let mut core = bench.core.accept_up().await;
    assert_eq!(bench.refresh().await, RefreshCause::Reconnected);
    for code in [1000, 1012] {
        core.close(code).await;
        core = bench.core.accept_up().await;
        assert!(core.target.ends_with("attempt=1"), "{}", core.target);
        assert_eq!(bench.refresh().await, RefreshCause::Reconnected);
    }
    // And when the connection breaks without a word.
    drop(core);
    let _core = bench.core.accept_up().await;
    assert_eq!(bench.refresh().await, RefreshCause::Reconnected);
    assert_eq!(bench.status().counters.closed, 3);
}

#[actix::test]
async fn a_refusal_is_told_with_its_remedy_and_retried() {
    let bench = Bench::start_refused(quiet(), 403).await;
    let status = bench.wait_for(|status| status.attempt >= 3).await;
    assert_eq!(status.state, LinkState::Down(DownCause::Refused(403)));
    assert!(status.last_error.unwrap().contains("AUTHENTIK_TOKEN"));
    bench.core.refuse_with(0);
    let mut bench = bench;
    let core = bench.core.accept_up().await;
    assert!(!core.target.ends_with("attempt=0"), "{}", core.target);
    let status = bench.wait_for(LinkStatus::is_up).await;
    assert_eq!((status.attempt, status.last_error), (0, None));
}

#[actix::test]
async fn a_burst_of_triggers_is_one_refresh() {
    // The bench's random word is half of the range: a refresh comes a second later.
    let timing = LinkTiming { refresh_jitter: Duration::from_secs(2), ..quiet() };
    let mut bench = Bench::start(timing).await;
    let mut core = bench.core.accept_up().await;
    for _ in 0..20 {
        core.send(TRIGGER).await;
    }
    assert_eq!(bench.refresh().await, RefreshCause::Reconnected);
    let counters = bench.wait_for(|status| status.counters.refreshes > 0).await.counters;
    assert_eq!((counters.triggers, counters.refreshes), (20, 1));
}

#[actix::test]
async fn a_session_end_is_passed_on_though_nobody_takes_it_at_first() {
    let mut bench = Bench::start(quiet()).await;
    let mut core = bench.core.accept_up().await;
    core.send(&session_end("first")).await;
    assert_eq!(bench.session_end().await, "first");
    bench.session_ends_refused(1);
    core.send(&session_end("second")).await;
    core.send(&session_end("third")).await;
    assert_eq!(bench.session_end().await, "second");
    assert_eq!(bench.session_end().await, "third");
}

#[actix::test]
async fn odd_frames_are_counted_and_do_no_harm() {
    let mut bench = Bench::start(quiet()).await;
    let mut core = bench.core.accept_up().await;
    core.send("nonsense").await;
    core.send(r#"{"instruction": 3, "args": {}}"#).await;
    core.send(r#"{"instruction": 77, "args": {}}"#).await;
    core.send_binary(b"\xff\xfe").await;
    core.ping(b"are you there").await;
    assert_eq!(core.pong().await, b"are you there");
    core.send_in_pieces(&session_end("pieces")).await;
    assert_eq!(bench.session_end().await, "pieces");
    let counters = bench.status().counters;
    assert_eq!((counters.malformed, counters.provider_specific, counters.unknown), (2, 1, 1));
    assert_eq!(counters.connects, 1);
}

#[actix::test]
async fn shutting_down_closes_with_a_close_frame() {
    let mut bench = Bench::start(quiet()).await;
    let mut core = bench.core.accept_up().await;
    bench.wait_for(LinkStatus::is_up).await;
    let (late, code) = futures_util::join!(bench.shut_down(), core.close_code());
    assert!(late.is_empty());
    assert_eq!(code, Some(1000));
    assert_eq!(bench.status().state, LinkState::Stopped);
}

#[actix::test]
async fn shutting_down_while_core_is_away_does_not_wait() {
    let bench = Bench::start_refused(quiet(), 503).await;
    bench.wait_for(|status| status.attempt > 0).await;
    assert!(bench.shut_down().await.is_empty());
}

#[actix::test]
async fn a_link_that_panics_is_rebuilt_and_connects_by_itself() {
    let mut bench = Bench::start(quiet()).await;
    let mut core = bench.core.accept_up().await;
    assert_eq!(bench.refresh().await, RefreshCause::Reconnected);
    core.send(&session_end("panic")).await;
    // The dead link's connection ends in good order, and the next is up without anybody's help.
    assert_eq!(core.close_code().await, Some(1000));
    let core = bench.core.accept_up().await;
    assert!(core.target.contains(OUTPOST));
    assert_eq!(bench.refresh().await, RefreshCause::Reconnected);
    assert_eq!(bench.supervisor.rebuilt(), 1);
    let status = bench.wait_for(|status| status.counters.connects == 2).await;
    assert_eq!(status.counters.session_ends, 0, "the one it died over was never counted");
}

#[actix::test]
async fn follows_the_outpost_to_another_uuid() {
    let mut bench = Bench::start(quiet()).await;
    let mut core = bench.core.accept_up().await;
    bench.identify("another");
    assert_eq!(core.close_code().await, Some(1000));
    let core = bench.core.accept_up().await;
    assert_eq!(core.target, "/base/ws/outpost/another/?instance_uuid=our-uuid&attempt=0");
}

#[actix::test]
async fn a_certificate_nobody_vouches_for_is_taken_when_told_to() {
    let mut bench = Bench::start_tls(quiet(), CoreTrust::Nothing).await;
    let core = bench.core.accept_up().await;
    assert!(core.target.ends_with("attempt=0"));
}

#[actix::test]
async fn a_certificate_nobody_vouches_for_is_refused_otherwise() {
    let bench = Bench::start_tls(quiet(), CoreTrust::NativeRoots).await;
    let status = bench.wait_for(|status| status.attempt > 0).await;
    assert_eq!(status.state, LinkState::Down(DownCause::Unreachable));
}
