use serde_json::{Value, json};

use super::*;
use crate::provider::BackChannel;
use crate::test_support::{exchanges, fixture};

/// The captured provider at `index` (0 forward_domain, 1 forward_single, 2 proxy), changed.
fn record(index: usize, changes: Value) -> ProviderRecord {
    let mut record = fixture("02_outposts_proxy.json")["response"]["body"]["results"][index].take();
    for (key, value) in changes.as_object().unwrap() {
        record[key] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

fn compiled(record: &ProviderRecord) -> Compiled {
    compile_provider(record, &CompileContext::default()).unwrap()
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

fn found(index: usize, changes: Value) -> Vec<&'static str> {
    codes(&compiled(&record(index, changes)).findings)
}

fn refused(index: usize, changes: Value) -> Vec<&'static str> {
    let mut record = record(index, changes);
    record.skip_path_regex.clear();
    let findings = compile_provider(&record, &CompileContext::default()).unwrap_err();
    assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
    codes(&findings)
}

#[test]
fn captured_records_compile() {
    for name in [
        "02_outposts_proxy.json",
        "02b_outposts_proxy_paging.json",
        "02c_outposts_proxy_host_header.json",
        "02d_outposts_proxy_other_process.json",
    ] {
        let mut seen = 0;
        for exchange in exchanges(name) {
            let Some(results) = exchange["response"]["body"]["results"].as_array() else {
                continue;
            };
            for result in results {
                let record: ProviderRecord = serde_json::from_value(result.clone()).unwrap();
                let errors: Vec<_> = compiled(&record)
                    .findings
                    .into_iter()
                    .filter(|f| f.severity == Severity::Error && f.code != "skip_path_invalid")
                    .collect();
                assert_eq!(errors, [], "{name}");
                seen += 1;
            }
        }
        assert!(seen > 0, "{name} holds providers");
    }
}

#[test]
fn the_captured_domain_provider_in_full() {
    let provider = compiled(&record(0, json!({}))).provider;
    assert_eq!(provider.pk, 3);
    assert_eq!(provider.mode, Mode::ForwardDomain);
    assert_eq!(provider.external.origin(), "http://auth.dom.test:9000");
    assert_eq!(provider.cookie_domain.as_deref(), Some("dom.test"));
    assert_eq!(provider.cookie.domain.as_deref(), Some("dom.test"));
    assert!(!provider.cookie.secure);
    assert_eq!(provider.scope, "ak_proxy email entitlements openid profile");
    assert_eq!(provider.signing, Signing::ClientSecret);
    assert_eq!(provider.access_token_validity, 90_000);
    assert_eq!(provider.internal, None);
    assert_eq!(
        provider.redirect_uri,
        "http://auth.dom.test:9000/outpost.goauthentik.io/callback?X-authentik-auth-callback=true"
    );
    assert_eq!(provider.endpoints.issuer, "http://127.0.0.1:8000/application/o/app-fwd-domain/");
    assert_eq!(provider.endpoints.back_channel, None);
    assert_eq!(provider.skip.rules().len(), 1);
    assert_eq!(provider.certificate.as_deref(), Some("0fc4eae0-4e8e-4964-b0d8-ad2a3f386ce2"));
}

#[test]
fn the_cookie_is_named_after_the_client() {
    // printf %s abc | sha256sum
    assert_eq!(cookie_name("abc"), "authentik_proxy_ba7816bf");
}

/// `/akprox/sign_out` lies outside of the application's path.
#[test]
fn the_cookie_is_sent_to_the_old_paths_where_reverse_proxies_send_those_alone() {
    let context = CompileContext { akprox: true, ..CompileContext::default() };
    for (mode, expected) in [("proxy", "/a"), ("forward_single", "/"), ("forward_domain", "/")] {
        let fields = json!({
            "external_host": "http://h.test/a/", "mode": mode, "cookie_domain": "",
            "internal_host": "http://app",
        });
        let compiled = compile_provider(&record(1, fields), &context).unwrap();
        assert_eq!(compiled.provider.cookie.path, expected, "{mode}");
    }
}

#[test]
fn redirect_addresses_are_those_that_core_registers() {
    const QUERY: &str = "?X-authentik-auth-callback=true";
    const TAIL: &str = "outpost.goauthentik.io/callback?X-authentik-auth-callback=true";
    let of = |mode: &str, external: &str| {
        let domain = if mode == "forward_domain" { "test" } else { "" };
        let fields = json!({
            "external_host": external, "mode": mode, "cookie_domain": domain,
            "internal_host": "http://app",
        });
        compiled(&record(1, fields)).provider
    };
    // The application's path, where core calls back, and the path of the cookie.
    for (external, callback, path, home, cookie) in [
        ("https://app.test", "https://app.test/", "", "", "/"),
        ("https://app.test/", "https://app.test/", "", "", "/"),
        ("HTTPS://App.test:443", "https://App.test:443/", "", "", "/"),
        ("http://a.test:9000/s/p/", "http://a.test:9000/s/p/", "/s/p", "/s/p", "/s/p"),
        ("http://a.test:9000/s", "http://a.test:9000/", "/s", "", "/"),
        ("http://a.test:9000/s/p", "http://a.test:9000/s/", "/s/p", "/s", "/s"),
    ] {
        for mode in ["proxy", "forward_single", "forward_domain"] {
            let provider = of(mode, external);
            let about = format!("{mode} {external}");
            assert_eq!(provider.external.path, path, "{about}");
            if mode == "proxy" && !path.is_empty() && !external.ends_with('/') {
                assert_eq!(provider.redirect_uri, format!("{external}{QUERY}"), "{about}");
                assert_eq!(
                    (provider.external.home.as_str(), provider.cookie.path.as_str()),
                    (path, path)
                );
                continue;
            }
            assert_eq!(provider.redirect_uri, format!("{callback}{TAIL}"), "{about}");
            assert_eq!(provider.external.home, home, "{about}");
            let cookie = if mode == "forward_domain" { "/" } else { cookie };
            assert_eq!(provider.cookie.path, cookie, "{about}");
        }
    }
    let captured = fixture("27_provider_without_application_and_redirect_uris.json");
    let mut checked = 0;
    for (key, registered) in captured.as_object().unwrap() {
        let (Some(at), Some(registered)) = (key.find("http://"), registered.as_array()) else {
            continue;
        };
        for mode in ["proxy", "forward_single"] {
            let ours = of(mode, &key[at..]).redirect_uri;
            assert!(registered.iter().any(|uri| uri["url"] == ours.as_str()), "{mode} {key}");
            checked += 1;
        }
    }
    assert_eq!(checked, 4);
    let codes = |mode: &str| {
        let fields = json!({
            "external_host": "https://app.test/sub", "mode": mode, "internal_host": "http://app",
        });
        found(1, fields).contains(&"external_host_path_without_slash")
    };
    assert!(codes("forward_single") && !codes("proxy"));
}

#[test]
fn a_wildcard_host_becomes_the_host_asked_for() {
    let fields =
        json!({ "external_host": "https://*.Apps.test:8443/sub/", "mode": "forward_single" });
    let compiled = compiled(&record(1, fields.clone()));
    assert!(found(1, fields).contains(&"external_host_wildcard"));
    let wide = compiled.provider;
    assert_eq!(wide.external.authority.to_string(), "*.apps.test:8443");
    let host = Authority::parse("one.apps.test:8443").unwrap();
    let one = wide.at(&host).unwrap();
    assert_eq!(one.external.origin(), "https://one.apps.test:8443");
    assert_eq!(
        one.redirect_uri,
        "https://one.apps.test:8443/sub/outpost.goauthentik.io/callback?X-authentik-auth-callback=true"
    );
    assert_eq!((one.pk, &one.cookie), (wide.pk, &wide.cookie));
    assert!(one.at(&host).is_none(), "it is one of a single host now");
}

#[test]
fn the_external_host_is_normalised() {
    for (external, authority, secure) in [
        ("https://App.Test:443/", "app.test", true),
        ("http://app.test:80", "app.test", false),
        ("https://app.test:8443", "app.test:8443", true),
        ("https://bücher.test", "xn--bcher-kva.test", true),
        (" https://app.test ", "app.test", true),
    ] {
        let provider = compiled(&record(1, json!({ "external_host": external }))).provider;
        assert_eq!(provider.external.authority.to_string(), authority, "{external}");
        assert_eq!(provider.cookie.secure, secure, "{external}");
    }
    for external in [
        "",
        "app.test",
        "//app.test",
        "ftp://app.test",
        "ws://app.test",
        "https://",
        "https:///x",
        "https://user@app.test",
        "https://app.test:port",
        "https://app .test",
        "https://app.test/../x",
        "https://bücher.test@evil",
        "https://*",
        "https://*.",
        "https://*.*.test",
        "https://a*.test",
        "https://a.*.test",
        "https://*.10.0.0.1",
        "https://*.[::1]",
        "javascript:alert(1)",
    ] {
        assert_eq!(
            refused(1, json!({ "external_host": external })),
            ["external_host_invalid"],
            "{external}"
        );
    }
}

#[test]
fn what_a_provider_cannot_do_without() {
    assert_eq!(refused(1, json!({ "client_id": "" })), ["client_id_missing"]);
    assert_eq!(refused(1, json!({ "client_secret": "" })), ["client_secret_missing"]);
    assert_eq!(refused(1, json!({ "cookie_secret": "" })), ["cookie_secret_missing"]);
    assert_eq!(refused(1, json!({ "mode": "forward_galaxy" })), ["mode_unknown"]);
    assert_eq!(refused(1, json!({ "mode": "" })), ["mode_unknown"]);
    assert_eq!(refused(2, json!({ "internal_host": "" })), ["internal_host_missing"]);
    for host in ["app", "app:8080", "localhost:80/x"] {
        assert_eq!(refused(2, json!({ "internal_host": host })), ["internal_host_no_scheme"]);
    }
    for host in ["ftp://app", "http://", "http://a b"] {
        assert_eq!(refused(2, json!({ "internal_host": host })), ["internal_host_invalid"]);
    }
    assert_eq!(refused(1, json!({ "oidc_configuration": {} })), ["oidc_endpoint_invalid"; 4]);
    // All at once.
    assert_eq!(
        refused(2, json!({ "client_id": "", "external_host": "x", "internal_host": "" })),
        ["client_id_missing", "external_host_invalid", "internal_host_missing"]
    );
}

#[test]
fn findings_never_hold_a_secret() {
    let bad = record(1, json!({ "external_host": "x", "cookie_domain": "*", "mode": "y" }));
    let findings = compile_provider(&bad, &CompileContext::default()).unwrap_err();
    for finding in findings {
        let text = format!("{finding:?}");
        assert!(!text.contains(bad.client_secret.expose_secret()));
        assert!(!text.contains(bad.cookie_secret.expose_secret()));
    }
}

#[test]
fn cookie_domains_are_checked_against_the_external_host() {
    let domain = |changes| compiled(&record(0, changes)).provider.cookie_domain;
    assert_eq!(domain(json!({ "cookie_domain": ".DOM.test" })).as_deref(), Some("dom.test"));
    assert_eq!(domain(json!({ "cookie_domain": "om.test" })), None);
    assert_eq!(found(0, json!({ "cookie_domain": "om.test" })), ["cookie_domain_mismatch"]);
    assert_eq!(found(0, json!({ "cookie_domain": "other.test" })), ["cookie_domain_mismatch"]);
    assert_eq!(found(0, json!({ "cookie_domain": "test" })), ["cookie_domain_public"]);
    assert_eq!(found(0, json!({ "cookie_domain": "" })), ["cookie_domain_missing"]);
    for bad in ["*.dom.test", "https://dom.test", "dom.test:9000", "a b"] {
        assert_eq!(found(0, json!({ "cookie_domain": bad })), ["cookie_domain_invalid"], "{bad}");
    }
    // In the other modes a domain widens the cookie and routes nothing.
    let single = compiled(&record(1, json!({ "cookie_domain": "single.test" }))).provider;
    assert_eq!(
        (single.cookie.domain.as_deref(), single.cookie_domain),
        (Some("single.test"), None)
    );
}

#[test]
fn lesser_oddities_are_told() {
    assert!(
        found(1, json!({ "basic_auth_enabled": true, "basic_auth_password_attribute": "" }))
            .contains(&"basic_auth_no_password")
    );
    assert!(found(1, json!({ "scopes_to_request": ["openid"] })).contains(&"scope_missing"));
    assert!(found(1, json!({ "skip_path_regex": "(" })).contains(&"skip_path_invalid"));
    for (validity, expected) in
        [(json!(600.5), 600), (json!(0), 86_400), (json!(-5.0), 86_400), (Value::Null, 86_400)]
    {
        let provider = compiled(&record(1, json!({ "access_token_validity": validity }))).provider;
        assert_eq!(provider.access_token_validity, expected);
    }
}

#[test]
fn browsers_may_know_core_by_another_name() {
    let context = CompileContext {
        host_browser: Some(Url::parse("https://sso.example.com/ignored/").unwrap()),
        embedded_host: None,
        ..CompileContext::default()
    };
    let endpoints = compile_provider(&record(0, json!({})), &context).unwrap().provider.endpoints;
    let core = "http://127.0.0.1:8000/application/o";
    let public = "https://sso.example.com/application/o";
    assert_eq!(endpoints.issuer, format!("{public}/app-fwd-domain/"));
    assert_eq!(endpoints.authorization.as_str(), format!("{public}/authorize/"));
    assert_eq!(
        endpoints.end_session.unwrap().as_str(),
        format!("{public}/app-fwd-domain/end-session/")
    );
    assert_eq!(endpoints.token.as_str(), format!("{core}/token/"));
    assert_eq!(endpoints.introspection.unwrap().as_str(), format!("{core}/introspect/"));
    assert_eq!(endpoints.jwks.unwrap().as_str(), format!("{core}/app-fwd-domain/jwks/"));
    assert_eq!(endpoints.jwks_public, format!("{core}/app-fwd-domain/jwks/"));
    let claimed = BackChannel { host: "sso.example.com".to_owned(), scheme: Scheme::Https };
    assert_eq!(endpoints.back_channel, Some(claimed));
}

#[test]
fn the_same_name_needs_no_claim() {
    let context = CompileContext {
        host_browser: Some(Url::parse("http://127.0.0.1:8000").unwrap()),
        embedded_host: None,
        ..CompileContext::default()
    };
    let endpoints = compile_provider(&record(0, json!({})), &context).unwrap().provider.endpoints;
    assert_eq!(endpoints.back_channel, None);
    assert_eq!(endpoints, compiled(&record(0, json!({}))).provider.endpoints);
}

#[test]
fn embedded_mode_takes_cores_own_address() {
    let context = CompileContext {
        host_browser: Some(Url::parse("https://elsewhere.test").unwrap()),
        embedded_host: Some(Url::parse("https://core.test:8443").unwrap()),
        ..CompileContext::default()
    };
    let endpoints = compile_provider(&record(0, json!({})), &context).unwrap().provider.endpoints;
    let public = "https://core.test:8443/application/o";
    assert_eq!(endpoints.issuer, format!("{public}/app-fwd-domain/"));
    assert_eq!(endpoints.jwks_public, format!("{public}/app-fwd-domain/jwks/"));
    let claimed = BackChannel { host: "core.test:8443".to_owned(), scheme: Scheme::Https };
    assert_eq!(endpoints.back_channel, Some(claimed));
}

#[test]
fn the_algorithms_decide_how_tokens_are_checked() {
    let with = |algorithms: Value, jwks: &str| {
        let mut record = record(1, json!({}));
        record.oidc_configuration.id_token_signing_alg_values_supported =
            serde_json::from_value(algorithms).unwrap();
        record.oidc_configuration.jwks_uri = jwks.to_owned();
        compile_provider(&record, &CompileContext::default())
    };
    let signing =
        |algorithms| with(algorithms, "https://core.test/jwks/").unwrap().provider.signing;
    assert_eq!(signing(json!(["HS256"])), Signing::ClientSecret);
    assert_eq!(signing(json!(["RS256"])), Signing::KeySet);
    assert_eq!(signing(json!([])), Signing::KeySet);
    assert_eq!(codes(&with(json!(["RS256"]), "").unwrap_err()), ["oidc_endpoint_invalid"]);
    assert!(with(json!(["HS256"]), "").is_ok());
}

#[test]
fn the_order_of_scopes_is_no_change() {
    let first = fixture("02_outposts_proxy.json")["response"]["body"]["results"][0].take();
    let other =
        exchanges("02d_outposts_proxy_other_process.json")[0]["response"]["body"]["results"][0]
            .take();
    let print = |value: &Value| fingerprint(&serde_json::from_value(value.clone()).unwrap());
    assert_ne!(first["scopes_to_request"], other["scopes_to_request"], "as captured");
    assert_eq!(print(&first), print(&other));

    for (key, value) in first.as_object().unwrap() {
        if matches!(key.as_str(), "oidc_configuration") {
            continue;
        }
        let changed = match value {
            Value::String(text) => json!(format!("{text}x")),
            Value::Bool(flag) => json!(!flag),
            Value::Number(number) => json!(number.as_f64().unwrap() as i64 + 1),
            Value::Null => json!("x"),
            _ => json!(["x"]),
        };
        let mut edited = first.clone();
        edited[key] = changed;
        assert_ne!(print(&first), print(&edited), "{key}");
    }
    let mut edited = first.clone();
    edited["oidc_configuration"]["issuer"] = json!("x");
    assert_ne!(print(&first), print(&edited));
    edited = first.clone();
    edited["a_field_of_a_newer_core"] = json!(1);
    assert_eq!(print(&first), print(&edited));
}
