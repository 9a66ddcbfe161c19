//! What is wrong in core's records.

use outpost_demo::core::ProviderSpec;
use outpost_tests::World;
use serde_json::json;

use super::support::{doctor_of, finding, finds};

/// A world with one provider that is right.
async fn healthy() -> World {
    let world = World::start().await;
    world.serve([world.proxy()]).await;
    finds(&world, &[]).await;
    world
}

#[actix_rt::test]
async fn two_providers_for_one_host_are_found() {
    let world = healthy().await;
    let twin = ProviderSpec::proxy("twin", &world.url("app.test", ""), &world.app.url());
    world.serve([twin]).await;
    // Both are told of the host; only one of them can be signed in at.
    let doctor =
        finds(&world, &["external_host_taken", "callback_elsewhere", "external_host_taken"]).await;
    let shown = finding(&doctor, "external_host_taken");
    assert!(shown["message"].as_str().unwrap().contains("app.test"), "{shown}");
    let said = doctor_of(&world.core, &world.outpost, &[]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("error: external_host_taken"), "{}", said.out);
    world.core.edit_provider("twin", |twin| {
        *twin = ProviderSpec::proxy("twin", &world.url("twin.test", ""), &world.app.url());
    });
    world.refreshed().await;
    finds(&world, &[]).await;
    assert_eq!(doctor_of(&world.core, &world.outpost, &[]).code, 0);
}

#[actix_rt::test]
async fn a_cookie_domain_that_does_not_cover_the_host_is_found() {
    let world = healthy().await;
    let domain = |domain: &str| {
        ProviderSpec::forward_domain("domain", &world.url("auth.domain.test", ""), domain)
    };
    world.serve([domain("other.test")]).await;
    let doctor = finds(&world, &["cookie_domain_mismatch"]).await;
    assert_eq!(finding(&doctor, "cookie_domain_mismatch")["provider"]["name"], "domain");
    world.serve([domain("domain.test")]).await;
    finds(&world, &[]).await;
}

#[actix_rt::test]
async fn a_skip_path_that_is_no_expression_is_found_and_one_without_anchor_is_told() {
    let world = healthy().await;
    world.serve([world.proxy().skip("^/public/(")]).await;
    let doctor = finds(&world, &["skip_path_invalid"]).await;
    assert!(finding(&doctor, "skip_path_invalid")["message"].as_str().unwrap().contains("Line 1"));
    world.serve([world.proxy().skip("public")]).await;
    let doctor = finds(&world, &[]).await;
    assert_eq!(finding(&doctor, "skip_path_unanchored")["severity"], "info");
    world.serve([world.proxy()]).await;
    let doctor = finds(&world, &[]).await;
    assert_eq!(doctor["findings"], json!([]));
}

#[actix_rt::test]
async fn an_internal_host_that_is_none_is_found() {
    let world = healthy().await;
    world.serve([world.proxy().raw("internal_host", json!("127.0.0.1:8080"))]).await;
    let doctor = finds(&world, &["internal_host_no_scheme", "provider_not_in_effect"]).await;
    finding(&doctor, "internal_host_no_scheme");
    world.serve([world.proxy()]).await;
    finds(&world, &[]).await;
}
