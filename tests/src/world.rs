//! A stand-in core, a sample application and an outpost between them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use outpost::boot::{self, Held};
use outpost::settings::{Settings, Sources};
use outpost_decision::time::Timestamp;
use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use serde_json::Value;

use crate::program::environment;
use crate::{Browser, FaultyStore, wait};

/// Longest that a condition is awaited.
const PATIENCE: Duration = Duration::from_secs(20);

/// The parts of a test. Everything ends when it is dropped, the outpost first.
pub struct World {
    /// The outpost.
    pub outpost: Held,
    /// The stand-in core.
    pub core: StandInCore,
    /// The application behind it.
    pub app: SampleApp,
}

impl World {
    /// Starts a world with users `alice` (superuser) and `bob` and no provider yet.
    pub async fn start() -> Self {
        Self::with(CoreOptions::default(), &[]).await
    }

    /// The same with other core options and more variables for the outpost. Listeners get ports
    /// of their own.
    pub async fn with(options: CoreOptions, variables: &[(&str, &str)]) -> Self {
        Self::held(options, |core| outpost(core, variables))
    }

    /// The same over a store that can be away, with more variables.
    pub async fn over_a_faulty_store(variables: &[(&str, &str)]) -> (Self, Arc<FaultyStore>) {
        let store = Arc::new(FaultyStore::default());
        let shared = Arc::clone(&store);
        let world = Self::held(CoreOptions::default(), |core| {
            boot::hold_with(settings(core, variables), shared).expect("the outpost starts")
        });
        (world, store)
    }

    fn held(options: CoreOptions, outpost: impl FnOnce(&StandInCore) -> Held) -> Self {
        let core = StandInCore::start(options).expect("the stand-in core starts");
        let app = SampleApp::start(0).expect("the sample application starts");
        core.put_user(
            UserSpec::new("alice", "alice-password")
                .name("Alice Änderson")
                .email("alice@example.com")
                .groups(&["admins", "staff"])
                .superuser()
                .app_password("alice-app-password"),
        );
        core.put_user(
            UserSpec::new("bob", "bob-password")
                .groups(&["staff"])
                .app_password("bob-app-password"),
        );
        let outpost = outpost(&core);
        Self { outpost, core, app }
    }

    /// Port of the outpost's HTTP listener.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.http().port()
    }

    /// The outpost's HTTP listener.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.outpost.addresses.http[0]
    }

    /// The outpost's HTTPS listener.
    #[must_use]
    pub fn https(&self) -> SocketAddr {
        self.outpost.addresses.https[0]
    }

    /// `http://<host>:<port of the outpost><path>`.
    #[must_use]
    pub fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port())
    }

    /// A provider in proxy mode at `app.test`, in front of the sample application, with the skip
    /// path `^/public/`.
    #[must_use]
    pub fn proxy(&self) -> ProviderSpec {
        ProviderSpec::proxy("app", &self.url("app.test", ""), &self.app.url()).skip("^/public/")
    }

    /// A provider in `forward_single` mode at `single.test`.
    #[must_use]
    pub fn forward_single(&self) -> ProviderSpec {
        ProviderSpec::forward_single("single", &self.url("single.test", "")).skip("^/public/")
    }

    /// A provider in `forward_domain` mode at `auth.domain.test` for `domain.test`.
    #[must_use]
    pub fn forward_domain(&self) -> ProviderSpec {
        ProviderSpec::forward_domain("domain", &self.url("auth.domain.test", ""), "domain.test")
            .skip("^https?://[^/]+/public/")
    }

    /// Gives core these providers and waits until the outpost has them in effect.
    pub async fn serve(&self, providers: impl IntoIterator<Item = ProviderSpec>) {
        for provider in providers {
            self.core.put_provider(provider).expect("core takes the provider");
        }
        self.refreshed().await;
    }

    /// Refreshes and waits until what core says now is in effect.
    pub async fn refreshed(&self) {
        // A refresh may be under way with what core said before: the one after it counts.
        for _ in 0..2 {
            self.refresh_once().await;
        }
    }

    async fn refresh_once(&self) {
        let status = &self.outpost.published.status;
        let before = status.load().refreshes;
        self.outpost.refresh();
        let refreshed = status.wait_for(|now| now.refreshes > before);
        tokio::time::timeout(PATIENCE, refreshed)
            .await
            .expect("the outpost refreshes in time")
            .expect("the outpost lives");
    }

    /// The journal's entry of a decision, once it is there.
    pub async fn decision(&self, id: &str) -> Value {
        let at = self.outpost.addresses.dashboard[0];
        let url = format!("http://{at}/api/v1/decisions/{id}");
        wait::until_async("the decision", async || {
            let answer = Browser::new().get(&url).await;
            match answer.status.as_u16() {
                200 => Ok(answer.json()),
                status => Err(format!("{status} {}", answer.body)),
            }
        })
        .await
    }

    /// Sessions in the outpost's store.
    pub async fn sessions(&self) -> usize {
        self.outpost.published.sessions.count(None, Timestamp(0)).await.expect("the store counts")
    }
}

/// Another outpost of the same core: a second replica, or one with other settings.
#[must_use]
pub fn outpost(core: &StandInCore, variables: &[(&str, &str)]) -> Held {
    boot::hold(settings(core, variables)).expect("the outpost starts")
}

/// The settings of such an outpost.
#[must_use]
pub fn settings(core: &StandInCore, variables: &[(&str, &str)]) -> Settings {
    // What variables name again wins.
    let mut all =
        vec![("OUTPOST__SHUTDOWN__DRAIN_TIMEOUT", "2s"), ("OUTPOST__SHUTDOWN__CLOSE_SPREAD", "0s")];
    all.extend_from_slice(variables);
    let environment = environment(core, &all);
    let sources = Sources { environment, ..Sources::default() };
    Settings::load(&sources).expect("settings")
}
