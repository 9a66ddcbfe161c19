//! Is a record the one we have?

use std::borrow::Cow;

use outpost_decision::wire::ProviderRecord;
use secrecy::ExposeSecret;

/// Whether two records mean the same. The order of scopes means nothing: every process of core
/// has one of its own (contract 3).
pub(super) fn same_record(a: &ProviderRecord, b: &ProviderRecord) -> bool {
    // Taken apart without `..`: a field added to the record must be added here to compile.
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
    } = a;
    *pk == b.pk
        && *name == b.name
        && *internal_host == b.internal_host
        && *external_host == b.external_host
        && *internal_host_ssl_validation == b.internal_host_ssl_validation
        && *client_id == b.client_id
        && client_secret.expose_secret() == b.client_secret.expose_secret()
        && *oidc_configuration == b.oidc_configuration
        && cookie_secret.expose_secret() == b.cookie_secret.expose_secret()
        && *certificate == b.certificate
        && *skip_path_regex == b.skip_path_regex
        && *basic_auth_enabled == b.basic_auth_enabled
        && *basic_auth_password_attribute == b.basic_auth_password_attribute
        && *basic_auth_user_attribute == b.basic_auth_user_attribute
        && *mode == b.mode
        && *cookie_domain == b.cookie_domain
        && *access_token_validity == b.access_token_validity
        && *intercept_header_auth == b.intercept_header_auth
        && sorted(scopes_to_request) == sorted(&b.scopes_to_request)
        && *assigned_application_slug == b.assigned_application_slug
        && *assigned_application_name == b.assigned_application_name
}

fn sorted(scopes: &[String]) -> Cow<'_, [String]> {
    if scopes.is_sorted() {
        return Cow::Borrowed(scopes);
    }
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    Cow::Owned(scopes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn full() -> Value {
        json!({
            "pk": 1, "name": "n", "internal_host": "http://i", "external_host": "http://e",
            "internal_host_ssl_validation": true, "client_id": "c", "client_secret": "s",
            "oidc_configuration": { "issuer": "i" }, "cookie_secret": "k", "certificate": null,
            "skip_path_regex": "", "basic_auth_enabled": false,
            "basic_auth_password_attribute": "", "basic_auth_user_attribute": "",
            "mode": "proxy", "cookie_domain": "", "access_token_validity": 600.0,
            "intercept_header_auth": true, "scopes_to_request": ["openid", "email", "ak_proxy"],
            "assigned_application_slug": "a", "assigned_application_name": "A",
        })
    }

    fn record(value: Value) -> ProviderRecord {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_order_of_scopes_is_no_change() {
        let mut other = full();
        other["scopes_to_request"] = json!(["ak_proxy", "openid", "email"]);
        assert!(same_record(&record(full()), &record(other)));
    }

    #[test]
    fn every_other_field_is() {
        let changes = [
            ("pk", json!(2)),
            ("name", json!("m")),
            ("internal_host", json!("http://j")),
            ("external_host", json!("http://f")),
            ("internal_host_ssl_validation", json!(false)),
            ("client_id", json!("d")),
            ("client_secret", json!("t")),
            ("oidc_configuration", json!({ "issuer": "j" })),
            ("cookie_secret", json!("l")),
            ("certificate", json!("uuid")),
            ("skip_path_regex", json!("^/a")),
            ("basic_auth_enabled", json!(true)),
            ("basic_auth_password_attribute", json!("p")),
            ("basic_auth_user_attribute", json!("u")),
            ("mode", json!("forward_single")),
            ("cookie_domain", json!("d")),
            ("access_token_validity", json!(601.0)),
            ("intercept_header_auth", json!(false)),
            ("scopes_to_request", json!(["openid", "email"])),
            ("assigned_application_slug", json!("b")),
            ("assigned_application_name", json!("B")),
        ];
        assert_eq!(changes.len(), full().as_object().unwrap().len());
        for (field, value) in changes {
            let mut other = full();
            other[field] = value;
            assert!(!same_record(&record(full()), &record(other)), "{field}");
        }
    }
}
