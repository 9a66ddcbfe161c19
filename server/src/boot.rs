//! Wires everything together, in order, and takes it apart again. The only place that knows all.

mod alone;
mod back_channel;
mod control;
mod data;
mod ending;
mod figures;
mod key_source;
mod once;
mod operations;
mod operators;
mod presence;
mod probes;
mod service;
mod signals;
mod store;
mod telemetry;
mod upstream;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::dev::{Server, ServerHandle};
use outpost_dashboard::model::Fleet;
use outpost_decision::coverage::Coverage;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::actors::RefreshCause;
use crate::authentik::connection::AddressError;
use crate::core_tls::CoreTlsError;
use crate::drain::Departure;
use crate::http::renewal::Renewals;
use crate::http::unbelieved::Unbelieved;
use crate::ops::logging::{self, LogControl};
use crate::ops::readiness::Readiness;
use crate::publish::{Published, published};
use crate::reporting;
use crate::session::file::FileStoreError;
use crate::session::redis::RedisSetupError;
use crate::session::{SessionStore, Sessions};
use crate::settings::{Settings, Shutdown};
use crate::snapshot::Snapshot;
use crate::status::RegistryStatus;
use crate::status::link::LinkStatus;
use crate::tls::TlsError;
use crate::upstream::DialerError;

use self::control::{Control, FAREWELL};
use self::ending::Impatience;
use self::operations::Seen;
use self::service::ServiceManager;
use self::telemetry::Traces;

pub use self::alone::look as look_alone;
pub use self::once::{AskError, ask_core, compile_context};

/// Why the outpost does not start.
#[derive(Debug, Error)]
pub enum BootError {
    /// A socket or a thread cannot be had.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// `AUTHENTIK_HOST` is no address of a core.
    #[error("AUTHENTIK_HOST: {0}")]
    Address(#[from] AddressError),
    /// TLS towards core cannot be set up.
    #[error("TLS towards core: {0}")]
    CoreTls(#[from] CoreTlsError),
    /// The authorities for core's certificate cannot be read.
    #[error("core.ca_file: {}: {error}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// TLS towards browsers cannot be set up.
    #[error("TLS towards browsers: {0}")]
    Tls(#[from] TlsError),
    /// TLS towards applications cannot be set up.
    #[error("{0}")]
    Upstream(#[from] DialerError),
    /// A file that `upstream.applications` names cannot be read.
    #[error("upstream.applications: {application}: {word}={}: {error}", path.display())]
    UpstreamFile {
        /// The application's slug.
        application: String,
        /// Which of its settings.
        word: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The figures cannot be registered.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The file of the session store cannot be used.
    #[error("sessions.store: {0}")]
    SessionFile(#[from] FileStoreError),
    /// The Redis store cannot be set up.
    #[error("sessions.store: {0}")]
    Redis(#[from] RedisSetupError),
    /// The folder of core's static files cannot be used.
    #[error("embedded.static_files: {}: {error}", path.display())]
    StaticFiles {
        /// The folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A certificate or key for the session store cannot be read.
    #[error("{}: {error}", path.display())]
    StoreFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// Where the outpost listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// HTTP.
    pub http: Vec<SocketAddr>,
    /// HTTPS.
    pub https: Vec<SocketAddr>,
    /// Metrics, liveness, readiness.
    pub metrics: Vec<SocketAddr>,
    /// The operators' page.
    pub dashboard: Vec<SocketAddr>,
}

/// What a running outpost publishes, for programs that hold one.
#[derive(Clone, Debug)]
pub struct Readers {
    /// The configuration in effect.
    pub snapshot: Published<Snapshot>,
    /// How refreshing goes.
    pub status: Published<RegistryStatus>,
    /// The link to core.
    pub link: Published<LinkStatus>,
    /// What is known of the ends of sessions that core tells; `None` until the store has told.
    pub coverage: Published<Option<Coverage>>,
    /// The sessions.
    pub sessions: Sessions,
    /// This replica and the others.
    pub fleet: Published<Fleet>,
}

/// A running outpost.
pub struct Running {
    /// Where it listens.
    pub addresses: Addresses,
    control: Control,
    fleet: Published<Fleet>,
    departure: Departure,
    renewals: Renewals,
    traces: Traces,
    data: ServerHandle,
    operations: Vec<ServerHandle>,
    shutdown: Shutdown,
}

/// Runs the outpost until a signal ends it.
#[must_use]
pub fn run(settings: &Settings) -> ExitCode {
    let (log, lines) = match logging::init(&settings.log) {
        Ok(begun) => begun,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "there is no log to say it in")]
            {
                eprintln!("outpost: {error}");
            }
            return ExitCode::FAILURE;
        }
    };
    reporting::log_panics();
    let code = match actix_web::rt::System::new().block_on(serve(settings, log)) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(impatience)) => impatience.into(),
        Err(error) => {
            tracing::error!(%error, "the outpost does not start");
            ExitCode::FAILURE
        }
    };
    lines.close();
    code
}

/// Serves until a signal, and ends in order, or at once at the next signal.
async fn serve(settings: &Settings, log: LogControl) -> Result<Option<Impatience>, BootError> {
    let mut signals = signals::Signals::hear()?;
    let manager = ServiceManager::connect(&settings.service);
    let running = start(settings, Some(log)).await?;
    manager.ready();
    tokio::select! {
        () = signals.serve_until_told(&running, &manager) => {}
        () = manager.keep_alive() => {}
    }
    manager.stopping(ending::longest(&settings.shutdown));
    tokio::select! {
        () = running.stop() => Ok(None),
        () = manager.keep_alive() => Ok(None),
        impatience = signals.impatience() => {
            tracing::warn!("a second signal: the outpost ends at once");
            Ok(Some(impatience))
        }
    }
}

/// Starts the outpost within the actix system of the calling thread. Returns once every listener
/// is bound; the configuration comes from core when core answers.
///
/// # Errors
/// See [`BootError`]. Core being away is none.
pub async fn start(settings: &Settings, log: Option<LogControl>) -> Result<Running, BootError> {
    start_with(settings, log, store::open(settings)?).await
}

async fn start_with(
    settings: &Settings,
    log: Option<LogControl>,
    store: Arc<dyn SessionStore>,
) -> Result<Running, BootError> {
    for name in &settings.foreign_variables {
        tracing::debug!(variable = name, "this variable means nothing to an outpost");
    }
    let access = log.as_ref().and_then(LogControl::access);
    let operations = operations::Operations::new(settings, access)?;
    let control = Control::start(settings, &operations, log, store)?;
    let departure = Departure::new();
    let readiness = Readiness::new(
        control.readers.snapshot.clone(),
        operations.store.clone(),
        departure.drain(),
    );

    let renewals = data::renewals(settings, &control);
    let unbelieved = Unbelieved::default();
    let data = data::serve(
        settings,
        &control,
        &operations,
        (&renewals, unbelieved.clone()),
        &departure.drain(),
    )?;
    let probes = probes::start(settings, &control)?;
    let (publisher, fleet) = published(Fleet::default());
    let seen = Seen { fleet: fleet.clone(), probes, unbelieved };
    let views = operations.views(settings, &control, &readiness, &seen);
    presence::start(&control, &operations, &readiness, (&views, departure.drain(), publisher));
    let (metrics, dashboard) =
        operations.serve(settings, &control, &readiness, views, &departure.drain())?;
    let addresses = Addresses {
        http: data.http,
        https: data.https,
        metrics: metrics.addresses,
        dashboard: dashboard.addresses,
    };
    let spawn = |server: Server| {
        let handle = server.handle();
        actix_web::rt::spawn(server);
        handle
    };
    let data = spawn(data.server);
    let traces = operations.traces;
    let operations = metrics.server.into_iter().chain(dashboard.server).map(spawn).collect();
    readiness.listening();
    tracing::info!(
        http = ?addresses.http,
        https = ?addresses.https,
        metrics = ?addresses.metrics,
        dashboard = ?addresses.dashboard,
        version = crate::VERSION,
        "the outpost listens"
    );
    let shutdown = settings.shutdown;
    Ok(Running {
        addresses,
        control,
        fleet,
        departure,
        renewals,
        traces,
        data,
        operations,
        shutdown,
    })
}

impl Running {
    /// What it publishes.
    #[must_use]
    pub fn published(&self) -> Readers {
        Readers {
            snapshot: self.control.readers.snapshot.clone(),
            status: self.control.readers.status.clone(),
            link: self.control.link.clone(),
            coverage: self.control.coverage.clone(),
            sessions: self.control.sessions.clone(),
            fleet: self.fleet.clone(),
        }
    }

    /// Fetches the configuration anew (SIGUSR1).
    pub fn refresh(&self) {
        self.control.refresh(RefreshCause::Signal);
    }
}

/// An outpost on a thread of its own, for programs that hold one: the demo, tests.
pub struct Held {
    /// Where it listens.
    pub addresses: Addresses,
    /// What it publishes.
    pub published: Readers,
    stop: Option<oneshot::Sender<Stop>>,
    refresh: tokio::sync::mpsc::UnboundedSender<()>,
    thread: Option<JoinHandle<()>>,
}

struct Stop;

/// Starts an outpost on a thread of its own.
///
/// # Errors
/// See [`BootError`].
pub fn hold(settings: Settings) -> Result<Held, BootError> {
    let store = store::open(&settings)?;
    hold_with(settings, store)
}

/// The same with a session store of the caller's.
///
/// # Errors
/// See [`BootError`].
pub fn hold_with(settings: Settings, store: Arc<dyn SessionStore>) -> Result<Held, BootError> {
    let (ready, is_ready) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let (refresh, mut refreshes) = tokio::sync::mpsc::unbounded_channel();
    let thread = std::thread::Builder::new().name("outpost".into()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let running = match start_with(&settings, None, store).await {
                Ok(running) => Arc::new(running),
                Err(error) => {
                    let _ = ready.send(Err(error));
                    return;
                }
            };
            let _ = ready.send(Ok((running.addresses.clone(), running.published())));
            let refreshed = Arc::clone(&running);
            let listening = actix_web::rt::spawn(async move {
                while refreshes.recv().await.is_some() {
                    refreshed.refresh();
                }
            });
            let _ = stopped.await;
            listening.abort();
            let _ = listening.await;
            if let Ok(running) = Arc::try_unwrap(running) {
                running.stop().await;
            }
        });
    })?;
    match is_ready.recv() {
        Ok(Ok((addresses, published))) => {
            Ok(Held { addresses, published, stop: Some(stop), refresh, thread: Some(thread) })
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::Error::other("the outpost's thread has died").into()),
    }
}

impl Held {
    /// Fetches the configuration anew.
    pub fn refresh(&self) {
        let _ = self.refresh.send(());
    }

    /// Stops it, as SIGTERM does, and waits until it has.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(Stop);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.end();
    }
}
