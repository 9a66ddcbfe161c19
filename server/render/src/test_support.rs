//! Providers for unit tests.

use std::sync::Arc;

use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::headers::IdentityRule;
use serde_json::{Value, json};

use crate::input::Application;

/// A provider as core serves it; `more` wins.
pub(crate) fn application(mode: &str, external: &str, more: Value) -> Application {
    let mut record = json!({
        "pk": 1,
        "name": "Provider for app",
        "external_host": external,
        "internal_host": if mode == "proxy" { "http://application:8080" } else { "" },
        "mode": mode,
        "client_id": "client",
        "client_secret": "secret",
        "cookie_secret": "cookie secret",
        "cookie_domain": if mode == "forward_domain" { "example.com" } else { "" },
        "assigned_application_slug": "app",
        "assigned_application_name": "App",
        "oidc_configuration": {
            "issuer": "https://core.test/application/o/app/",
            "authorization_endpoint": "https://core.test/application/o/authorize/",
            "token_endpoint": "https://core.test/application/o/token/",
            "jwks_uri": "https://core.test/application/o/app/jwks/",
        },
    });
    let akprox = more["akprox"] == json!(true);
    if let Value::Object(more) = more {
        for (name, value) in more {
            record[name] = value;
        }
    }
    let record = serde_json::from_value(record).expect("a record");
    let context = CompileContext { akprox, ..CompileContext::default() };
    let provider = compile_provider(&record, &context).expect("a provider").provider;
    Application {
        provider: Arc::new(provider),
        rule: IdentityRule::default(),
        additional: Vec::new(),
    }
}
