//! What is wrong around the outpost: applications, certificates, clocks, versions, other instances.

use std::fs;
use std::process::Command;
use std::time::Duration;

use outpost_demo::core::{CoreOptions, KeyPairSpec, ProviderSpec, StandInCore};
use outpost_tests::folder::Folder;
use outpost_tests::redis::RedisServer;
use outpost_tests::{World, ports, wait, world};
use serde_json::Value;

use super::support::{codes, doctor_of, finding, finds, finds_at, found_at};

/// Instances that core knows of soon.
const QUICK: (&str, &str) = ("OUTPOST__CORE__HELLO_INTERVAL", "1s");

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
    let world = World::with(CoreOptions::default(), &[QUICK]).await;
    world.serve([world.proxy()]).await;
    finds(&world, &[]).await;
    let second = world::outpost(&world.core, &[QUICK]);
    let doctor = finds_looking_again(&world, &["store_not_shared"]).await;
    finding(&doctor, "store_not_shared");
    second.stop();
    // Core forgets an instance some seconds after its last hello.
    world.core.advance_clock(Duration::from_secs(20));
    world.core.set_clock_right();
    finds_looking_again(&world, &[]).await;
}

/// Waits until exactly these findings are there, making the outpost look again by changes: what
/// core says of other instances has to change meanwhile.
async fn finds_looking_again(world: &World, expected: &[&str]) -> Value {
    let mut round = 0;
    wait::until_async("the findings", async || {
        round += 1;
        world.serve([world.proxy().skip(&format!("^/{round}/"))]).await;
        let doctor = found_at(&world.core, &world.outpost);
        let codes = codes(&doctor);
        if codes == expected { Ok(doctor) } else { Err(format!("{codes:?} for {expected:?}")) }
    })
    .await
}

#[actix_rt::test]
async fn a_replica_with_other_settings_is_found() {
    let redis = RedisServer::start();
    let store = redis.url();
    let store = [("OUTPOST__SESSIONS__STORE", store.as_str())];
    let world = World::with(CoreOptions::default(), &store).await;
    world.serve([world.proxy()]).await;
    let alike = world::outpost(&world.core, &store);
    // The two know each other before there is nothing to say of them.
    alike.published.fleet.wait_for(|fleet| fleet.replicas.len() == 2).await.unwrap();
    finds(&world, &[]).await;
    alike.stop();
    let other = [&store[..], &[("OUTPOST__COMPAT__AKPROX", "true")]].concat();
    let _other = world::outpost(&world.core, &other);
    let doctor = finds(&world, &["replicas_differ"]).await;
    assert_eq!(finding(&doctor, "replicas_differ")["severity"], "warning");
}

#[actix_rt::test]
async fn an_instance_with_another_shared_store_is_found() {
    let (here, elsewhere) = (RedisServer::start(), RedisServer::start());
    let (ours, theirs) = (here.url(), elsewhere.url());
    let with = |store| [QUICK, ("OUTPOST__SESSIONS__STORE", store)];
    let world = World::with(CoreOptions::default(), &with(&ours)).await;
    let _stranger = world::outpost(&world.core, &with(&theirs));
    let doctor = finds_looking_again(&world, &["store_elsewhere"]).await;
    assert_eq!(finding(&doctor, "store_elsewhere")["severity"], "warning");
}

#[actix_rt::test]
async fn a_certificate_that_ends_soon_is_found() {
    let folder = Folder::new();
    let world = World::start().await;
    let uuid = world.core.add_keypair(certificate(&folder, 3));
    world.serve([world.proxy().certificate(uuid)]).await;
    let doctor = finds(&world, &["certificate_expires_soon"]).await;
    let shown = finding(&doctor, "certificate_expires_soon");
    // Within the second in which it was made, all three days are left.
    let left = |days: u8| shown["message"].as_str().unwrap().contains(&format!("in {days} days"));
    assert!(left(2) || left(3), "{shown}");
    assert_eq!(shown["provider"]["name"], "app");
    world.core.replace_keypair(uuid, certificate(&folder, 300));
    world.refreshed().await;
    finds(&world, &[]).await;
}

/// A certificate for `app.test`, valid for so many days from now.
fn certificate(folder: &Folder, days: u32) -> KeyPairSpec {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=app.test", "-addext", "subjectAltName=DNS:app.test"])
        .args(["-days", &days.to_string(), "-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    KeyPairSpec {
        name: format!("{days} days"),
        certificate_pem: read("certificate.pem"),
        private_key_pem: read("key.pem"),
    }
}

#[actix_rt::test]
async fn every_check_is_named_and_what_cannot_be_known_is_said() {
    let world = World::start().await;
    world.serve([world.proxy()]).await;
    let doctor = finds(&world, &[]).await;
    let checks = doctor["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 15, "{checks:?}");
    let replicas = checks.iter().find(|check| check["code"] == "replicas").unwrap();
    assert!(replicas["unknown"].as_str().unwrap().contains("own"), "{replicas}");
    let said = doctor_of(&world.core, &world.outpost, &["--fail-on", "warning"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("ok Hosts of providers do not overlap"), "{}", said.out);
}
