//! Logs: one line an event, JSON or text, at a level that core may change while we run.

mod access;
mod json;
mod lines;

use std::sync::Arc;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

pub use access::AccessLog;
use json::JsonLines;
pub(super) use json::{Escaped, push_escaped};
pub use lines::Lines;

use super::audit::TARGET as AUDIT;
use crate::reporting::{self, ReportQueue};
use crate::settings::{Log, LogFormat, LogLevel};

/// Crates that tell of every connection and frame; their warnings are enough.
const NOISY: [&str; 12] = [
    "actix_http",
    "actix_server",
    "actix_web",
    "awc",
    "h2",
    "hyper",
    "hyper_util",
    "mio",
    "polling",
    "rustls",
    "tokio_util",
    "tracing_actix_web",
];

/// Bytes that a pipe of lines is to hold: some hundredths of a second at a replica's fastest.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1024 * 1024;

/// Where actix tells, as an error, that an answer broke off. That is how a tunnel ends whose session
/// has ended, or whose client has left; the request's own line says what became of it.
const BREAKING_OFF: [&str; 2] = ["actix_http::h1::dispatcher", "actix_http::h2::dispatcher"];

/// Logging cannot begin.
#[derive(Debug, Error)]
#[error("logs cannot be set up: {0}")]
pub struct LoggingError(String);

/// Changes the level while the program runs.
#[derive(Clone, Debug)]
pub struct LogControl {
    handle: Arc<reload::Handle<Targets, Registry>>,
    fixed: bool,
    reports: Option<ReportQueue>,
    lines: Option<Lines>,
    access: Option<AccessLog>,
}

impl LogControl {
    /// The short way of the access log, where its lines are JSON.
    #[must_use]
    pub fn access(&self) -> Option<AccessLog> {
        self.access.clone()
    }

    /// The errors that are logged, for whoever reports them; `None` where the settings forbid it.
    #[must_use]
    pub fn reports(&self) -> Option<ReportQueue> {
        self.reports.clone()
    }

    /// How many lines were lost so far, because nobody read them in time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lines.as_ref().map_or(0, Lines::lost)
    }

    /// Takes over core's `log_level` option, unless the settings name a level. What core says and
    /// we do not understand changes nothing.
    pub fn follow_core(&self, option: Option<&str>) {
        if self.fixed {
            return;
        }
        let level = match option.filter(|text| !text.is_empty()) {
            None => LogLevel::default(),
            Some(text) => match LogLevel::parse(text) {
                Some(level) => level,
                None => {
                    tracing::warn!(log_level = text, "core names a log level that does not exist");
                    return;
                }
            },
        };
        let wanted = targets(level);
        if let Some(access) = &self.access {
            access.follow(&wanted);
        }
        if self.handle.clone_current().is_none_or(|current| current != wanted)
            && let Err(error) = self.handle.reload(wanted)
        {
            tracing::warn!(%error, "the log level cannot be changed");
        }
    }
}

/// Begins to log to standard output, for the whole process. Once. The last lines are written when the
/// given [`Lines`] are closed.
///
/// # Errors
/// When something else logs already, or there can be no thread that writes.
pub fn init(settings: &Log) -> Result<(LogControl, Lines), LoggingError> {
    let failed = |error: &dyn std::fmt::Display| LoggingError(error.to_string());
    let output = std::io::stdout();
    widen(&output);
    let lines = Lines::start(output, settings.buffer_bytes).map_err(|error| failed(&error))?;
    let (subscriber, control) = subscriber(settings, lines.clone());
    subscriber.try_init().map_err(|error| failed(&error))?;
    let is_json = settings.format == LogFormat::Json;
    let level = settings.level.unwrap_or_default();
    let access = is_json.then(|| AccessLog::new(lines.clone(), &targets(level)));
    Ok((LogControl { lines: Some(lines.clone()), access, ..control }, lines))
}

/// Where lines go through a pipe, has it hold many more of them (usually 64 KiB): whenever it is full, the
/// thread that writes and whoever reads wait for one another, and that costs more than the lines.
#[cfg(target_os = "linux")]
fn widen(output: &impl std::os::fd::AsFd) {
    use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

    // No pipe, or the system does not allow it: either way there is what was there before.
    if fcntl_getpipe_size(output).is_ok_and(|bytes| bytes < PIPE_BYTES) {
        let _ = fcntl_setpipe_size(output, PIPE_BYTES);
    }
}

/// Elsewhere pipes are as wide as they are.
#[cfg(not(target_os = "linux"))]
const fn widen<T>(_: &T) {}

/// The subscriber that [`init`] installs, with a writer of choice.
pub fn subscriber<W>(
    settings: &Log,
    writer: W,
) -> (impl Subscriber + Send + Sync + 'static, LogControl)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(targets(settings.level.unwrap_or_default()));
    let lines = match settings.format {
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .event_format(JsonLines)
            .fmt_fields(JsonFields::new())
            .with_writer(writer)
            .boxed(),
        LogFormat::Text => {
            tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer).boxed()
        }
    };
    let (report, reports) = reporting::reports();
    let control = LogControl {
        handle: Arc::new(handle),
        fixed: settings.level.is_some(),
        reports: Some(reports).filter(|_| settings.error_reporting),
        lines: None,
        access: None,
    };
    let layers = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(report.with_filter(errors()));
    (layers, control)
}

/// Errors, whatever the log's level is, and the spans that say in which request they happened.
fn errors() -> FilterFn {
    let takes: fn(&Metadata<'_>) -> bool = |metadata| {
        if metadata.is_span() {
            return *metadata.level() <= Level::INFO && metadata.target().starts_with("outpost");
        }
        *metadata.level() == Level::ERROR
            && !BREAKING_OFF.iter().any(|target| metadata.target().starts_with(target))
    };
    FilterFn::new(takes).with_max_level_hint(LevelFilter::INFO)
}

fn targets(level: LogLevel) -> Targets {
    let wanted = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warning => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    // What operators do is told whatever else is.
    let targets = Targets::new().with_default(wanted).with_target(AUDIT, wanted.max(Level::INFO));
    if level == LogLevel::Trace {
        return targets;
    }
    let quiet = LevelFilter::from_level(wanted.min(Level::WARN));
    targets
        .with_targets(NOISY.map(|target| (target, quiet)))
        .with_targets(BREAKING_OFF.map(|target| (target, LevelFilter::OFF)))
}

#[cfg(test)]
pub(super) mod tests;
