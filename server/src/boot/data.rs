//! The data plane: what workers share, what each owns, and their listeners.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use outpost_decision::coverage::Pace;
use outpost_decision::decide::Scripts;
use outpost_decision::lifetime::{Lifetime, Lifetimes};
use outpost_decision::origin::{Trust, TrustedNetworks};

use super::BootError;
use super::control::Control;
use super::operations::Operations;
use super::upstream;
use crate::actors::CoreSessionEnded;
use crate::downstream::{BoundServer, DownstreamOptions, Limits};
use crate::drain::Drain;
use crate::http::embedded::{Embedded, StaticFiles};
use crate::http::listeners;
use crate::http::recheck::Rechecks;
use crate::http::renewal::{Renewals, Renewer};
use crate::http::unbelieved::Unbelieved;
use crate::http::{Gateway, Policy, Worker};
use crate::limits::{Admission, Counted, PerMinute};
use crate::ops::chosen_headers::ChosenNames;
use crate::session::header_cache::HeaderCache;
use crate::settings::{self, ScriptAnswer, Settings, TlsVersion};
use crate::tls;
use crate::upstream::{Dialer, UpstreamSettings, Upstreams};

/// Binds the listeners.
///
/// # Errors
/// See [`BootError`].
pub(super) fn serve(
    settings: &Settings,
    control: &Control,
    operations: &Operations,
    (renewals, unbelieved): (&Renewals, Unbelieved),
    drain: &Drain,
) -> Result<BoundServer, BootError> {
    let counted = || Counted {
        most: settings.limits.counted_clients,
        spared: trusted(settings),
        figures: operations.metrics.limits().clone(),
    };
    let gateway = Arc::new(Gateway {
        snapshot: control.readers.snapshot.clone(),
        trusted: trust(settings),
        unbelieved,
        certificates: control.readers.certificates.clone(),
        sessions: control.sessions.clone(),
        header_results: HeaderCache::new(
            settings.header_auth.capacity,
            operations.metrics.limits().clone(),
        ),
        renewals: renewals.clone(),
        keys: control.keys.clone(),
        rechecks: Rechecks::new(
            control.coverage.clone(),
            Pace { within: settings.sessions.recheck_within, rate: settings.sessions.recheck_rate },
            Arc::clone(&operations.metrics),
        ),
        sign_ins: PerMinute::new(settings.limits.sign_ins_per_minute, counted()),
        failed_codes: PerMinute::new(settings.limits.failed_codes_per_minute, counted()),
        header_failures: Arc::new(PerMinute::new(
            settings.header_auth.failures_per_minute,
            counted(),
        )),
        policy: policy(settings),
        embedded: embedded(settings, control)?,
        record: operations.record.clone(),
        metrics: Arc::clone(&operations.metrics),
        telemetry: operations.traces.of_requests(),
        logged_headers: ChosenNames::new(&settings.log.http_headers),
        reports: control.reports.clone(),
        notices: control.notices.clone(),
        session_ends: session_ends(control),
    });
    let dialer = Dialer::new(UpstreamSettings {
        drain: drain.clone(),
        ..upstream::settings(&settings.upstream, settings.embedded.as_ref())?
    })?;
    let back_channel = control.back_channel.clone();
    let options = DownstreamOptions {
        http: settings.listen.http.clone(),
        https: settings.listen.https.clone(),
        tls: Arc::new(tls::server_config(
            control.readers.certificates.clone(),
            oldest_tls(settings),
        )?),
        proxy_protocol: settings.listen.proxy_protocol.then(|| trusted(settings)),
        reuse_port: settings.listen.reuse_port,
        workers: settings.web.workers,
        connections: settings.limits.connections,
        limits: Limits {
            head: settings.web.read_header_timeout,
            idle: settings.web.idle_timeout,
            body: settings.web.read_timeout,
            write: settings.web.write_timeout,
            end: settings.shutdown.drain_timeout,
            header_bytes: settings.limits.header_bytes,
            header_lines: settings.limits.header_lines,
        },
        admission: Admission::new(
            settings.limits.connections_per_address,
            trusted(settings),
            operations.metrics.limits().clone(),
        ),
        drain: drain.clone(),
    };
    let worker = move || Worker {
        gateway: Arc::clone(&gateway),
        oidc: Rc::new(back_channel.client()),
        upstreams: Upstreams::new(dialer.clone()),
        identities: Rc::default(),
        ids: Rc::default(),
    };
    Ok(listeners::bind(&options, worker)?)
}

/// Where requests leave session ends that the store could not be told of. One that is turned away
/// has been logged and counted.
fn session_ends(control: &Control) -> Arc<dyn Fn(String) + Send + Sync> {
    let inbox = control.session_ends.clone();
    Arc::new(move |sid| {
        let _ = inbox.put(CoreSessionEnded { sid });
    })
}

/// Core behind us.
///
/// # Errors
/// When the folder of its static files is not there.
fn embedded(settings: &Settings, control: &Control) -> Result<Option<Embedded>, BootError> {
    let Some(of) = &settings.embedded else { return Ok(None) };
    let static_files = of.static_files.as_deref().map(|folder| {
        StaticFiles::new(folder)
            .map_err(|error| BootError::StaticFiles { path: folder.to_owned(), error })
    });
    Ok(Some(Embedded {
        core: upstream::core_url(&of.core),
        verify: !settings.core.insecure,
        static_files: static_files.transpose()?,
        primary: control.primary.clone(),
    }))
}

/// Renewals of sessions, carried out on the calling thread: workers end with the last request,
/// and a renewal may still be under way then.
pub(super) fn renewals(settings: &Settings, control: &Control) -> Renewals {
    let (renewals, wanted) = Renewals::new(settings.sessions.renew_before);
    let oidc = control.back_channel.client();
    let renewer = Renewer::new(wanted, oidc, control.keys.clone(), control.sessions.clone());
    actix_web::rt::spawn(renewer.run());
    renewals
}

fn oldest_tls(settings: &Settings) -> tls::Oldest {
    match settings.listen.tls_min {
        TlsVersion::Tls12 => tls::Oldest::Tls12,
        TlsVersion::Tls13 => tls::Oldest::Tls13,
    }
}

fn lifetimes(settings: &settings::Lifetimes) -> Lifetimes {
    let seconds = |limit: Duration| i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
    let lifetime = |limits: &settings::LifetimeLimits| Lifetime {
        idle: limits.idle.map(seconds),
        max: limits.max.map(seconds),
    };
    let applications = settings.applications.iter();
    Lifetimes {
        default: lifetime(&settings.default),
        applications: applications.map(|(slug, of)| (slug.clone(), lifetime(of))).collect(),
    }
}

fn trusted(settings: &Settings) -> TrustedNetworks {
    TrustedNetworks::from(settings.listen.trusted_proxy_cidrs.clone())
}

/// Whose forwarding headers are believed.
pub(super) fn trust(settings: &Settings) -> Trust {
    Trust { networks: trusted(settings), forwarded: settings.listen.forwarded }
}

/// The settings that requests are served by.
pub(super) fn policy(settings: &Settings) -> Policy {
    Policy {
        scripts: match settings.sign_in.unauthenticated_scripts {
            ScriptAnswer::Challenge => Scripts::Challenge,
            ScriptAnswer::Redirect => Scripts::Redirect,
        },
        akprox: settings.compat.akprox,
        flow_seconds: i64::try_from(settings.sign_in.flow_ttl.as_secs()).unwrap_or(i64::MAX),
        max_tries: u8::try_from(settings.sign_in.max_tries).unwrap_or(u8::MAX),
        lifetimes: lifetimes(&settings.sessions.lifetimes),
        header_ttl: settings.header_auth.cache_ttl,
        header_negative_ttl: settings.header_auth.negative_ttl,
        identity: settings.identity.rules.clone(),
        check_server_name: settings.listen.check_server_name,
        keep_post_bytes: settings.sign_in.keep_post_bytes,
        header_bytes: settings.limits.header_bytes,
        cookie_bytes: settings.limits.cookie_bytes,
        flows_per_browser: settings.limits.flows_per_browser,
        logout_form_bytes: settings.limits.logout_form_bytes,
    }
}
