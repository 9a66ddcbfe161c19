//! Sessions in a file, as operators see them: processes that are killed and started again.

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::folder::Folder;
use outpost_tests::{Browser, Program};

#[tokio::test]
async fn a_kill_signs_nobody_out_and_nobody_in_again() {
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    core.put_user(UserSpec::new("alice", "alice-password"));
    let app = SampleApp::start(0).expect("an application");
    let folder = Folder::new();
    let store = format!("file:{}", folder.path().join("sessions.redb").display());
    let kept = [("OUTPOST__SESSIONS__STORE", &*store), ("OUTPOST__SESSIONS__TIMEOUT", "10s")];

    let outpost = Program::start(&core, &kept);
    let http = outpost.address("http").await.to_string();
    let home = format!("http://app.test:{}", http.rsplit(':').next().expect("a port"));
    core.put_provider(ProviderSpec::proxy("app", &home, &app.url())).expect("a provider");
    outpost.signal("USR1");
    outpost.serves(1).await;
    let browser = Browser::new();
    let url = format!("{home}/json");
    assert_eq!(browser.sign_in(&url, "alice").await.status, 200);

    // Started again at the same address, for the browser's sake.
    let kept = [kept[0], kept[1], ("AUTHENTIK_LISTEN__HTTP", &*http)];
    outpost.signal("KILL");
    outpost.exit_code().await;
    let outpost = Program::start(&core, &kept);
    outpost.address("http").await;
    outpost.serves(1).await;
    assert_eq!(browser.get(&url).await.status, 200, "still signed in");

    let second = Program::start(&core, &kept[..2]);
    assert_eq!(second.exit_code().await, Some(1));
    assert_eq!(second.count("need Redis"), 1, "{:#?}", second.lines());

    let out = format!("{home}/outpost.goauthentik.io/sign_out");
    assert_eq!(browser.get(&out).await.status, 302);
    outpost.signal("KILL");
    outpost.exit_code().await;
    let outpost = Program::start(&core, &kept);
    outpost.address("http").await;
    outpost.serves(1).await;
    assert_eq!(browser.get(&url).await.status, 302, "still signed out");
}
