//! An outpost that starts while core is away.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use outpost::boot::{self, Held};
use outpost::status::RegistryStatus;
use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::folder::Folder;
use outpost_tests::wait::until_async;
use outpost_tests::world::settings;
use outpost_tests::{Browser, FaultyStore, Program, ports};

/// Longest that a condition is awaited.
const PATIENCE: Duration = Duration::from_secs(20);

/// A core, an application behind it, and what outlives every outpost: the store and the port.
struct Scene {
    core: StandInCore,
    app: SampleApp,
    store: Arc<FaultyStore>,
    port: u16,
}

impl Scene {
    fn new() -> Self {
        let core = StandInCore::start(CoreOptions::default()).expect("a core");
        core.put_user(UserSpec::new("alice", "alice-password"));
        let app = SampleApp::start(0).expect("an application");
        let port = ports::free(Ipv4Addr::LOCALHOST.into());
        let scene = Self { core, app, store: Arc::default(), port };
        let provider = ProviderSpec::proxy("app", &scene.url("app.test", ""), &scene.app.url());
        scene.core.put_provider(provider).expect("a provider");
        scene
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    fn outpost(&self, token: &str) -> Held {
        let listen = format!("127.0.0.1:{}", self.port);
        let variables = [("AUTHENTIK_LISTEN__HTTP", listen.as_str()), ("AUTHENTIK_TOKEN", token)];
        let store = Arc::clone(&self.store);
        boot::hold_with(settings(&self.core, &variables), store).expect("the outpost starts")
    }
}

async fn until(outpost: &Held, what: &str, holds: impl FnMut(&RegistryStatus) -> bool) {
    let status = tokio::time::timeout(PATIENCE, outpost.published.status.wait_for(holds)).await;
    assert!(matches!(status, Ok(Some(_))), "{what}");
}

async fn operators_see(outpost: &Held, path: &str) -> (u16, String) {
    let url = format!("http://{}{path}", outpost.addresses.metrics[0]);
    let answer = Browser::new().get(&url).await;
    (answer.status.as_u16(), answer.body)
}

const READY: &str = "/outpost.goauthentik.io/ready";

#[tokio::test]
async fn those_who_were_signed_in_are_served_by_an_outpost_that_starts_while_core_is_away() {
    let scene = Scene::new();
    let token = scene.core.token();
    let alice = Browser::new();
    let page = scene.url("app.test", "/json");
    let first = scene.outpost(&token);
    until(&first, "the configuration is kept", |status| status.kept.is_some()).await;
    assert_eq!(alice.sign_in(&page, "alice").await.status, 200);
    first.stop();

    scene.core.stop();
    scene.store.set_down(true);
    let second = scene.outpost(&token);
    until(&second, "core is missed", |status| status.failures > 0).await;
    assert_eq!(operators_see(&second, READY).await.0, 503, "neither core nor the store is there");
    // The store comes back before core does.
    scene.store.set_down(false);
    until(&second, "what was kept is served", |status| status.last_known_good.is_some()).await;
    // Until the store has told whether core's news were heard, nobody is served nor sent away.
    let served = until_async("an answer", async || match alice.get(&page).await.status.as_u16() {
        503 => Err("503".to_owned()),
        status => Ok(status),
    });
    assert_eq!(served.await, 200);
    assert_eq!(operators_see(&second, READY).await.0, 200);
    let figures = operators_see(&second, "/metrics").await.1;
    let finding = "outpost_findings{code=\"configuration_last_known_good\",severity=\"warning\"} 1";
    assert!(figures.contains(finding), "{figures}");

    let single = ProviderSpec::forward_single("single", &scene.url("single.test", ""));
    scene.core.put_provider(single).expect("a provider");
    scene.core.resume().expect("core is back");
    until(&second, "core is heard", RegistryStatus::is_current).await;
    assert_eq!(second.published.status.load().last_known_good, None);
    assert_eq!(second.published.snapshot.load().ruleset.providers().len(), 2, "core's newest");
    assert_eq!(alice.get(&page).await.status, 200);
    let figures = operators_see(&second, "/metrics").await.1;
    assert!(!figures.contains("configuration_last_known_good"), "{figures}");
    assert!(figures.contains("\noutpost_configuration_age_seconds "), "{figures}");
}

#[tokio::test]
async fn an_outpost_whose_token_core_refuses_serves_nothing_of_what_was_kept() {
    let scene = Scene::new();
    let token = scene.core.token();
    let first = scene.outpost(&token);
    until(&first, "the configuration is kept", |status| status.kept.is_some()).await;
    first.stop();

    scene.core.rotate_token();
    let second = scene.outpost(&token);
    until(&second, "core has refused it again and again", |status| status.failures > 2).await;
    assert!(!second.published.snapshot.load().is_loaded());
    assert_eq!(operators_see(&second, READY).await.0, 503);
    assert_eq!(Browser::new().get(&scene.url("app.test", "/json")).await.status, 503);
}

#[tokio::test]
async fn a_machine_that_comes_up_before_core_does_serves_from_its_file() {
    let scene = Scene::new();
    let folder = Folder::new();
    let store = format!("file:{}", folder.path().join("sessions.redb").display());
    let listen = format!("127.0.0.1:{}", scene.port);
    let variables = [
        ("OUTPOST__SESSIONS__STORE", store.as_str()),
        ("OUTPOST__SESSIONS__TIMEOUT", "10s"),
        ("AUTHENTIK_LISTEN__HTTP", listen.as_str()),
        ("AUTHENTIK_LOG_LEVEL", "debug"),
    ];
    let first = Program::start(&scene.core, &variables);
    first.line("what core said is kept").await;
    first.address("http").await;
    let (alice, page) = (Browser::new(), scene.url("app.test", "/json"));
    assert_eq!(alice.sign_in(&page, "alice").await.status, 200);
    first.signal("KILL");
    first.exit_code().await;

    scene.core.stop();
    let second = Program::start(&scene.core, &variables);
    let said = second.line("what it said last is served, from the session store").await;
    assert!(!said.contains(&scene.core.token()), "{said}");
    second.address("http").await;
    assert_eq!(alice.get(&page).await.status, 200);
}
