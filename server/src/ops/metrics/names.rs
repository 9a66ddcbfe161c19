//! Every figure's name, meaning and labels, in one place.

use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Seconds; the lower end is where an outpost that only decides is.
const BUCKETS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A figure.
pub(super) struct Figure {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
}

const fn figure(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Figure {
    Figure { name, help, labels }
}

// Contract 14.
pub(super) const INFO: Figure = figure(
    "authentik_outpost_info",
    "The outpost",
    &["outpost_name", "outpost_type", "uuid", "version", "build"],
);
pub(super) const LAST_UPDATE: Figure = figure(
    "authentik_outpost_last_update",
    "When the configuration was last refreshed, in seconds since 1970",
    &["outpost_name", "outpost_type", "uuid", "version", "build"],
);
pub(super) const CONNECTION: Figure = figure(
    "authentik_outpost_connection",
    "1 while the websocket to core is open",
    &["outpost_name", "outpost_type", "uuid"],
);
pub(super) const REQUEST: Figure = figure(
    "authentik_outpost_proxy_request_duration_seconds",
    "Requests, from the head to the end of the answer",
    &["outpost_name", "method", "host", "type"],
);
pub(super) const UPSTREAM: Figure = figure(
    "authentik_outpost_proxy_upstream_response_duration_seconds",
    "Applications in proxy mode, until the head of their answer",
    &["outpost_name", "method", "scheme", "host", "upstream_host"],
);

// Ours.
pub(super) const BUILD_INFO: Figure =
    figure("outpost_build_info", "The program", &["version", "build"]);
pub(super) const DECISIONS: Figure = figure(
    "outpost_decisions_total",
    "Decisions by provider, reason and action",
    &["provider", "reason", "action"],
);
pub(super) const REFRESHES: Figure =
    figure("outpost_core_refreshes_total", "Refreshes of the configuration", &["outcome"]);
pub(super) const CONFIGURATION_AGE: Figure = figure(
    "outpost_configuration_age_seconds",
    "Seconds since core last confirmed the configuration in effect; absent while there is none",
    &[],
);
pub(super) const RECONNECTS: Figure =
    figure("outpost_core_reconnects_total", "Times the websocket to core was tried again", &[]);
pub(super) const CORE_MESSAGES: Figure = figure(
    "outpost_core_messages_total",
    "Messages on the websocket to core",
    &["direction", "instruction"],
);
pub(super) const SESSIONS: Figure =
    figure("outpost_sessions", "Sessions kept, by provider", &["provider"]);
pub(super) const STORE_ERRORS: Figure = figure(
    "outpost_session_store_errors_total",
    "What the session store could not do",
    &["operation"],
);
pub(super) const ADMIN_REVOCATIONS: Figure = figure(
    "outpost_admin_revocations_total",
    "Revocations that operators asked for, by what they named",
    &["by", "outcome"],
);
pub(super) const ADMIN_ENDED: Figure =
    figure("outpost_admin_sessions_ended_total", "Sessions that operators ended", &[]);
pub(super) const IDENTITY_PROBLEMS: Figure = figure(
    "outpost_identity_problems_total",
    "Parts of identities that applications were not told as they are",
    &["problem"],
);
pub(super) const BACK_CHANNEL_LOGOUTS: Figure = figure(
    "outpost_backchannel_logouts_total",
    "Logout tokens sent to the back channel, by what became of them",
    &["outcome"],
);
pub(super) const BACK_CHANNEL_ENDED: Figure =
    figure("outpost_backchannel_sessions_ended_total", "Sessions that logout tokens ended", &[]);
pub(super) const STORE_OPERATIONS: Figure = figure(
    "outpost_session_store_duration_seconds",
    "What the session store did, and how long it took; `log` waits for news",
    &["operation"],
);
pub(super) const SESSION_LOOKUPS: Figure = figure(
    "outpost_session_lookups_total",
    "Sessions looked for: in this replica's cache, in the store, or in the cache while the store is away",
    &["source"],
);
pub(super) const RECHECKS: Figure = figure(
    "outpost_session_rechecks_total",
    "Sessions checked with core after a gap of the link to it",
    &["outcome"],
);
pub(super) const RECHECKS_WAITING: Figure = figure(
    "outpost_session_rechecks_waiting",
    "Checks of sessions with core that wait or are under way",
    &[],
);
pub(super) const CORE_GAPS: Figure = figure(
    "outpost_core_gaps_total",
    "Times no replica was connected to core, and ends of sessions may have been missed",
    &[],
);
pub(super) const ACTOR_RESTARTS: Figure =
    figure("outpost_actor_restarts_total", "Actors that died and were rebuilt", &["actor"]);
pub(super) const FINDINGS: Figure = figure(
    "outpost_findings",
    "What is wrong or odd about the configuration",
    &["code", "severity"],
);
pub(super) const LIMITS_REACHED: Figure = figure(
    "outpost_limits_reached_total",
    "What was refused, or taken away, because there was all that a limit allows",
    &["limit"],
);
pub(super) const CONNECTIONS: Figure =
    figure("outpost_connections", "Connections of clients that are open", &[]);
pub(super) const IN_FLIGHT: Figure =
    figure("outpost_requests_in_flight", "Requests under way", &[]);
pub(super) const JOURNAL_DROPPED: Figure =
    figure("outpost_journal_dropped", "Events the decision journal has lost so far", &[]);
pub(super) const LOG_LOST: Figure =
    figure("outpost_log_lost", "Log lines lost so far, because nobody read them in time", &[]);

pub(super) const TRACE_SPANS: Figure = figure(
    "outpost_trace_spans_total",
    "Spans of traces: sent, dropped because too many waited, lost with a collector that failed",
    &["outcome"],
);
pub(super) const ERROR_REPORTS: Figure = figure(
    "outpost_error_reports_total",
    "Reports of errors: sent, dropped because there were too many, lost with a receiver that failed",
    &["outcome"],
);

/// Makes figures in a registry.
pub(super) struct Maker<'r>(&'r Registry);

impl<'r> Maker<'r> {
    pub(super) const fn new(registry: &'r Registry) -> Self {
        Self(registry)
    }

    pub(super) fn histogram(&self, figure: &Figure) -> Result<HistogramVec, prometheus::Error> {
        let options = HistogramOpts::new(figure.name, figure.help).buckets(BUCKETS.to_vec());
        let made = HistogramVec::new(options, figure.labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn counters(&self, figure: &Figure) -> Result<IntCounterVec, prometheus::Error> {
        let made = IntCounterVec::new(Opts::new(figure.name, figure.help), figure.labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn gauges(&self, figure: &Figure) -> Result<IntGaugeVec, prometheus::Error> {
        let made = IntGaugeVec::new(Opts::new(figure.name, figure.help), figure.labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn counter(&self, figure: &Figure) -> Result<IntCounter, prometheus::Error> {
        let made = IntCounter::new(figure.name, figure.help)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn gauge(&self, figure: &Figure) -> Result<IntGauge, prometheus::Error> {
        let made = IntGauge::new(figure.name, figure.help)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }
}
