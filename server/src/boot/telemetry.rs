//! Traces on their way to the collector that the settings name, and reports of errors on theirs to
//! the service that core names.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use outpost_decision::trace_context::SampleRatio;
use tokio_util::sync::CancellationToken;

use super::BootError;
use crate::core_tls::{self, CoreTimeouts, CoreTrust};
use crate::http::span::{Believe, Telemetry};
use crate::ops::metrics::Metrics;
use crate::publish::Published;
use crate::reporting::{About, ReportOptions, ReportQueue, Reporter};
use crate::settings::{AcceptFrom, Otlp, Settings};
use crate::status::RegistryStatus;
use crate::trace::export::{ExportOptions, Exporter};
use crate::trace::{Scope, Tracer};

/// Traces, if they are on.
pub(super) struct Traces {
    tracer: Option<Tracer>,
    believe: Believe,
    stop: CancellationToken,
    exporter: Mutex<Option<JoinHandle<()>>>,
}

impl Traces {
    /// Begins to export, on the calling thread. `instance` is our uuid.
    ///
    /// # Errors
    /// When TLS towards the collector cannot be set up.
    pub(super) fn start(
        settings: &Settings,
        instance: &str,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, BootError> {
        let stop = CancellationToken::new();
        let believe = match settings.tracing.accept_from {
            AcceptFrom::Trusted => Believe::Trusted,
            AcceptFrom::All => Believe::Everybody,
            AcceptFrom::Nobody => Believe::Nobody,
        };
        let Some(otlp) = &settings.tracing.otlp else {
            return Ok(Self { tracer: None, believe, stop, exporter: Mutex::default() });
        };
        let ratio = SampleRatio::new(otlp.sample_ratio);
        let (tracer, spans) = Tracer::new(ratio, otlp.queue, metrics.clone());
        let tls = Arc::new(core_tls::client_config(&CoreTrust::NativeRoots)?);
        let timeouts = CoreTimeouts { connect: otlp.timeout, response: otlp.timeout };
        let http = core_tls::http_client(tls, timeouts);
        let options = options(otlp, instance);
        let exporter = Exporter::new(http, options, spans, metrics.clone(), stop.clone());
        let exporter = actix_web::rt::spawn(exporter.run());
        Ok(Self { tracer: Some(tracer), believe, stop, exporter: Mutex::new(Some(exporter)) })
    }

    /// Where traces begin that no request caused.
    pub(super) fn scope(&self) -> Scope {
        Scope::root(self.tracer.clone())
    }

    /// What requests need of it.
    pub(super) fn of_requests(&self) -> Telemetry {
        Telemetry { believe: self.believe, tracer: self.tracer.clone() }
    }

    /// Exports what waits, at most for `limit`.
    pub(super) async fn finish(&self, limit: Duration) {
        self.stop.cancel();
        let exporter = self.exporter.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(exporter) = exporter {
            let _ = tokio::time::timeout(limit, exporter).await;
        }
    }
}

/// Reports errors as core asks for it, on the calling thread.
///
/// # Errors
/// When TLS towards the service cannot be set up.
pub(super) fn report_errors(
    queue: ReportQueue,
    status: Published<RegistryStatus>,
    metrics: &Arc<Metrics>,
    hostname: &str,
) -> Result<(), BootError> {
    let options = ReportOptions::default();
    let tls = Arc::new(core_tls::client_config(&CoreTrust::NativeRoots)?);
    let timeouts = CoreTimeouts { connect: options.timeout, response: options.timeout };
    let http = core_tls::http_client(tls, timeouts);
    let about = About { hostname: hostname.to_owned() };
    let reporter = Reporter::new(http, options, about, status, Arc::clone(metrics), &queue);
    actix_web::rt::spawn(reporter.run(queue));
    Ok(())
}

/// The resource by the semantic conventions; what the settings say stands in place of ours.
fn options(otlp: &Otlp, instance: &str) -> ExportOptions {
    let own = [
        ("service.name", otlp.service_name.as_str()),
        ("service.version", crate::VERSION),
        ("service.instance.id", instance),
    ];
    let set = |key: &str| otlp.resource.iter().any(|(name, _)| name == key);
    let own = own.into_iter().filter(|(key, value)| !value.is_empty() && !set(key));
    let resource = own
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .chain(otlp.resource.iter().cloned())
        .collect();
    ExportOptions {
        endpoint: otlp.endpoint.clone(),
        headers: otlp
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.clone()))
            .collect(),
        timeout: otlp.timeout,
        interval: otlp.interval,
        resource,
    }
}
