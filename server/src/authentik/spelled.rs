//! Core's records as JSON, with the field names of core's own answers: what reads core reads them.

use outpost_decision::wire::{OidcConfiguration, OutpostRecord, ProviderRecord};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

// Every field is taken apart by name, so that a new one cannot be forgotten here.

/// An outpost.
pub(crate) fn outpost(record: &OutpostRecord) -> Value {
    let OutpostRecord { pk, name, kind, refresh_interval_s, config, managed } = record;
    json!({
        "pk": pk,
        "name": name,
        "type": kind,
        "refresh_interval_s": refresh_interval_s,
        "config": config,
        "managed": managed,
    })
}

/// A provider, its secrets included.
pub(crate) fn provider(record: &ProviderRecord) -> Value {
    let ProviderRecord {
        pk,
        name,
        internal_host,
        external_host,
        internal_host_ssl_validation,
        client_id,
        client_secret,
        oidc_configuration,
        cookie_secret,
        certificate,
        skip_path_regex,
        basic_auth_enabled,
        basic_auth_password_attribute,
        basic_auth_user_attribute,
        mode,
        cookie_domain,
        access_token_validity,
        intercept_header_auth,
        scopes_to_request,
        assigned_application_slug,
        assigned_application_name,
    } = record;
    // Each process of core has an order of its own.
    let mut scopes = scopes_to_request.clone();
    scopes.sort_unstable();
    json!({
        "pk": pk,
        "name": name,
        "internal_host": internal_host,
        "external_host": external_host,
        "internal_host_ssl_validation": internal_host_ssl_validation,
        "client_id": client_id,
        "client_secret": client_secret.expose_secret(),
        "oidc_configuration": oidc(oidc_configuration),
        "cookie_secret": cookie_secret.expose_secret(),
        "certificate": certificate,
        "skip_path_regex": skip_path_regex,
        "basic_auth_enabled": basic_auth_enabled,
        "basic_auth_password_attribute": basic_auth_password_attribute,
        "basic_auth_user_attribute": basic_auth_user_attribute,
        "mode": mode,
        "cookie_domain": cookie_domain,
        "access_token_validity": access_token_validity,
        "intercept_header_auth": intercept_header_auth,
        "scopes_to_request": scopes,
        "assigned_application_slug": assigned_application_slug,
        "assigned_application_name": assigned_application_name,
    })
}

fn oidc(configuration: &OidcConfiguration) -> Value {
    let OidcConfiguration {
        issuer,
        authorization_endpoint,
        token_endpoint,
        introspection_endpoint,
        end_session_endpoint,
        jwks_uri,
        id_token_signing_alg_values_supported,
    } = configuration;
    json!({
        "issuer": issuer,
        "authorization_endpoint": authorization_endpoint,
        "token_endpoint": token_endpoint,
        "introspection_endpoint": introspection_endpoint,
        "end_session_endpoint": end_session_endpoint,
        "jwks_uri": jwks_uri,
        "id_token_signing_alg_values_supported": id_token_signing_alg_values_supported,
    })
}
