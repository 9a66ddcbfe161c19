//! `/outposts/instances/`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    Caller, READ_CREATE, READ_WRITE, detail, paginated,
    told::{with_list, written},
    uuid_of,
};
use crate::core::{
    http::{Ask, Reply},
    options::outpost_config,
    state::{Provider, State},
};

/// The outposts the caller may see: its own, or all for a superuser (the embedded one first).
pub(crate) fn list(state: &State, ask: &Ask, caller: Caller) -> Reply {
    let mut outposts = vec![outpost(state, ask)];
    if caller == Caller::Admin {
        outposts.insert(0, written(&embedded()));
    }
    paginated(ask, READ_CREATE, outposts, None, Arc::from)
}

/// The outpost itself.
pub(crate) fn one(state: &State, ask: &Ask, uuid: &str) -> Reply {
    if uuid == state.outpost_uuid.to_string() {
        Reply::api_text(200, READ_WRITE, outpost(state, ask))
    } else {
        detail(404, READ_WRITE, "No Outpost matches the given query.")
    }
}

fn outpost(state: &State, ask: &Ask) -> String {
    let outpost = json!({
        "pk": state.outpost_uuid,
        "name": state.outpost_name,
        "type": "proxy",
        "providers": state.providers.iter().map(|provider| provider.pk).collect::<Vec<_>>(),
        "service_connection": null,
        "service_connection_obj": null,
        "refresh_interval_s": state.refresh_interval_seconds,
        "token_identifier": format!("ak-outpost-{}-api", state.outpost_uuid),
        "config": outpost_config(&format!("{}/", ask.origin), &state.config),
        "managed": state.managed,
    });
    let named = |provider| state.named.text("", provider, || provider_obj(state, provider));
    let providers: Vec<Arc<str>> = state.providers.iter().map(named).collect();
    with_list(&outpost, "providers_obj", &providers)
}

fn embedded() -> Value {
    let pk = uuid_of("embedded outpost");
    json!({
        "pk": pk,
        "name": "authentik Embedded Outpost",
        "type": "proxy",
        "providers": [],
        "providers_obj": [],
        "service_connection": null,
        "service_connection_obj": null,
        "refresh_interval_s": 300,
        "token_identifier": format!("ak-outpost-{pk}-api"),
        "config": outpost_config("", &Map::new()),
        "managed": "goauthentik.io/outposts/embedded",
    })
}

fn provider_obj(state: &State, provider: &Provider) -> Value {
    let spec = &provider.spec;
    let slug = spec.has_application.then_some(&spec.slug);
    let name = spec.has_application.then_some(&spec.application_name);
    let mut shown = json!({
        "pk": provider.pk,
        "name": spec.name,
        "authentication_flow": uuid_of("authentication flow"),
        "authorization_flow": uuid_of("authorization flow"),
        "invalidation_flow": uuid_of("invalidation flow"),
        "property_mappings": spec.scopes.iter().map(|scope| uuid_of(scope)).collect::<Vec<_>>(),
        "component": "",
        "assigned_application_slug": slug,
        "assigned_application_name": name,
        "verbose_name": "provider",
        "verbose_name_plural": "providers",
        "meta_model_name": "authentik_core.provider",
    });
    if state.names_backchannel_applications {
        shown["assigned_backchannel_application_slug"] = Value::Null;
        shown["assigned_backchannel_application_name"] = Value::Null;
    }
    shown
}
