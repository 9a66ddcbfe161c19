//! Whether two records mean the same configuration.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use secrecy::ExposeSecret;

use crate::wire::{OidcConfiguration, ProviderRecord};

/// A hash over everything in a record that matters. Equal for records that differ in the order
/// of scopes only, which changes with each process of core (contract 3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", hex::encode(&self.0[..8]))
    }
}

/// Works out the fingerprint of a record. Every field is taken apart by name, so that a new one
/// cannot be forgotten here.
#[must_use]
pub fn fingerprint(record: &ProviderRecord) -> Fingerprint {
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
    let OidcConfiguration {
        issuer,
        authorization_endpoint,
        token_endpoint,
        introspection_endpoint,
        end_session_endpoint,
        jwks_uri,
        id_token_signing_alg_values_supported,
    } = oidc_configuration;

    let mut hash = Hasher::new();
    hash.add(&pk.to_be_bytes());
    for text in [
        name,
        internal_host,
        external_host,
        client_id,
        client_secret.expose_secret(),
        cookie_secret.expose_secret(),
        skip_path_regex,
        basic_auth_password_attribute,
        basic_auth_user_attribute,
        mode,
        cookie_domain,
        assigned_application_slug,
        assigned_application_name,
        issuer,
        authorization_endpoint,
        token_endpoint,
        introspection_endpoint,
        end_session_endpoint,
        jwks_uri,
    ] {
        hash.add(text.as_bytes());
    }
    hash.add(certificate.as_deref().unwrap_or_default().as_bytes());
    hash.add(&access_token_validity.unwrap_or_default().to_be_bytes());
    for flag in [internal_host_ssl_validation, basic_auth_enabled, intercept_header_auth] {
        hash.add(&[u8::from(*flag)]);
    }
    hash.add_set(scopes_to_request);
    hash.add_set(id_token_signing_alg_values_supported);
    Fingerprint(hash.finish())
}

/// A hash of fields.
pub(super) struct Hasher(Context);

impl Hasher {
    /// A hash of nothing yet.
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// The hash of all that was added.
    pub(super) fn finish(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.finish().as_ref());
        bytes
    }

    /// Adds a field with its length, so that fields cannot run into each other.
    pub(super) fn add(&mut self, field: &[u8]) {
        self.0.update(&field.len().to_be_bytes());
        self.0.update(field);
    }

    /// Adds names whose order means nothing.
    fn add_set(&mut self, names: &[String]) {
        let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        self.add(&sorted.len().to_be_bytes());
        for name in sorted {
            self.add(name.as_bytes());
        }
    }
}
