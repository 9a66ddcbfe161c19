//! REST: the captured requests again.

use outpost_demo::core::{CoreOptions, Endpoint, ProviderSpec, StandInCore};
use serde_json::{Value, json};

use crate::world::{core, exchanges, fixture, same_head, same_shape, send, text, unordered};

/// Sends every captured request of these files; heads and shapes must agree.
async fn replay(files: &[&str]) -> Vec<(Value, Value)> {
    let core = core(false);
    let mut answers = Vec::new();
    for file in files {
        for exchange in exchanges(file) {
            let answer = send(&core, &exchange["request"]).await;
            same_head(&answer, &exchange);
            let captured = &exchange["response"]["body"];
            if captured.is_object() || captured.is_array() {
                same_shape(&answer.json(), captured, text(&exchange, "/request/url"));
                answers.push((answer.json(), captured.clone()));
            }
        }
    }
    answers
}

#[tokio::test]
async fn the_outpost_list_has_every_key_core_sends() {
    let answers = replay(&["01_outposts_instances"]).await;
    let (ours, captured) = &answers[0];
    for pointer in [
        "/pagination",
        "/results/0/pk",
        "/results/0/name",
        "/results/0/providers",
        "/results/0/config",
    ] {
        assert_eq!(ours.pointer(pointer), captured.pointer(pointer), "{pointer}");
    }
}

#[tokio::test]
async fn a_core_since_2026_2_names_the_backchannel_application_of_each_provider() {
    let request = exchanges("01_outposts_instances")[0]["request"].clone();
    let token = text(&request, "/headers/Authorization").replace("Bearer ", "");
    for names_backchannel_applications in [false, true] {
        let options = CoreOptions {
            token: token.clone(),
            names_backchannel_applications,
            ..CoreOptions::default()
        };
        let core = StandInCore::start(options).unwrap();
        core.put_provider(ProviderSpec::forward_single("app", "http://app.test")).unwrap();
        let list = send(&core, &request).await.json();
        let provider = &list["results"][0]["providers_obj"][0];
        for key in
            ["assigned_backchannel_application_slug", "assigned_backchannel_application_name"]
        {
            let expected = names_backchannel_applications.then_some(&Value::Null);
            assert_eq!(provider.get(key), expected, "{key}");
        }
    }
}

#[tokio::test]
async fn providers_are_the_captured_ones_but_for_the_order_of_scopes() {
    let files =
        ["02_outposts_proxy", "02b_outposts_proxy_paging", "02c_outposts_proxy_host_header"];
    let answers = replay(&files).await;
    assert_eq!(answers.len(), 7);
    for (ours, captured) in answers {
        assert_eq!(unordered(&ours), unordered(&captured));
    }
}

#[tokio::test]
async fn global_configuration_and_key_pairs_are_shaped_as_captured() {
    let answers =
        replay(&["03_root_config", "04_keypair_not_assigned", "04_keypair_view_certificate"]).await;
    assert_eq!(
        answers[1],
        (answers[1].1.clone(), json!({"detail": "No CertificateKeyPair matches the given query."}))
    );
    let answers = replay(&["04_keypair_retrieve", "04_keypair_view_private_key"]).await;
    for key in
        ["fingerprint_sha256", "fingerprint_sha1", "cert_subject", "certificate_download_url"]
    {
        assert_eq!(answers[0].0[key], answers[0].1[key], "{key}");
    }
    assert_eq!(answers[1].0, answers[1].1);
}

#[tokio::test]
async fn events_are_refused_where_core_refuses_them() {
    let core = core(false);
    for exchange in exchanges("05_events_create") {
        let answer = send(&core, &exchange["request"]).await;
        same_head(&answer, &exchange);
        let captured = &exchange["response"]["body"];
        if exchange["response"]["status"] == 201 {
            same_shape(&answer.json(), captured, "event");
        } else {
            assert_eq!(&answer.json(), captured, "{}", exchange["note"]);
        }
    }
    assert_eq!(
        core.observe(|observed| (observed.events.len(), observed.count(Endpoint::Events))),
        (3, 6)
    );
}

#[tokio::test]
async fn wrong_tokens_wrong_paths_and_wrong_accept_headers_get_what_core_gives() {
    let core = core(false);
    for exchange in ["06_wrong_token", "07_misc_api", "08_accept_header"]
        .iter()
        .flat_map(|file| exchanges(file))
    {
        let answer = send(&core, &exchange["request"]).await;
        same_head(&answer, &exchange);
        let captured = &exchange["response"]["body"];
        if let Some(detail) = captured.get("detail").and_then(Value::as_str) {
            // The parser's own words behind this differ.
            let ours = answer.json();
            let ours = text(&ours, "/detail");
            assert_eq!(
                ours.split(" - ").next(),
                detail.split(" - ").next(),
                "{}",
                exchange["note"]
            );
        }
    }
}

#[tokio::test]
async fn a_superuser_sees_the_embedded_outpost_first() {
    let core = core(false);
    let exchanges = exchanges("06_wrong_token");
    let exchange = exchanges.iter().find(|one| text(one, "/note").contains("superuser")).unwrap();
    let ours = send(&core, &exchange["request"]).await.json();
    assert_eq!(ours["pagination"], exchange["response"]["body"]["pagination"]);
    assert_eq!(ours["results"][0]["managed"], "goauthentik.io/outposts/embedded");
}

#[tokio::test]
async fn a_provider_without_an_application_is_listed_but_not_served() {
    let core = core(false);
    let captured = fixture("27_provider_without_application_and_redirect_uris");
    let spec = ProviderSpec::forward_single("tmp-no-app", "http://noapp.test:9000/sub");
    core.put_provider(spec.clone().without_application()).unwrap();

    let instances = send(&core, &exchanges("01_outposts_instances")[0]["request"]).await.json();
    assert_eq!(instances["results"][0]["providers"], json!([1, 2, 3, 4]));
    let request = exchanges("02_outposts_proxy")[0]["request"].clone();
    let served = send(&core, &request).await.json();
    let names: Vec<&str> =
        served["results"].as_array().unwrap().iter().map(|one| text(one, "/name")).collect();
    assert_eq!(json!(names), captured["names_in_outposts_proxy"]);

    let uris = |spec: &ProviderSpec| json!(spec.registered_redirect_uris());
    let registered = |key: &str| -> Value {
        captured[key].as_array().unwrap().iter().map(|uri| uri["url"].clone()).collect()
    };
    let key = "redirect_uris_with_external_host_http://noapp.test:9000/sub";
    assert_eq!(uris(&spec), registered(key));
    let spec = ProviderSpec::forward_single("tmp-no-app", "http://noapp.test:9000/sub/path/");
    let key = "redirect_uris_of_a_provider_with_external_host_http://noapp.test:9000/sub/path/";
    assert_eq!(uris(&spec), registered(key));
}
