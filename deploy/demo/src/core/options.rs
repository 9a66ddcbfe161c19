//! How the stand-in core is started.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::crypto;

/// Options of a stand-in core. The defaults are those of a fresh installation.
#[derive(Clone, Debug)]
pub struct CoreOptions {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Path core is served under, empty or like `/auth-base`.
    pub base_path: String,
    /// Serve HTTPS with a self-signed certificate that has the CA bit.
    pub tls: bool,
    /// Uuid of the outpost.
    pub outpost_uuid: Uuid,
    /// Name of the outpost.
    pub outpost_name: String,
    /// Token of the outpost's service account.
    pub token: String,
    /// Token of a superuser, who sees every outpost.
    pub admin_token: String,
    /// `managed` of the outpost: `goauthentik.io/outposts/embedded` for the embedded one.
    pub managed: Option<String>,
    /// Keys over the default outpost configuration.
    pub config: Map<String, Value>,
    /// `refresh_interval_s` of the outpost.
    pub refresh_interval_seconds: i64,
    /// Core's own version: what `version_should` names in its normal form.
    pub version: String,
    /// Largest page of `/outposts/proxy/`, whatever is asked for.
    pub page_size_cap: Option<usize>,
    /// Name the back-channel application of each provider in the list of outposts, which is none, as core
    /// does since 2026.2: its own outposts of that time take no list without it.
    pub names_backchannel_applications: bool,
    /// Walk a browser through core's own redirects to the sign-in and sign-out flows, as the real core does.
    /// Without it, authorize and end-session answer with the page at once.
    pub flow_redirects: bool,
}

impl Default for CoreOptions {
    fn default() -> Self {
        Self {
            port: 0,
            base_path: String::new(),
            tls: false,
            outpost_uuid: Uuid::new_v4(),
            outpost_name: "outpost".to_owned(),
            token: crypto::random_text(60),
            admin_token: crypto::random_text(60),
            managed: None,
            config: Map::new(),
            refresh_interval_seconds: 300,
            version: "2025.10.0-rc1".to_owned(),
            page_size_cap: None,
            names_backchannel_applications: false,
            flow_redirects: false,
        }
    }
}

/// The configuration core stores for a new outpost, under `overrides`.
pub(crate) fn outpost_config(authentik_host: &str, overrides: &Map<String, Value>) -> Value {
    let mut config = json!({
        "log_level": "info",
        "docker_labels": null,
        "authentik_host": authentik_host,
        "docker_network": null,
        "container_image": null,
        "docker_map_ports": true,
        "refresh_interval": "minutes=5",
        "kubernetes_replicas": 1,
        "kubernetes_namespace": "default",
        "authentik_host_browser": "",
        "object_naming_template": "ak-outpost-%(name)s",
        "authentik_host_insecure": false,
    });
    if let Some(config) = config.as_object_mut() {
        config.extend(overrides.clone());
    }
    config
}
