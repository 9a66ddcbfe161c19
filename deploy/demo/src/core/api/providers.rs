//! `/outposts/proxy/`: the providers as an outpost gets them.

use serde_json::{Value, json};

use super::{READ, paginated};
use crate::core::{
    crypto,
    http::{Ask, Reply},
    spec::ProviderSpec,
    state::{Provider, State},
};

/// The proxy providers that have an application, by name.
pub(crate) fn list(state: &State, ask: &Ask) -> Reply {
    let mut providers: Vec<&Provider> = state
        .providers
        .iter()
        .filter(|one| one.spec.is_proxy && one.spec.has_application)
        .collect();
    providers.sort_by(|one, other| one.spec.name.cmp(&other.spec.name));
    // Of thousands of providers a page shows a hundred.
    paginated(ask, READ, providers, state.page_size_cap, |provider| {
        state.told.text(&ask.origin, provider, || record(state, ask, provider))
    })
}

fn record(state: &State, ask: &Ask, provider: &Provider) -> Value {
    let spec = &provider.spec;
    let mut record = json!({
        "pk": provider.pk,
        "name": spec.name,
        "internal_host": spec.internal_host,
        "external_host": spec.external_host,
        "internal_host_ssl_validation": spec.internal_host_ssl_validation,
        "client_id": spec.client_id,
        "client_secret": spec.client_secret,
        "cookie_secret": spec.cookie_secret,
        "certificate": spec.certificate,
        "skip_path_regex": spec.skip_path_regex,
        "basic_auth_enabled": spec.basic_auth_enabled,
        "basic_auth_password_attribute": spec.basic_auth_password_attribute,
        "basic_auth_user_attribute": spec.basic_auth_user_attribute,
        "mode": spec.mode.as_str(),
        "cookie_domain": spec.cookie_domain,
        "access_token_validity": spec.access_token_validity,
        "intercept_header_auth": spec.intercept_header_auth,
        "scopes_to_request": scopes(state, spec, "to request"),
        "assigned_application_slug": spec.slug,
        "assigned_application_name": spec.application_name,
    });
    record["oidc_configuration"] = oidc_configuration(state, &ask.origin, spec);
    if let Some(record) = record.as_object_mut() {
        record.extend(spec.overrides.clone());
    }
    record
}

/// The discovery document; every URL follows the host and scheme of the request.
pub(crate) fn oidc_configuration(state: &State, origin: &str, spec: &ProviderSpec) -> Value {
    let slug = &spec.slug;
    json!({
        "issuer": format!("{origin}/application/o/{slug}/"),
        "authorization_endpoint": format!("{origin}/application/o/authorize/"),
        "token_endpoint": format!("{origin}/application/o/token/"),
        "userinfo_endpoint": format!("{origin}/application/o/userinfo/"),
        "end_session_endpoint": format!("{origin}/application/o/{slug}/end-session/"),
        "introspection_endpoint": format!("{origin}/application/o/introspect/"),
        "revocation_endpoint": format!("{origin}/application/o/revoke/"),
        "device_authorization_endpoint": format!("{origin}/application/o/device/"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "response_types_supported":
            ["code", "id_token", "id_token token", "code token", "code id_token", "code id_token token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "jwks_uri": format!("{origin}/application/o/{slug}/jwks/"),
        "grant_types_supported": [
            "authorization_code", "refresh_token", "implicit", "client_credentials", "password",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "id_token_signing_alg_values_supported": [spec.signing.alg()],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "acr_values_supported": ["goauthentik.io/providers/oauth2/default"],
        "scopes_supported": scopes(state, spec, "supported"),
        "request_parameter_supported": false,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "ak_proxy", "email",
            "email_verified", "entitlements", "roles", "name", "given_name", "preferred_username", "nickname",
            "groups",
        ],
        "claims_parameter_supported": false,
        "code_challenge_methods_supported": ["plain", "S256"],
    })
}

/// The scopes in the order of a Python set: another one in each process, and for each list.
fn scopes<'a>(state: &State, spec: &'a ProviderSpec, list: &str) -> Vec<&'a str> {
    let mut scopes: Vec<&str> = spec.scopes.iter().map(String::as_str).collect();
    scopes.sort_by_cached_key(|scope| {
        crypto::sha256_hex(format!("{}{list}{scope}", state.scope_seed).as_bytes())
    });
    scopes
}
