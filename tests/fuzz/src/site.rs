//! The providers that targets are run against, as core would send them.

use std::sync::{Arc, LazyLock};

use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::provider::Provider;
use outpost_decision::ruleset::Ruleset;
use outpost_decision::time::Timestamp;
use outpost_decision::wire::ProviderRecord;
use serde_json::{Value, json};

/// The present, in every target.
pub const NOW: Timestamp = Timestamp(1_800_000_000);

/// Secret of every client; long enough to be found nowhere by chance.
pub const CLIENT_SECRET: &str = "client-secret-that-nobody-may-see";

/// Key of every state.
pub const COOKIE_SECRET: &str = "cookie-secret-that-nobody-may-see";

/// A provider as core sends it.
#[must_use]
pub fn record(pk: i64, mode: &str, external: &str) -> Value {
    let core = "https://core.test/application/o";
    json!({
        "pk": pk,
        "name": format!("provider {pk}"),
        "mode": mode,
        "external_host": external,
        "internal_host": "http://127.0.0.1:1",
        "client_id": format!("client-{pk}"),
        "client_secret": CLIENT_SECRET,
        "cookie_secret": COOKIE_SECRET,
        "cookie_domain": "",
        "skip_path_regex": "^/public/",
        "scopes_to_request": ["openid", "email", "profile", "ak_proxy"],
        "oidc_configuration": {
            "issuer": format!("{core}/app-{pk}/"),
            "authorization_endpoint": format!("{core}/authorize/"),
            "token_endpoint": format!("{core}/token/"),
            "introspection_endpoint": format!("{core}/introspect/"),
            "end_session_endpoint": format!("{core}/app-{pk}/end-session/"),
            "jwks_uri": format!("{core}/app-{pk}/jwks/"),
            "id_token_signing_alg_values_supported": ["HS256"],
        },
        "assigned_application_slug": format!("app-{pk}"),
        "assigned_application_name": format!("App {pk}"),
    })
}

/// Compiles a record that must compile.
#[must_use]
pub fn compiled(record: Value, akprox: bool) -> Provider {
    let record: ProviderRecord = serde_json::from_value(record).unwrap();
    let context = CompileContext { akprox, ..CompileContext::default() };
    compile_provider(&record, &context).expect("a good record compiles").provider
}

/// Outposts with one provider of every kind, compiled once: without the paths of the 2021.5 outpost
/// and with them.
#[must_use]
pub fn sites() -> &'static [Site; 2] {
    static SITES: LazyLock<[Site; 2]> = LazyLock::new(|| [false, true].map(Site::new));
    &SITES
}

/// An outpost's configuration.
#[derive(Debug)]
pub struct Site {
    /// Whether the paths of the 2021.5 outpost are served as well.
    pub akprox: bool,
    /// In proxy mode, for one host, for a whole domain, below a path, for a wildcard.
    pub providers: Vec<Arc<Provider>>,
    /// The same, indexed.
    pub ruleset: Ruleset,
}

impl Site {
    fn new(akprox: bool) -> Self {
        let mut domain = record(3, "forward_domain", "https://auth.domain.test");
        domain["cookie_domain"] = json!("domain.test");
        domain["skip_path_regex"] = json!("^https?://[^/]+/public/");
        let records = [
            record(1, "proxy", "http://app.test:9000"),
            record(2, "forward_single", "https://single.test"),
            domain,
            record(4, "proxy", "https://paths.test/app/"),
            record(5, "forward_single", "https://*.wild.test"),
        ];
        let providers: Vec<_> =
            records.into_iter().map(|record| Arc::new(compiled(record, akprox))).collect();
        let (ruleset, _) = Ruleset::build(providers.clone());
        Self { akprox, providers, ruleset }
    }

    /// The provider at `app.test:9000`, in proxy mode.
    #[must_use]
    pub fn app(&self) -> &Provider {
        &self.providers[0]
    }

    /// The provider at `single.test`: another client.
    #[must_use]
    pub fn single(&self) -> &Provider {
        &self.providers[1]
    }
}
