//! `/outposts/instances/`.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Caller, READ_CREATE, READ_WRITE, detail, paginated, uuid_of};
use crate::core::{
    http::{Ask, Reply},
    options::outpost_config,
    state::{Provider, State},
};

/// The outposts the caller may see: its own, or all for a superuser (the embedded one first).
pub(crate) fn list(state: &State, ask: &Ask, caller: Caller) -> Reply {
    let mut outposts = vec![outpost(state, ask)];
    if caller == Caller::Admin {
        outposts.insert(0, embedded());
    }
    paginated(ask, READ_CREATE, outposts, None, |outpost| outpost)
}

/// The outpost itself.
pub(crate) fn one(state: &State, ask: &Ask, uuid: &str) -> Reply {
    if uuid == state.outpost_uuid.to_string() {
        Reply::api(200, READ_WRITE, &outpost(state, ask))
    } else {
        detail(404, READ_WRITE, "No Outpost matches the given query.")
    }
}

fn outpost(state: &State, ask: &Ask) -> Value {
    let mut outpost = json!({
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
    let mut known = HashMap::new();
    let providers = state.providers.iter().map(|provider| {
        let mut shown = provider_obj(provider, &mut known);
        if state.names_backchannel_applications {
            shown["assigned_backchannel_application_slug"] = Value::Null;
            shown["assigned_backchannel_application_name"] = Value::Null;
        }
        shown
    });
    outpost["providers_obj"] = providers.collect();
    outpost
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

/// `known` are the uuids of those before: thousands of providers have the same.
fn provider_obj<'a>(provider: &'a Provider, known: &mut HashMap<&'a str, Uuid>) -> Value {
    let mut uuid_of = |name| *known.entry(name).or_insert_with(|| uuid_of(name));
    let spec = &provider.spec;
    let slug = spec.has_application.then_some(&spec.slug);
    let name = spec.has_application.then_some(&spec.application_name);
    json!({
        "pk": provider.pk,
        "name": spec.name,
        "authentication_flow": uuid_of("authentication flow"),
        "authorization_flow": uuid_of("authorization flow"),
        "invalidation_flow": uuid_of("invalidation flow"),
        "property_mappings": spec.scopes.iter().map(|scope| uuid_of(scope.as_str())).collect::<Vec<_>>(),
        "component": "",
        "assigned_application_slug": slug,
        "assigned_application_name": name,
        "verbose_name": "provider",
        "verbose_name_plural": "providers",
        "meta_model_name": "authentik_core.provider",
    })
}
