//! What is wrong around the outpost: applications, clocks, versions, other instances.

use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_tests::{World, ports, wait, world};

use super::support::{doctor_of, finding, finds, finds_at, found_at};

#[actix_rt::test]
async fn an_application_that_is_away_is_found() {
    let connecting = [("OUTPOST__DOCTOR__CONNECT", "true")];
    let world = World::with(CoreOptions::default(), &connecting).await;
    let nowhere = format!("http://127.0.0.1:{}", ports::free("127.0.0.1".parse().unwrap()));
    let at = |internal: &str| ProviderSpec::proxy("app", &world.url("app.test", ""), internal);
    world.serve([at(&nowhere)]).await;
    let doctor = finds(&world, &["upstream_unreachable"]).await;
    let shown = finding(&doctor, "upstream_unreachable");
    assert!(shown["message"].as_str().unwrap().contains(&nowhere), "{shown}");
    assert_eq!(shown["provider"]["name"], "app");
    world.serve([at(&world.app.url())]).await;
    finds(&world, &[]).await;
}

#[actix_rt::test]
async fn a_clock_that_is_wrong_is_found() {
    let world = World::start().await;
    world.core.advance_clock(Duration::from_secs(300));
    world.serve([world.proxy()]).await;
    let doctor = finds(&world, &["clock_skew"]).await;
    assert_eq!(finding(&doctor, "clock_skew")["severity"], "error");
    world.core.set_clock_right();
    // Whatever changes is a reason to look anew.
    world.serve([world.proxy().skip("^/other/")]).await;
    finds(&world, &[]).await;
}

#[actix_rt::test]
async fn a_core_of_another_time_is_found() {
    let world = World::start().await;
    world.core.set_version("2027.2.0");
    world.serve([world.proxy()]).await;
    let doctor = finds(&world, &["core_version"]).await;
    assert!(finding(&doctor, "core_version")["message"].as_str().unwrap().contains("2027.2.0"));
}

#[actix_rt::test]
async fn an_embedded_outpost_without_providers_is_found() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let at = core.url();
    let outpost = world::outpost(&core, &[("OUTPOST__EMBEDDED__CORE", &at)]);
    finds_at(&core, &outpost, &["embedded_without_providers"]).await;
    let app = outpost_demo::sample_app::SampleApp::start(0).unwrap();
    let provider = ProviderSpec::proxy("app", "http://app.test", &app.url());
    core.put_provider(provider).unwrap();
    outpost.refresh();
    finds_at(&core, &outpost, &[]).await;
}

#[actix_rt::test]
async fn two_instances_that_share_no_store_are_found() {
    let quick = [("OUTPOST__CORE__HELLO_INTERVAL", "1s")];
    let world = World::with(CoreOptions::default(), &quick).await;
    world.serve([world.proxy()]).await;
    finds(&world, &[]).await;
    let second = world::outpost(&world.core, &quick);
    // A change makes the outpost look; what core says of the other one has to change meanwhile.
    let mut round = 0;
    let doctor = wait::until_async("the finding", async || {
        round += 1;
        world.serve([world.proxy().skip(&format!("^/{round}/"))]).await;
        let doctor = found_at(&world.core, &world.outpost);
        let codes = super::support::codes(&doctor);
        if codes == ["store_not_shared"] { Ok(doctor) } else { Err(format!("{codes:?}")) }
    })
    .await;
    finding(&doctor, "store_not_shared");
    second.stop();
    // Core forgets an instance some seconds after its last hello.
    world.core.advance_clock(Duration::from_secs(20));
    world.core.set_clock_right();
    wait::until_async("that it goes away", async || {
        round += 1;
        world.serve([world.proxy().skip(&format!("^/{round}/"))]).await;
        let codes = super::support::codes(&found_at(&world.core, &world.outpost));
        if codes.is_empty() { Ok(()) } else { Err(format!("{codes:?}")) }
    })
    .await;
}

#[actix_rt::test]
async fn every_check_is_named_and_what_cannot_be_known_is_said() {
    let world = World::start().await;
    world.serve([world.proxy()]).await;
    let doctor = finds(&world, &[]).await;
    let checks = doctor["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 14, "{checks:?}");
    let replicas = checks.iter().find(|check| check["code"] == "replicas").unwrap();
    assert!(replicas["unknown"].as_str().unwrap().contains("own"), "{replicas}");
    let said = doctor_of(&world.core, &world.outpost, &["--fail-on", "warning"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("ok Hosts of providers do not overlap"), "{}", said.out);
}
