//! What operators see: figures, the journal, readiness, their page.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use outpost_dashboard::model::Fleet;
use uuid::Uuid;

use super::BootError;
use super::control::Control;
use super::data;
use super::operators;
use super::store;
use super::telemetry::Traces;
use crate::actors::live::Seats;
use crate::clock;
use crate::downstream;
use crate::drain::Drain;
use crate::http::SessionNotice;
use crate::http::unbelieved::Unbelieved;
use crate::ops::access::Access;
use crate::ops::activity::{Activity, StoreActivity};
use crate::ops::api::{Api, ApiParts};
use crate::ops::audit::Audit;
use crate::ops::dashboard::{Dashboard, DashboardParts, LiveParts};
use crate::ops::endpoints::Endpoints;
use crate::ops::finish::Finish;
use crate::ops::journal::Journal;
use crate::ops::logging::AccessLog;
use crate::ops::metrics::Metrics;
use crate::ops::questions::Questions;
use crate::ops::readiness::{Readiness, StoreReach};
use crate::ops::views::{Served, ViewParts, Views};
use crate::publish::Published;
use crate::session::{Found, StoreError, StoreWatch};
use crate::settings::Settings;
use crate::status::probes::Probes;

/// Connections that each of the operators' listeners has at a time.
const CONNECTIONS: usize = 512;

/// How long such a connection may be idle.
const IDLE: Duration = Duration::from_secs(75);

/// How long the head of a request may take there.
const HEAD: Duration = Duration::from_secs(10);

/// How long whoever was answered for the last time may take to close.
const GOODBYE: Duration = Duration::from_secs(2);

/// What every part of the program writes its figures to.
pub(super) struct Operations {
    /// The figures.
    pub(super) metrics: Arc<Metrics>,
    /// What happened over the last minutes.
    pub(super) activity: Arc<Activity>,
    /// The same of the session store.
    pub(super) store_activity: Arc<StoreActivity>,
    /// The latest decisions.
    pub(super) journal: Arc<Journal>,
    /// The end of every request.
    pub(super) record: Finish,
    /// Whether the session store answers.
    pub(super) store: StoreReach,
    /// Who we are: a uuid for as long as we run.
    pub(super) instance: String,
    /// Where traces go.
    pub(super) traces: Traces,
}

/// What was seen around the outpost.
pub(super) struct Seen {
    /// The replicas.
    pub(super) fleet: Published<Fleet>,
    /// What is outside.
    pub(super) probes: Published<Probes>,
    /// Peers that were not believed.
    pub(super) unbelieved: Unbelieved,
}

/// Counts what the session store cannot do, and keeps traffic away while it cannot be reached.
#[derive(Debug)]
struct StoreFigures {
    metrics: Arc<Metrics>,
    activity: Arc<StoreActivity>,
    reach: StoreReach,
}

impl StoreWatch for StoreFigures {
    fn answered(&self, operation: &'static str, took: Duration, failure: Option<&StoreError>) {
        self.reach.set(!matches!(failure, Some(StoreError::Unavailable(_))));
        match failure {
            None => {
                self.metrics.store_answered(operation, took);
                self.activity.answered(clock::now(), took, operation == "log");
            }
            // Whoever asks for a page by a made-up cursor says nothing about the store.
            Some(StoreError::NoSuchPage) => {}
            Some(failure) => {
                self.metrics.store_failed(operation);
                self.activity.failed(clock::now(), failure.to_string());
            }
        }
    }

    fn looked(&self, found: Found) {
        self.metrics.session_looked_up(found);
    }
}

/// A server of a listener that may be turned off.
pub(super) struct Listening {
    /// Bound addresses.
    pub(super) addresses: Vec<SocketAddr>,
    /// The server, unless the listener is off.
    pub(super) server: Option<Server>,
}

impl Operations {
    /// Figures and journal, empty; `access` is the short way of the access log.
    ///
    /// # Errors
    /// When the figures cannot be registered, or traces not be sent.
    pub(super) fn new(settings: &Settings, access: Option<AccessLog>) -> Result<Self, BootError> {
        let metrics = Arc::new(Metrics::new(crate::VERSION, crate::VERSION)?);
        let journal = Arc::new(Journal::new(settings.journal.capacity));
        let activity = Arc::new(Activity::default());
        let (figures, past) = (Arc::clone(&metrics), Arc::clone(&journal));
        let format = settings.log.format;
        let record = Finish::new(figures, Arc::clone(&activity), past, format, access);
        let instance = Uuid::new_v4().to_string();
        let traces = Traces::start(settings, &instance, &metrics)?;
        Ok(Self {
            metrics,
            activity,
            store_activity: Arc::default(),
            journal,
            record,
            store: StoreReach::default(),
            instance,
            traces,
        })
    }

    /// Whoever is to be told of the session store's answers.
    pub(super) fn store_watch(&self) -> Arc<dyn StoreWatch> {
        Arc::new(StoreFigures {
            metrics: Arc::clone(&self.metrics),
            activity: Arc::clone(&self.store_activity),
            reach: self.store.clone(),
        })
    }

    /// Binds the metrics and dashboard listeners.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub(super) fn serve(
        &self,
        settings: &Settings,
        control: &Control,
        readiness: &Readiness,
        views: Views,
        drain: &Drain,
    ) -> Result<(Listening, Listening), BootError> {
        let endpoints = Endpoints {
            metrics: Arc::clone(&self.metrics),
            journal: Arc::clone(&self.journal),
            readiness: readiness.clone(),
        };
        let metrics = listen(&settings.listen.metrics, move |config| endpoints.configure(config))?;
        let limits = self.metrics.limits().clone();
        let access = Arc::new(operators::access(settings, control, limits.clone()));
        let audit = Audit::new(control.deeds.clone(), control.instance.hostname.clone());
        let api = self.api(control, Arc::clone(&access), views.clone(), audit.clone());
        let core = operators::core_door(settings, control, &access, limits.clone());
        let pages = Dashboard::new(DashboardParts {
            views,
            access,
            live: LiveParts {
                seats: Seats::new(settings.dashboard.viewers, limits),
                drain: drain.clone(),
            },
            api: api.clone(),
            audit,
            core,
        });
        let dashboard = listen(&settings.dashboard.listen, move |config| {
            api.configure(config);
            // Last: they take what nobody else has taken.
            pages.configure(config);
        })?;
        Ok((metrics, dashboard))
    }

    /// What operators see.
    pub(super) fn views(
        &self,
        settings: &Settings,
        control: &Control,
        readiness: &Readiness,
        seen: &Seen,
    ) -> Views {
        Views::new(ViewParts {
            instance: control.instance.uuid.clone(),
            hostname: control.instance.hostname.clone(),
            core: settings.core.host.to_string(),
            snapshot: control.readers.snapshot.clone(),
            status: control.readers.status.clone(),
            providers: control.readers.providers.clone(),
            link: control.link.clone(),
            fleet: seen.fleet.clone(),
            probes: seen.probes.clone(),
            unbelieved: seen.unbelieved.clone(),
            readiness: readiness.clone(),
            journal: Arc::clone(&self.journal),
            metrics: Arc::clone(&self.metrics),
            activity: Arc::clone(&self.activity),
            store_activity: Arc::clone(&self.store_activity),
            store_reach: self.store.clone(),
            certificates: control.readers.certificates.clone(),
            sessions: control.sessions.clone(),
            served: Served {
                trust: data::trust(settings),
                policy: data::policy(settings),
                embedded: settings.embedded.is_some(),
            },
            site: settings.render.site(),
            store: store::place(&settings.sessions.store),
            questions: Arc::new(Questions::new(
                control.sessions.clone(),
                control.readers.snapshot.clone(),
                &settings.core.token,
            )),
        })
    }

    /// The operators' way to sessions.
    fn api(&self, control: &Control, access: Arc<Access>, views: Views, audit: Audit) -> Api {
        let notices = control.notices.clone();
        Api::new(ApiParts {
            sessions: control.sessions.clone(),
            snapshot: control.readers.snapshot.clone(),
            metrics: Arc::clone(&self.metrics),
            access,
            views,
            audit,
            changed: Arc::new(move |provider| {
                // Full: the providers' actors count anew at intervals.
                let _ = notices.try_send(SessionNotice { provider });
            }),
        })
    }
}

fn listen(
    addresses: &[SocketAddr],
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> Result<Listening, BootError> {
    if addresses.is_empty() {
        return Ok(Listening { addresses: Vec::new(), server: None });
    }
    let mut server = HttpServer::new(move || App::new().configure(configure.clone()))
        .workers(1)
        .max_connections(CONNECTIONS)
        .keep_alive(IDLE)
        .client_request_timeout(HEAD)
        .client_disconnect_timeout(GOODBYE)
        .disable_signals();
    let mut bound = Vec::new();
    for address in addresses {
        let listener = downstream::listen(*address)?;
        bound.push(listener.local_addr()?);
        server = server.listen(listener)?;
    }
    Ok(Listening { addresses: bound, server: Some(server.run()) })
}
