//! What the registry is made of, and what outlives an incarnation of it.

use std::sync::Arc;
use std::time::Duration;

use actix::ArbiterHandle;
use outpost_decision::backoff::Backoff;
use outpost_decision::compile::CompileContext;
use outpost_decision::skip::SkipLimits;
use outpost_decision::wire::OutpostRecord;
use secrecy::SecretString;
use url::Url;

use super::compiler::{Compiler, PureCompiler};
use super::last_good::LastGood;
use crate::actors::supervisor::Supervisor;
use crate::primary_url::PrimaryUrl;
use crate::publish::{Published, Publisher, published};
use crate::session::Sessions;
use crate::snapshot::Snapshot;
use crate::status::{ProviderStates, RegistryStatus};
use crate::tls::CertificateIndex;

/// How the registry goes about it.
#[derive(Clone, Debug)]
pub struct RegistrySettings {
    /// `AUTHENTIK_HOST_BROWSER`. Where unset, the outpost's own option counts.
    pub browser_host: Option<Url>,
    /// Whether core's certificate is verified.
    pub verifies_core: bool,
    /// Where people reach core, as an embedded outpost has learned it. Where the outpost's own
    /// option says so, that counts.
    pub primary: PrimaryUrl,
    /// Whether the paths and headers of the 2021.5 outpost are served as well.
    pub akprox: bool,
    /// How much of unauthenticated paths is read.
    pub skip: SkipLimits,
    /// The waits between refreshes while core does not answer.
    pub retry: Backoff,
    /// Core's answers to one refresh take at most this long.
    pub core_timeout: Duration,
    /// A provider's actor takes its configuration within this time.
    pub reconfigure_timeout: Duration,
    /// Certificates that have not come by then wait for the next refresh.
    pub certificate_timeout: Duration,
    /// A provider that core does not list any more is looked for once more after this time;
    /// until then it stays routed.
    pub confirm_after: Duration,
    /// How long core must not list a provider before its sessions are ended.
    pub removal_grace: Duration,
    /// How often sessions that have run out are dropped.
    pub sweep_interval: Duration,
    /// How often each provider counts its sessions when nobody told of a change.
    pub count_interval: Duration,
    /// How long core has at the start before what it said last is served, if that is kept.
    pub start_patience: Duration,
    /// The session store says within this time what is kept.
    pub store_timeout: Duration,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self {
            browser_host: None,
            verifies_core: true,
            primary: PrimaryUrl::default(),
            akprox: false,
            skip: SkipLimits::DEFAULT,
            retry: Backoff { shortest: Duration::from_secs(1), longest: Duration::from_secs(60) },
            core_timeout: Duration::from_secs(60),
            reconfigure_timeout: Duration::from_secs(10),
            certificate_timeout: Duration::from_secs(10),
            confirm_after: Duration::from_secs(2),
            removal_grace: Duration::from_secs(30),
            sweep_interval: Duration::from_secs(60),
            count_interval: Duration::from_secs(30),
            start_patience: Duration::from_millis(700),
            store_timeout: Duration::from_secs(5),
        }
    }
}

/// What outlives an incarnation of the registry: its settings and the ends it writes to.
#[derive(Clone, Debug)]
pub struct RegistryParts {
    pub(super) settings: RegistrySettings,
    pub(super) supervisor: Supervisor,
    pub(super) arbiter: ArbiterHandle,
    pub(super) sessions: Sessions,
    pub(super) compiler: Arc<dyn Compiler>,
    pub(super) snapshot: Arc<Publisher<Snapshot>>,
    pub(super) status: Arc<Publisher<RegistryStatus>>,
    pub(super) states: Arc<Publisher<ProviderStates>>,
    pub(super) certificates: Arc<Publisher<CertificateIndex>>,
    /// What core said last is kept here, if anywhere.
    pub(super) last_good: Option<Arc<LastGood>>,
}

/// What the registry publishes.
#[derive(Clone, Debug)]
pub struct RegistryReaders {
    /// The configuration that requests are decided by.
    pub snapshot: Published<Snapshot>,
    /// How refreshing goes.
    pub status: Published<RegistryStatus>,
    /// Every provider that has an actor.
    pub providers: Published<ProviderStates>,
    /// Certificates by server name, for [`crate::tls::server_config`].
    pub certificates: Published<CertificateIndex>,
}

impl RegistryParts {
    /// The parts of a registry whose provider actors live on `arbiter`, and what it publishes.
    #[must_use]
    pub fn new(
        settings: RegistrySettings,
        supervisor: Supervisor,
        arbiter: ArbiterHandle,
        sessions: Sessions,
    ) -> (Self, RegistryReaders) {
        let (snapshot, snapshot_reader) = published(Snapshot::default());
        let (status, status_reader) = published(RegistryStatus::default());
        let (states, states_reader) = published(ProviderStates::default());
        let (certificates, certificates_reader) = published(CertificateIndex::default());
        let parts = Self {
            settings,
            supervisor,
            arbiter,
            sessions,
            compiler: Arc::new(PureCompiler),
            snapshot: Arc::new(snapshot),
            status: Arc::new(status),
            states: Arc::new(states),
            certificates: Arc::new(certificates),
            last_good: None,
        };
        let readers = RegistryReaders {
            snapshot: snapshot_reader,
            status: status_reader,
            providers: states_reader,
            certificates: certificates_reader,
        };
        (parts, readers)
    }

    /// The same parts, and what core said last is kept in the session store, sealed under
    /// `token`, and served from there when core is away at the start.
    #[must_use]
    pub fn with_last_known_good(mut self, token: &SecretString) -> Self {
        self.last_good = Some(Arc::new(LastGood::new(self.sessions.clone(), token)));
        self
    }

    /// The same parts with another compiler.
    #[must_use]
    pub fn with_compiler(mut self, compiler: Arc<dyn Compiler>) -> Self {
        self.compiler = compiler;
        self
    }
}

impl RegistrySettings {
    /// What the compiler needs to know beside the record. The environment wins over the
    /// outpost's own option; whether embedded mode wins over both is the compiler's business.
    pub(crate) fn compile_context(&self, outpost: &OutpostRecord) -> CompileContext {
        let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let option =
            |name| outpost.option(name).and_then(|value| Url::parse(value).ok()).filter(is_web);
        let primary = || option("authentik_host").or_else(|| self.primary.get().cloned());
        CompileContext {
            host_browser: self.browser_host.clone().or_else(|| option("authentik_host_browser")),
            embedded_host: outpost.is_embedded().then(primary).flatten(),
            akprox: self.akprox,
            skip: self.skip,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn where_browsers_see_core_comes_from_the_environment_then_from_the_outpost() {
        let url = |text: &str| Url::parse(text).ok();
        let embedded = "goauthentik.io/outposts/embedded";
        let (env, own, host) = ("https://env.test", "https://own.test", "https://host.test");
        for (browser, managed, option, expected) in [
            (None, None, "", (None, None)),
            (None, None, own, (url(own), None)),
            (None, None, "not a URL", (None, None)),
            (Some(env), None, own, (url(env), None)),
            (Some(env), None, "", (url(env), None)),
            (None, Some(embedded), own, (url(own), url(host))),
            (None, Some("other"), "", (None, None)),
        ] {
            let outpost = serde_json::from_value(json!({
                "pk": "p", "managed": managed,
                "config": { "authentik_host": host, "authentik_host_browser": option },
            }));
            let settings = RegistrySettings {
                browser_host: browser.and_then(url),
                ..RegistrySettings::default()
            };
            let context = settings.compile_context(&outpost.unwrap());
            assert_eq!((context.host_browser, context.embedded_host), expected);
        }
    }
}
