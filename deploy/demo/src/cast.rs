//! The demo's cast: ports, providers and users, the same wherever the demo is shown.

use std::collections::BTreeMap;

use serde_json::json;

use crate::core::{KeyError, ProviderSpec, StandInCore, UserSpec};

/// The ports of the demo, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct Ports {
    /// Port of the outpost, HTTP
    #[arg(long, value_name = "PORT", default_value_t = 9000)]
    pub http_port: u16,
    /// Port of the outpost, HTTPS
    #[arg(long, value_name = "PORT", default_value_t = 9443)]
    pub https_port: u16,
    /// Port of the outpost's metrics
    #[arg(long, value_name = "PORT", default_value_t = 9300)]
    pub metrics_port: u16,
    /// Port of the dashboard
    #[arg(long, value_name = "PORT", default_value_t = 9301)]
    pub dashboard_port: u16,
    /// Port of the stand-in core
    #[arg(long, value_name = "PORT", default_value_t = 9100)]
    pub core_port: u16,
    /// Port of the sample application
    #[arg(long, value_name = "PORT", default_value_t = 9200)]
    pub app_port: u16,
}

impl Ports {
    /// Every port with the flag that changes it and what it is for.
    pub fn flags(&self) -> [(u16, &'static str, &'static str); 6] {
        [
            (self.http_port, "--http-port", "the outpost"),
            (self.https_port, "--https-port", "the outpost's HTTPS"),
            (self.metrics_port, "--metrics-port", "the outpost's metrics"),
            (self.dashboard_port, "--dashboard-port", "the dashboard"),
            (self.core_port, "--core-port", "the stand-in core"),
            (self.app_port, "--app-port", "the sample application"),
        ]
    }
}

/// App password of `alice`, for `curl -u alice:...`.
pub const ALICE_APP_PASSWORD: &str = "alice-app-password";

/// Puts the demo's providers and users into a core.
///
/// # Errors
/// A signing key could not be made.
pub fn populate(core: &StandInCore, http_port: u16, app_url: &str) -> Result<(), KeyError> {
    for provider in providers(http_port, app_url) {
        core.put_provider(provider)?;
    }
    users().into_iter().for_each(|user| core.put_user(user));
    Ok(())
}

/// One provider in each mode, each with `/public/` open to everybody.
pub fn providers(http_port: u16, app_url: &str) -> [ProviderSpec; 3] {
    let host = |name: &str| format!("http://{name}:{http_port}");
    [
        ProviderSpec::proxy("sample", &host("app.localhost"), app_url)
            .application("Sample application")
            .skip("^/public/")
            .basic_auth("app_user", "app_password"),
        ProviderSpec::forward_single("forward", &host("forward.localhost"))
            .application("Behind a reverse proxy")
            .skip("^/public/"),
        // In domain mode the whole URL is matched, so that the path alone would open nothing.
        ProviderSpec::forward_domain("domain", &host("auth.domain.localhost"), "domain.localhost")
            .application("A whole domain")
            .skip("^https?://[^/]+/public/"),
    ]
}

/// `alice`, who has everything, and `bob`, who has little.
pub fn users() -> [UserSpec; 2] {
    [
        UserSpec::new("alice", "alice-password")
            .name("Alice Anders")
            .groups(&["admins", "staff"])
            .superuser()
            .app_password(ALICE_APP_PASSWORD)
            .attributes(json!({
                "additionalHeaders": {"X-Department": "Research"},
                "app_user": "alice-at-the-application",
                "app_password": "opened-by-the-outpost",
            })),
        UserSpec::new("bob", "bob-password").name("Bob Brandt").groups(&["staff"]),
    ]
}

/// The environment that makes an outpost part of the demo.
pub fn outpost_environment(core: &StandInCore, ports: &Ports) -> BTreeMap<String, String> {
    let listen = |port: u16| format!("127.0.0.1:{port}");
    let variables = [
        ("AUTHENTIK_HOST", core.url()),
        ("AUTHENTIK_TOKEN", core.token()),
        ("AUTHENTIK_LISTEN__HTTP", listen(ports.http_port)),
        ("AUTHENTIK_LISTEN__HTTPS", listen(ports.https_port)),
        ("AUTHENTIK_LISTEN__METRICS", listen(ports.metrics_port)),
        ("OUTPOST__DASHBOARD__LISTEN", listen(ports.dashboard_port)),
        ("OUTPOST__SESSIONS__STORE", "memory:".to_owned()),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
