//! Settings: typed, from layers, with every mistake told at once.
//!
//! `config/default.toml` names every setting with its default and its meaning. [`Settings::load`]
//! reads the layers over it; the environment is an argument, so that tests need no process.

mod hints;
mod identity;
mod layers;
mod limits;
mod mistake;
mod modes;
mod operators;
mod per_application;
mod reader;
mod reference;
mod sessions;
mod store_url;
#[cfg(test)]
mod tests;
mod tracing;
mod types;
mod upstream;
mod values;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use layers::Origin;
pub use layers::{CONTRACT_VARIABLES, DEFAULT, DEFAULT_FILE, Environment, Sources};
pub use mistake::{Mistake, SettingsError};
use reader::{Effective, Reader};
pub use types::{
    AcceptFrom, Admin, ClientCertificate, Compat, Core, Dashboard, Doctor, Embedded, HeaderAuth,
    HostPort, Identity, Journal, LifetimeLimits, Lifetimes, Limits, Listen, Log, LogFormat,
    LogLevel, OperatorSignIn, Otlp, RedisStore, Render, ScriptAnswer, Service, Sessions, Shutdown,
    SignIn, StoreLogin, StoreTls, StoreUrl, TlsVersion, Topology, Tracing, Upstream,
    UpstreamApplication, Web,
};

use crate::downstream::Address;

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The link to core.
    pub core: Core,
    /// Where to listen.
    pub listen: Listen,
    /// The web server.
    pub web: Web,
    /// What a client may send.
    pub limits: Limits,
    /// Signing in.
    pub sign_in: SignIn,
    /// Header authentication.
    pub header_auth: HeaderAuth,
    /// What older outposts did.
    pub compat: Compat,
    /// Core behind us, in embedded mode.
    pub embedded: Option<Embedded>,
    /// Where sessions are kept, and how long.
    pub sessions: Sessions,
    /// The applications behind proxy mode.
    pub upstream: Upstream,
    /// What applications are told about the user.
    pub identity: Identity,
    /// The operators' pages.
    pub dashboard: Dashboard,
    /// Configuration for what stands around the outpost.
    pub render: Render,
    /// Tokens of operators.
    pub admin: Admin,
    /// Logs.
    pub log: Log,
    /// Traces.
    pub tracing: Tracing,
    /// The latest decisions.
    pub journal: Journal,
    /// What the doctor looks at.
    pub doctor: Doctor,
    /// The end.
    pub shutdown: Shutdown,
    /// The service manager that started the program.
    pub service: Service,
    /// Names of `AUTHENTIK_*` variables that mean nothing to an outpost and were left alone.
    pub foreign_variables: Vec<String>,
    effective: Vec<Effective>,
}

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Settings {
    /// Reads all layers.
    ///
    /// # Errors
    /// Every mistake there is, not just the first.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        let mut read = Reader::new(layers::merge(sources), &sources.environment);
        let modes = modes::modes(&mut read);
        let host = match &modes.embedded {
            // What is embedded in core needs not be told where core is, nor who it is itself.
            Some(embedded) => {
                Some(read.optional_core_url("core.host").unwrap_or_else(|| embedded.core.clone()))
            }
            None => read.core_url("core.host", "http://core.invalid"),
        };
        let secret_key = modes.embedded.as_ref().and_then(|it| it.secret_key.clone());
        let core = |read: &mut Reader<'_>, host| Core {
            host,
            token: match secret_key {
                Some(key) => read.optional_secret("core.token").unwrap_or(key),
                None => read.secret("core.token"),
            },
            insecure: read.switch("core.insecure"),
            ca_file: read.path("core.ca_file"),
            host_browser: read.url("core.host_browser"),
            connect_timeout: read.duration("core.connect_timeout", MILLISECOND..=HOUR),
            request_timeout: read.duration("core.request_timeout", MILLISECOND..=HOUR),
            // Core forgets an instance 15 s after its last hello.
            hello_interval: read.duration("core.hello_interval", 10 * MILLISECOND..=14 * SECOND),
            refresh_jitter: read.duration("core.refresh_jitter", Duration::ZERO..=HOUR),
            last_known_good: read.switch("core.last_known_good"),
        };
        let Some(host) = host else {
            // Only when the stand-in above is no URL.
            return Err(SettingsError { mistakes: read.finish().1 });
        };
        let core = core(&mut read, host);
        let (dashboard, admin) = operators::operators(&mut read);
        let mut settings = Self {
            core,
            listen: Listen {
                http: modes.listeners(&mut read, "listen.http", |compat| &compat.akprox_http),
                https: modes.listeners(&mut read, "listen.https", |compat| &compat.akprox_https),
                metrics: read.listeners("listen.metrics"),
                trusted_proxy_cidrs: read.networks("listen.trusted_proxy_cidrs"),
                proxy_protocol: read.switch("listen.proxy_protocol"),
                reuse_port: read.switch("listen.reuse_port"),
                forwarded: read.switch("listen.forwarded"),
                tls_min: read.choice(
                    "listen.tls_min",
                    &[("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)],
                    TlsVersion::Tls12,
                ),
                check_server_name: read.switch("listen.check_server_name"),
            },
            web: Web {
                workers: Some(read.number("web.workers", 0..=1024)).filter(|count| *count > 0),
                read_header_timeout: read.duration("web.read_header_timeout", MILLISECOND..=HOUR),
                read_timeout: read.duration("web.read_timeout", MILLISECOND..=DAY),
                write_timeout: read.duration("web.write_timeout", MILLISECOND..=DAY),
                idle_timeout: read.duration("web.idle_timeout", MILLISECOND..=DAY),
            },
            limits: limits::limits(&mut read),
            sign_in: SignIn {
                flow_ttl: read.duration("sign_in.flow_ttl", SECOND..=DAY),
                keep_post_bytes: read.number("sign_in.keep_post_bytes", 0..=262_144),
                max_tries: read.number("sign_in.max_tries", 1..=10),
                unauthenticated_scripts: read.choice(
                    "sign_in.unauthenticated_scripts",
                    &[("challenge", ScriptAnswer::Challenge), ("redirect", ScriptAnswer::Redirect)],
                    ScriptAnswer::Challenge,
                ),
            },
            header_auth: HeaderAuth {
                cache_ttl: read.duration("header_auth.cache_ttl", Duration::ZERO..=HOUR),
                negative_ttl: read.duration("header_auth.negative_ttl", Duration::ZERO..=HOUR),
                capacity: read.number("header_auth.capacity", 1..=10_000_000),
                failures_per_minute: read.number("header_auth.failures_per_minute", 0..=1_000_000),
            },
            compat: modes.compat,
            embedded: modes.embedded,
            sessions: sessions::sessions(&mut read),
            upstream: upstream::upstream(&mut read),
            identity: Identity { rules: identity::rules(&mut read) },
            dashboard,
            render: Render { outpost_url: read.url("render.outpost_url") },
            admin,
            log: Log {
                level: log_level(&mut read),
                format: read.choice(
                    "log.format",
                    &[("json", LogFormat::Json), ("text", LogFormat::Text)],
                    LogFormat::Json,
                ),
                http_headers: read.header_names("log.http_headers"),
                error_reporting: read.switch("log.error_reporting"),
                buffer_bytes: read.number("log.buffer_bytes", 65_536..=1_073_741_824),
            },
            tracing: tracing::tracing(&mut read),
            journal: Journal { capacity: read.number("journal.capacity", 16..=1_000_000) },
            doctor: Doctor { connect: read.switch("doctor.connect") },
            shutdown: Shutdown {
                delay: read.duration("shutdown.delay", Duration::ZERO..=HOUR),
                drain_timeout: read.duration("shutdown.drain_timeout", Duration::ZERO..=HOUR),
                close_spread: read.duration("shutdown.close_spread", Duration::ZERO..=HOUR),
            },
            service: Service::of(&sources.environment, std::process::id()),
            foreign_variables: Vec::new(),
            effective: Vec::new(),
        };
        check_listeners(&settings, &mut read);
        let core_is_local = settings.core.host.scheme() == "unix";
        if settings.dashboard.sign_in.is_some()
            && core_is_local
            && settings.core.host_browser.is_none()
        {
            read.mistake(
                "core.host_browser",
                "is not set, and operators' browsers cannot reach core by a socket",
            );
        }
        if settings.core.insecure && settings.core.ca_file.is_some() {
            read.mistake(
                "core.ca_file",
                "is of no use while core.insecure turns the check of core's certificate off",
            );
        }
        let (effective, mistakes, foreign) = read.finish();
        if !mistakes.is_empty() {
            return Err(SettingsError { mistakes });
        }
        settings.effective = effective;
        settings.foreign_variables = foreign;
        Ok(settings)
    }

    /// The settings in effect as TOML, each with where it was set; secrets are masked.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for Effective { key, value, origin } in &self.effective {
            let (of, name) = key.split_once('.').unwrap_or(("", key));
            if of != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}[{of}]");
                section = of;
            }
            let _ = match origin {
                Origin::Default => writeln!(text, "{name} = {value}"),
                Origin::File(from) | Origin::Variable(from) => {
                    writeln!(text, "{name} = {value} # {from}")
                }
            };
        }
        text
    }
}

fn log_level(read: &mut Reader<'_>) -> Option<LogLevel> {
    let mut choices = vec![("", None)];
    choices.extend(LogLevel::NAMES.map(|(name, level)| (name, Some(level))));
    read.choice("log.level", &choices, None)
}

/// What only shows when listeners are looked at together.
fn check_listeners(settings: &Settings, read: &mut Reader<'_>) {
    let tcp = |addresses: &[SocketAddr]| addresses.iter().copied().map(Address::Tcp).collect();
    let listeners: [(&str, Vec<Address>); 4] = [
        ("listen.http", settings.listen.http.clone()),
        ("listen.https", settings.listen.https.clone()),
        ("listen.metrics", tcp(&settings.listen.metrics)),
        ("dashboard.listen", tcp(&settings.dashboard.listen)),
    ];
    let mut taken: BTreeMap<Address, &str> = BTreeMap::new();
    let any_port = |address: &Address| matches!(address, Address::Tcp(tcp) if tcp.port() == 0);
    for (key, addresses) in listeners {
        for address in addresses.into_iter().filter(|address| !any_port(address)) {
            let text = address.to_string();
            if let Some(other) = taken.insert(address, key) {
                read.mistake(key, format!("{text} is listened on already, by {other}"));
            }
        }
    }
    // A list that could not be read is empty, too, and has been told already.
    if read.is_clean() && settings.listen.http.is_empty() && settings.listen.https.is_empty() {
        read.mistake("listen.http", "is off, and so is listen.https: nothing would be served");
    }
}
