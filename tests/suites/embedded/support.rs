//! Core, an outpost in front of it, and an application.

use outpost::boot::Held;
use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::{ports, world};
use serde_json::{Map, Value, json};

/// Where people reach core: the outpost's own port.
pub(crate) const SSO: &str = "sso.test";

/// Core's secret key.
const SECRET_KEY: &str = "secret-key-of-core";

pub(crate) struct Embedded {
    pub(crate) outpost: Held,
    pub(crate) core: StandInCore,
    pub(crate) app: SampleApp,
    pub(crate) port: u16,
}

impl Embedded {
    /// An outpost in front of core, with core's secret key and nothing else.
    pub(crate) async fn start(authentik_host: Option<&str>) -> Self {
        let core = core(authentik_host);
        let app = SampleApp::start(0).unwrap();
        let at = core.url();
        Self::of(core, app, &[("OUTPOST__EMBEDDED__CORE", &at)]).await
    }

    /// The same with the sample application in the place of core's HTTP server, which shows what
    /// reaches core, and with more variables.
    pub(crate) async fn mirrored(variables: &[(&str, &str)]) -> Self {
        let core = core(Some("http://sso.test"));
        let app = SampleApp::start(0).unwrap();
        let at = app.url();
        let host = core.url();
        let mut all = vec![("OUTPOST__EMBEDDED__CORE", at.as_str()), ("AUTHENTIK_HOST", &host)];
        all.extend_from_slice(variables);
        Self::of(core, app, &all).await
    }

    pub(crate) async fn of(core: StandInCore, app: SampleApp, variables: &[(&str, &str)]) -> Self {
        let port = ports::free("127.0.0.1".parse().unwrap());
        let listen = format!("127.0.0.1:{port}");
        let mut all = vec![
            ("AUTHENTIK_HOST", ""),
            ("AUTHENTIK_TOKEN", ""),
            ("AUTHENTIK_SECRET_KEY", SECRET_KEY),
            ("AUTHENTIK_LISTEN__HTTP", listen.as_str()),
        ];
        all.extend_from_slice(variables);
        let outpost = world::outpost(&core, &all);
        let embedded = Self { outpost, core, app, port };
        embedded.refreshed().await;
        embedded
    }

    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// An application at `app.test` in proxy mode.
    pub(crate) fn proxy(&self) -> ProviderSpec {
        ProviderSpec::proxy("app", &self.url("app.test", ""), &self.app.url())
    }

    pub(crate) async fn serve(&self, providers: impl IntoIterator<Item = ProviderSpec>) {
        for provider in providers {
            self.core.put_provider(provider).unwrap();
        }
        self.refreshed().await;
    }

    /// Waits until what core says now is in effect.
    pub(crate) async fn refreshed(&self) {
        // A refresh may be under way with what core said before: the one after it counts.
        for _ in 0..2 {
            let status = &self.outpost.published.status;
            let before = status.load().refreshes;
            self.outpost.refresh();
            status.wait_for(|now| now.refreshes > before).await.unwrap();
        }
    }

    /// Codes of the findings about the outpost as a whole.
    pub(crate) fn findings(&self) -> Vec<&'static str> {
        let snapshot = self.outpost.published.snapshot.load();
        let whole = snapshot.findings.iter().filter(|found| found.provider.is_none());
        whole.map(|found| found.finding.code).collect()
    }
}

/// A core that knows users, and the outpost by its own secret key.
pub(crate) fn core(authentik_host: Option<&str>) -> StandInCore {
    let core = StandInCore::start(CoreOptions {
        managed: Some("goauthentik.io/outposts/embedded".to_owned()),
        token: SECRET_KEY.to_owned(),
        config: config(authentik_host),
        ..CoreOptions::default()
    })
    .unwrap();
    core.put_user(UserSpec::new("alice", "alice-password").email("alice@example.com"));
    core
}

pub(crate) fn config(authentik_host: Option<&str>) -> Map<String, Value> {
    let mut config = Map::new();
    config.insert("authentik_host".to_owned(), json!(authentik_host.unwrap_or_default()));
    config
}
