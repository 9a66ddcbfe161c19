//! Core's certificate, checked against what the operator names (ak#4511).

use outpost::settings::{Settings, Sources};
use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::certificates::Authority;
use outpost_tests::folder::Folder;
use outpost_tests::{Browser, program, wait, world};

fn core() -> StandInCore {
    StandInCore::start(CoreOptions { tls: true, ..CoreOptions::default() }).unwrap()
}

/// REST brings the provider, the websocket a hello, the back channel the machine's sign-in.
#[tokio::test]
async fn core_is_believed_by_the_certificate_that_the_operator_names_on_every_road() {
    let (core, app, folder) = (core(), SampleApp::start(0).unwrap(), Folder::new());
    core.put_user(UserSpec::new("alice", "alice-password").app_password("alice-app-password"));
    core.put_provider(ProviderSpec::proxy("app", "http://app.test", &app.url())).unwrap();
    let file = folder.write("core.pem", core.certificate_pem().unwrap());
    let outpost = world::outpost(&core, &[("OUTPOST__CORE__CA_FILE", file.to_str().unwrap())]);
    let loaded = outpost.published.snapshot.wait_for(outpost::snapshot::Snapshot::is_loaded);
    tokio::time::timeout(wait::PATIENCE, loaded).await.expect("a configuration").unwrap();
    core.wait_for("a hello", |seen| !seen.hellos.is_empty()).await.unwrap();
    let url = format!("http://app.test:{}/json", outpost.addresses.http[0].port());
    let machine = Browser::new()
        .client()
        .get(url)
        .basic_auth("alice", Some("alice-app-password"))
        .send()
        .await
        .unwrap();
    assert_eq!(machine.status(), 200);
}

#[tokio::test]
async fn a_core_that_others_vouch_for_is_not_believed() {
    let (core, folder) = (core(), Folder::new());
    let file = folder.write("other.pem", Authority::new().pem());
    let outpost = world::outpost(&core, &[("OUTPOST__CORE__CA_FILE", file.to_str().unwrap())]);
    let failed = outpost.published.status.wait_for(|status| status.failures > 0);
    let status = tokio::time::timeout(wait::PATIENCE, failed).await.expect("an error").unwrap();
    let error = status.last_error.as_ref().unwrap().to_string();
    assert!(error.to_lowercase().contains("certificate"), "{error}");
    assert!(!outpost.published.snapshot.load().is_loaded());
}

#[test]
fn a_file_that_is_of_no_use_ends_the_start_and_names_the_setting() {
    let (core, folder) = (core(), Folder::new());
    let nothing = folder.write("nothing.pem", "no certificate");
    for file in [nothing.to_str().unwrap(), "/nowhere/ca.pem"] {
        let variables = program::environment(&core, &[("OUTPOST__CORE__CA_FILE", file)]);
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let output = program::run(&[], &variables);
        assert_eq!(output.status.code(), Some(1));
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("core.ca_file") && said.contains(file), "{said}");
    }
}

#[test]
fn checking_core_by_an_authority_and_not_at_all_is_a_contradiction() {
    let variables = [
        ("AUTHENTIK_HOST", "https://core.test"),
        ("AUTHENTIK_TOKEN", "token"),
        ("AUTHENTIK_INSECURE", "true"),
        ("OUTPOST__CORE__CA_FILE", "/etc/core.pem"),
    ];
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mistakes = Settings::load(&Sources { environment, ..Sources::default() }).unwrap_err();
    assert!(mistakes.to_string().contains("core.insecure"), "{mistakes}");
}
