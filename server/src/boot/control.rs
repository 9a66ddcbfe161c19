//! The control plane: its threads, its actors, and what they publish.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use outpost_decision::backoff::Backoff;
use outpost_decision::coverage::Coverage;
use outpost_decision::link::LinkTiming;
use tokio::sync::{Mutex, mpsc};

use super::BootError;
use super::back_channel::BackChannel;
use super::figures::{self, Followed};
use super::key_source::OidcKeySource;
use super::operations::Operations;
use super::{operators, telemetry};
use crate::actors::core_link::{CoreLink, CoreLinkParts, InstanceIdentity, LinkStatus};
use crate::actors::coverage::{self, CoverageActor, CoverageParts};
use crate::actors::handle::ActorHandle;
use crate::actors::keys::{self, KeyParts, KeySettings};
use crate::actors::presence::{PresenceActor, PresenceParts};
use crate::actors::probes::{Outside, ProbesActor, ProbesParts};
use crate::actors::registry::{
    self, RegistryActor, RegistryParts, RegistryReaders, RegistrySettings,
};
use crate::actors::reports::{self, ReportParts, ReportsActor};
use crate::actors::revocation_log::RevocationLogActor;
use crate::actors::revocations::{RevocationInbox, Revocations};
use crate::actors::supervisor::{ControlPlane, Supervisor};
use crate::actors::{Refresh, RefreshCause, SessionsChanged};
use crate::authentik::CoreApi;
use crate::authentik::connection::{CoreAddress, CoreConnection};
use crate::authentik::rest::{RestClient, RestLimits};
use crate::core_tls::{self, CoreTimeouts, CoreTrust};
use crate::http::SessionNotice;
use crate::keys::{KeyEndpoint, KeyRequests, KeyRing};
use crate::ops::logging::LogControl;
use crate::pem;
use crate::primary_url::PrimaryUrl;
use crate::publish::{Published, published};
use crate::session::{SessionOptions, SessionStore, Sessions};
use crate::settings::{self, Settings};
use crate::trace::Scope;
use crate::{clock, randomness};

/// How long a request waits for keys that it needs and nobody has yet.
const KEY_PATIENCE: Duration = Duration::from_secs(5);

/// Notices of sessions that wait at most.
const NOTICES: usize = 1024;

/// Session ends of core that wait while the store is away; the link keeps what is more.
const WAITING_REVOCATIONS: usize = 10_000;

/// The waits for a session store that is away: short, since people wait for it.
const STORE_BACKOFF: Backoff =
    Backoff { shortest: Duration::from_millis(100), longest: Duration::from_secs(1) };

/// How long actors have to end.
pub(super) const FAREWELL: Duration = Duration::from_secs(7);

/// The running control plane, and what others need of it.
pub(super) struct Control {
    /// What the registry publishes.
    pub(super) readers: RegistryReaders,
    /// The link to core.
    pub(super) link: Published<LinkStatus>,
    /// What is known of the ends of sessions that core tells.
    pub(super) coverage: Published<Option<Coverage>>,
    /// The sessions.
    pub(super) sessions: Sessions,
    /// Keys of tokens, for requests.
    pub(super) keys: KeyRequests,
    /// Misconfigurations seen in requests go here.
    pub(super) reports: mpsc::Sender<crate::authentik::MisconfigurationReport>,
    /// What operators did goes here.
    pub(super) deeds: mpsc::Sender<crate::authentik::OperatorReport>,
    /// News of sessions go here.
    pub(super) notices: mpsc::Sender<SessionNotice>,
    /// Session ends of core that the store must be told of.
    pub(super) session_ends: RevocationInbox,
    /// The way to core.
    pub(super) connection: CoreConnection,
    /// The way to its OAuth2 endpoints.
    pub(super) back_channel: BackChannel,
    /// Where people reach an embedded core, once it is learned.
    pub(super) primary: PrimaryUrl,
    /// Who we are.
    pub(super) instance: InstanceIdentity,
    supervisor: Supervisor,
    registry: ActorHandle<RegistryActor>,
    // The patient one, and the prompt one. They end their threads when dropped: last.
    planes: [ControlPlane; 2],
}

impl Control {
    /// Starts the actors, on two threads. However long a refresh takes, hellos go out in time, and sessions
    /// end: what must be prompt has one of them, and what reads the configuration the other, which gives
    /// way to the threads that serve requests.
    ///
    /// # Errors
    /// See [`BootError`].
    pub(super) fn start(
        settings: &Settings,
        operations: &Operations,
        log: Option<LogControl>,
        store: Arc<dyn SessionStore>,
    ) -> Result<Self, BootError> {
        let connection = core_connection(&settings.core)?;
        let limits = operations.metrics.limits();
        let (timeouts, figures) = (core_timeouts(&settings.core), limits.clone());
        let back_channel = BackChannel::new(settings, connection.clone(), timeouts, figures);
        let instance = InstanceIdentity {
            uuid: operations.instance.clone(),
            hostname: hostname(),
            build: crate::VERSION.to_owned(),
        };
        // Nothing that is kept in the memory of this process helps the next one.
        let keeps_last_good = settings.core.last_known_good && store.durable();
        let shared = store.shared().is_some();
        let sessions = Sessions::with(
            store,
            session_options(&settings.sessions),
            Some(operations.store_watch()),
        );
        let planes = [ControlPlane::giving_way()?, ControlPlane::start()?];
        let [patient, prompt] = &planes;
        let supervisor = Supervisor::default();

        let primary = PrimaryUrl::default();
        let (parts, readers) = RegistryParts::new(
            registry_settings(settings, &primary),
            supervisor.clone(),
            patient.handle(),
            sessions.clone(),
        );
        let parts =
            if keeps_last_good { parts.with_last_known_good(&settings.core.token) } else { parts };
        let core = {
            let (connection, scope) = (connection.clone(), operations.traces.scope());
            let (bounds, figures) = (rest_limits(settings), limits.clone());
            move || -> Rc<dyn CoreApi> {
                let client = RestClient::new(connection.clone(), bounds);
                Rc::new(client.within(scope.clone()).counting(figures.clone()))
            }
        };
        let registry = registry::start(parts, &supervisor, &patient.handle(), core.clone());

        refresh_when_learned(&primary, &registry);

        let following = {
            let (sessions, registry) = (sessions.clone(), Arc::new(registry.clone()));
            move || RevocationLogActor::new(sessions.clone(), registry.clone(), STORE_BACKOFF)
        };
        supervisor.supervise("revocation log", &prompt.handle(), following);

        let inbox = RevocationInbox::new(WAITING_REVOCATIONS);
        let revoking = {
            let (inbox, sessions) = (inbox.clone(), sessions.clone());
            move || Revocations::new(inbox.clone(), sessions.clone(), STORE_BACKOFF)
        };
        supervisor.supervise("revocations", &prompt.handle(), revoking);
        let (link_status, link) = published(LinkStatus::idle(clock::now()));
        let link_parts = CoreLinkParts {
            connection: connection.clone(),
            timing: LinkTiming {
                hello_every: settings.core.hello_interval,
                refresh_jitter: settings.core.refresh_jitter,
                ..LinkTiming::default()
            },
            instance: instance.clone(),
            snapshot: readers.snapshot.clone(),
            refresh: Arc::new(registry.clone()),
            session_ends: Arc::new(inbox.clone()),
            status: Arc::new(link_status),
            random: randomness::word,
            rest_limits: rest_limits(settings),
            message_bytes: settings.limits.core_message_bytes,
            limits: limits.clone(),
        };
        supervisor
            .supervise("core link", &prompt.handle(), move || CoreLink::new(link_parts.clone()));

        let (known, coverage) = published(None);
        let coverage_parts = CoverageParts {
            link: link.clone(),
            sessions: sessions.clone(),
            coverage: Arc::new(known),
            patience: coverage::patience(shared, settings.core.hello_interval),
        };
        supervisor.supervise("coverage", &prompt.handle(), move || {
            CoverageActor::new(coverage_parts.clone())
        });
        let oidc = (back_channel.clone(), operations.traces.scope());
        let also = operators::key_endpoint(settings, connection.address());
        let keys = start_keys(&supervisor, prompt, &readers, oidc, also);
        let (reports, queue) = mpsc::channel(reports::QUEUE);
        let (deeds, queue_of_deeds) = mpsc::channel(reports::DEEDS);
        let report_parts = ReportParts {
            queue: Arc::new(Mutex::new(queue)),
            deeds: Arc::new(Mutex::new(queue_of_deeds)),
        };
        supervisor.supervise("reports", &patient.handle(), move || {
            ReportsActor::new(report_parts.clone(), core())
        });
        let notices = forward_notices(&registry);
        let followed = Followed {
            instance: &instance.uuid,
            activity: &operations.activity,
            readers: &readers,
            link: &link,
            coverage: &coverage,
            supervisor: &supervisor,
        };
        if let Some(queue) = log.as_ref().and_then(LogControl::reports) {
            let status = readers.status.clone();
            telemetry::report_errors(queue, status, &operations.metrics, &instance.hostname)?;
        }
        figures::follow(&operations.metrics, &followed, log);
        Ok(Self {
            readers,
            link,
            coverage,
            sessions,
            keys,
            reports,
            deeds,
            notices,
            session_ends: inbox,
            connection,
            back_channel,
            primary,
            instance,
            supervisor,
            registry,
            planes,
        })
    }

    /// Begins to tell other replicas of this one.
    pub(super) fn tell_replicas(&self, parts: PresenceParts) {
        let [patient, _] = &self.planes;
        self.supervisor
            .supervise("presence", &patient.handle(), move || PresenceActor::new(parts.clone()));
    }

    /// Starts looking at what is outside; `outside` is called on the actor's thread.
    pub(super) fn look_outside(
        &self,
        parts: ProbesParts,
        outside: impl Fn() -> Rc<dyn Outside> + Send + 'static,
    ) {
        let [patient, _] = &self.planes;
        self.supervisor.supervise("probes", &patient.handle(), move || {
            ProbesActor::new(parts.clone(), outside())
        });
    }

    /// Asks for a refresh.
    pub(super) fn refresh(&self, cause: RefreshCause) {
        if self.registry.do_send(Refresh { cause }).is_err() {
            tracing::warn!("the registry is being rebuilt; it refreshes when it is back");
        }
    }

    /// Ends the actors; the link says goodbye to core.
    pub(super) async fn stop(&self) {
        self.supervisor.shutdown(FAREWELL).await;
    }
}

/// The way to core.
///
/// # Errors
/// When its address or its authorities are of no use.
pub(super) fn core_connection(core: &settings::Core) -> Result<CoreConnection, BootError> {
    let tls = core_tls::client_config(&core_trust(core)?)?;
    let address = CoreAddress::new(&core.host)?;
    Ok(CoreConnection::new(address, core.token.clone(), Arc::new(tls), core_timeouts(core)))
}

/// How much of core's answers is taken.
pub(super) fn rest_limits(settings: &Settings) -> RestLimits {
    RestLimits { body_size: settings.limits.core_page_bytes, ..RestLimits::default() }
}

const fn core_timeouts(core: &settings::Core) -> CoreTimeouts {
    CoreTimeouts { connect: core.connect_timeout, response: core.request_timeout }
}

/// How the registry makes providers of what core says.
pub(super) fn registry_settings(settings: &Settings, primary: &PrimaryUrl) -> RegistrySettings {
    RegistrySettings {
        browser_host: settings.core.host_browser.clone(),
        verifies_core: !settings.core.insecure,
        primary: primary.clone(),
        akprox: settings.compat.akprox,
        skip: settings.limits.skip_paths,
        ..RegistrySettings::default()
    }
}

/// Whose certificate core may show.
///
/// # Errors
/// When the authorities cannot be read.
fn core_trust(settings: &settings::Core) -> Result<CoreTrust, BootError> {
    let Some(file) = &settings.ca_file else {
        return Ok(if settings.insecure { CoreTrust::Nothing } else { CoreTrust::NativeRoots });
    };
    let unusable = |error| BootError::CaFile { path: file.clone(), error };
    let text = std::fs::read(file).map_err(unusable)?;
    let none = || unusable(io::Error::other("it is no file of PEM certificates"));
    Ok(CoreTrust::Given(pem::certificates(&text).ok_or_else(none)?))
}

/// Where people reach an embedded core changes what its providers compile to.
fn refresh_when_learned(primary: &PrimaryUrl, registry: &ActorHandle<RegistryActor>) {
    let (primary, registry) = (primary.clone(), registry.clone());
    actix_web::rt::spawn(async move {
        primary.learned().await;
        // One that is being rebuilt refreshes when it is back.
        let _ = registry.do_send(Refresh { cause: RefreshCause::Learned });
    });
}

fn start_keys(
    supervisor: &Supervisor,
    plane: &ControlPlane,
    readers: &RegistryReaders,
    (back_channel, scope): (BackChannel, Scope),
    also: Option<KeyEndpoint>,
) -> KeyRequests {
    let (ring, ring_reader) = published(KeyRing::default());
    let (requests, queue) = KeyRequests::new(ring_reader, KEY_PATIENCE);
    let parts = KeyParts {
        settings: KeySettings::default(),
        snapshot: readers.snapshot.clone(),
        also: also.into_iter().collect(),
        ring: Arc::new(ring),
        requests: Arc::new(Mutex::new(queue)),
    };
    supervisor.supervise("keys", &plane.handle(), move || {
        let source = OidcKeySource::new(&back_channel, &scope);
        keys::KeysActor::new(parts.clone(), Rc::new(source))
    });
    requests
}

/// Requests tell of their sessions without knowing actors; here the news find theirs.
fn forward_notices(registry: &ActorHandle<RegistryActor>) -> mpsc::Sender<SessionNotice> {
    let (sender, mut receiver) = mpsc::channel::<SessionNotice>(NOTICES);
    let registry = registry.clone();
    actix_web::rt::spawn(async move {
        while let Some(notice) = receiver.recv().await {
            // Not delivered: the new incarnation counts anew.
            let _ = registry.do_send(SessionsChanged { provider: notice.provider });
        }
    });
    sender
}

fn session_options(settings: &crate::settings::Sessions) -> SessionOptions {
    SessionOptions {
        cache_capacity: settings.cache_capacity,
        cache_ttl: settings.cache_ttl,
        grace: settings.grace,
    }
}

/// The machine's name as the kernel knows it; containers set it to something telling.
fn hostname() -> String {
    // Not from /proc: service managers hide most of it.
    hostname::get()
        .map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}
