//! Wire records to compiled providers, with findings.
//!
//! A record that cannot be served as its administrator means it is refused with findings, and
//! whoever asked keeps the last version that could: a mistake is visible and never a hole.

use aws_lc_rs::digest;
use secrecy::ExposeSecret;
use url::Url;

use crate::finding::{Finding, Severity};
use crate::provider::{BasicAuthSpec, CookieSpec, External, Mode, Provider, Signing};
use crate::skip::{SkipLimits, SkipRules};
use crate::target::{Authority, Scheme};
use crate::wire::ProviderRecord;

mod configuration;
mod endpoints;
mod external;
mod fingerprint;

pub use configuration::configuration;
pub use fingerprint::{Fingerprint, fingerprint};

/// Lifetime of a token where core names none, in seconds: core's own default.
const DEFAULT_VALIDITY: i64 = 24 * 60 * 60;

/// What compiling depends on beside the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompileContext {
    /// `AUTHENTIK_HOST_BROWSER`: scheme and host under which browsers know core.
    pub host_browser: Option<Url>,
    /// Embedded mode: `authentik_host` of the outpost's configuration. Wins over `host_browser`.
    pub embedded_host: Option<Url>,
    /// Whether the paths and headers of the 2021.5 outpost are served as well.
    pub akprox: bool,
    /// How much of the unauthenticated paths is read.
    pub skip: SkipLimits,
}

/// A provider that compiled, and what there is to say about it.
#[derive(Debug)]
pub struct Compiled {
    /// The provider.
    pub provider: Provider,
    /// What an operator should know.
    pub findings: Vec<Finding>,
}

/// Compiles a record.
///
/// # Errors
/// Every reason why the provider cannot be served, not just the first; [`Severity::Error`] ones
/// and whatever else was noticed.
pub fn compile_provider(
    record: &ProviderRecord,
    context: &CompileContext,
) -> Result<Compiled, Vec<Finding>> {
    let mut findings = Vec::new();
    check_secrets(record, &mut findings);
    let mode = mode(record, &mut findings);
    let external = external::parse(&record.external_host, mode, &mut findings);
    let signing = signing(record);
    let endpoints = endpoints::compile(&record.oidc_configuration, signing, context, &mut findings);
    let internal = internal(record, mode, &mut findings);
    let refused = findings.iter().any(|finding| finding.severity == Severity::Error);

    let (skip, skip_findings) = SkipRules::compile_within(&record.skip_path_regex, &context.skip);
    findings.extend(skip_findings);
    let (Some(mode), Some(external), Some(endpoints), false) = (mode, external, endpoints, refused)
    else {
        return Err(findings);
    };
    let domain = cookie_domain(record, mode, &external.external, &mut findings);
    let provider = Provider {
        pk: record.pk,
        name: record.name.clone(),
        application_slug: record.assigned_application_slug.clone(),
        application_name: record.assigned_application_name.clone(),
        mode,
        internal,
        verify_upstream: record.internal_host_ssl_validation,
        client_id: record.client_id.clone(),
        client_secret: record.client_secret.clone(),
        cookie_secret: record.cookie_secret.clone(),
        endpoints,
        signing,
        scope: scope(record, &mut findings),
        skip,
        cookie: CookieSpec {
            name: cookie_name(&record.client_id),
            domain: domain.clone(),
            path: cookie_path(mode, &external.external, context.akprox),
            secure: external.external.scheme == Scheme::Https,
        },
        cookie_domain: domain.filter(|_| mode == Mode::ForwardDomain),
        basic_auth: basic_auth(record, &mut findings),
        intercept_header_auth: record.intercept_header_auth,
        access_token_validity: validity(record.access_token_validity),
        certificate: record.certificate.clone().filter(|uuid| !uuid.is_empty()),
        redirect_uri: external.redirect_uri,
        akprox: context.akprox,
        external: external.external,
    };
    Ok(Compiled { provider, findings })
}

fn error(code: &'static str, message: impl Into<String>, remedy: &str) -> Finding {
    Finding::new(Severity::Error, code, message, remedy)
}

fn warning(code: &'static str, message: impl Into<String>, remedy: &str) -> Finding {
    Finding::new(Severity::Warning, code, message, remedy)
}

fn info(code: &'static str, message: impl Into<String>, remedy: &str) -> Finding {
    Finding::new(Severity::Info, code, message, remedy)
}

fn check_secrets(record: &ProviderRecord, findings: &mut Vec<Finding>) {
    for (value, code, what) in [
        (record.client_id.as_str(), "client_id_missing", "client id"),
        (record.client_secret.expose_secret(), "client_secret_missing", "client secret"),
        (record.cookie_secret.expose_secret(), "cookie_secret_missing", "cookie secret"),
    ] {
        if value.is_empty() {
            findings.push(error(
                code,
                format!("Core sends no {what} for this provider."),
                "Save the provider in authentik again; check that the outpost's service account may view it.",
            ));
        }
    }
}

fn mode(record: &ProviderRecord, findings: &mut Vec<Finding>) -> Option<Mode> {
    let known = [Mode::Proxy, Mode::ForwardSingle, Mode::ForwardDomain];
    let mode = known.into_iter().find(|mode| mode.as_str() == record.mode);
    if mode.is_none() {
        findings.push(error(
            "mode_unknown",
            format!("The mode {:?} is not known.", record.mode),
            "Choose proxy, forward_single or forward_domain; a newer core may need a newer outpost.",
        ));
    }
    mode
}

fn signing(record: &ProviderRecord) -> Signing {
    let algorithms = &record.oidc_configuration.id_token_signing_alg_values_supported;
    if algorithms.iter().any(|algorithm| algorithm == "HS256") {
        Signing::ClientSecret
    } else {
        Signing::KeySet
    }
}

fn internal(
    record: &ProviderRecord,
    mode: Option<Mode>,
    findings: &mut Vec<Finding>,
) -> Option<Url> {
    if mode != Some(Mode::Proxy) {
        return None;
    }
    let text = record.internal_host.trim();
    let remedy =
        "Set the internal host to where the outpost reaches the application, e.g. http://app:8080.";
    if text.is_empty() {
        findings.push(error(
            "internal_host_missing",
            "The provider is in proxy mode and has no internal host.",
            remedy,
        ));
        return None;
    }
    let url = Url::parse(text).ok().filter(|url| {
        Scheme::parse(url.scheme()).is_some() && text.contains("://") && url.has_host()
    });
    if url.is_none() {
        let code =
            if text.contains("://") { "internal_host_invalid" } else { "internal_host_no_scheme" };
        findings.push(error(
            code,
            format!("The internal host {text:?} is no http or https URL."),
            remedy,
        ));
    }
    url
}

/// The cookie's domain: lower case, without a leading dot; `None` where it is not to be used.
fn cookie_domain(
    record: &ProviderRecord,
    mode: Mode,
    external: &External,
    findings: &mut Vec<Finding>,
) -> Option<String> {
    let is_domain_mode = mode == Mode::ForwardDomain;
    let text = record.cookie_domain.trim();
    let text = text.strip_prefix('.').unwrap_or(text);
    if text.is_empty() {
        if is_domain_mode {
            findings.push(warning(
                "cookie_domain_missing",
                "The provider is for a whole domain and has no cookie domain: it serves its external host only.",
                "Set the cookie domain to the parent domain of the applications.",
            ));
        }
        return None;
    }
    let Some(domain) = Authority::parse(text).filter(|domain| domain.port.is_none()) else {
        findings.push(warning(
            "cookie_domain_invalid",
            format!("The cookie domain {text:?} is no domain name, and is not used."),
            "Write the bare domain, e.g. example.com.",
        ));
        return None;
    };
    let domain = String::from(&*domain.host);
    if !external.authority.is_within(&domain) {
        let host = &external.authority.host;
        findings.push(error(
            "cookie_domain_mismatch",
            format!("The external host {host} is not under the cookie domain {domain}: browsers would refuse the cookie, so the domain is not used and only {host} is served."),
            "Choose an external host under the cookie domain.",
        ));
        return None;
    }
    if !domain.contains('.') {
        findings.push(warning(
            "cookie_domain_public",
            format!("The cookie domain {domain} has a single label: most browsers refuse cookies for it."),
            "Use a domain with at least two labels.",
        ));
    }
    Some(domain)
}

/// The path of the session cookie: an application below a path has that path for itself. A whole
/// domain's provider needs its cookie everywhere; and where core calls back outside of the
/// application's path, the outpost's own paths lie there, too. So they do with `akprox`, where a
/// reverse proxy sends us nothing but what lies below `/akprox`: a sign-out has to see the cookie.
fn cookie_path(mode: Mode, external: &External, akprox: bool) -> String {
    let is_home_unknown = akprox && mode != Mode::Proxy;
    if mode == Mode::ForwardDomain || is_home_unknown || external.home.is_empty() {
        "/".to_owned()
    } else {
        external.home.clone()
    }
}

/// The provider's cookie name: `authentik_proxy_` and 8 hexadecimal digits (contract 9).
#[must_use]
pub fn cookie_name(client_id: &str) -> String {
    let hash = digest::digest(&digest::SHA256, client_id.as_bytes());
    format!("authentik_proxy_{}", hex::encode(&hash.as_ref()[..4]))
}

/// Scopes in an order of their own: core's differs from process to process.
fn scope(record: &ProviderRecord, findings: &mut Vec<Finding>) -> String {
    let mut scopes: Vec<&str> =
        record.scopes_to_request.iter().flat_map(|scope| scope.split_ascii_whitespace()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    for (needed, effect) in [
        ("openid", "core gives no id token"),
        ("ak_proxy", "user attributes, and with them additional headers, are not known"),
    ] {
        if !scopes.contains(&needed) {
            findings.push(warning(
                "scope_missing",
                format!("The provider does not ask for the scope {needed}: {effect}."),
                "Add the scope mapping to the provider's advanced protocol settings.",
            ));
        }
    }
    scopes.join(" ")
}

fn basic_auth(record: &ProviderRecord, findings: &mut Vec<Finding>) -> Option<BasicAuthSpec> {
    if !record.basic_auth_enabled {
        return None;
    }
    if record.basic_auth_password_attribute.is_empty() {
        findings.push(warning(
            "basic_auth_no_password",
            "Basic authentication to the application is on, and no attribute for the password is named: none is sent.",
            "Name the user attribute that holds the password.",
        ));
    }
    Some(BasicAuthSpec {
        user_attribute: record.basic_auth_user_attribute.clone(),
        password_attribute: record.basic_auth_password_attribute.clone(),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "bounded before the cast")]
fn validity(seconds: Option<f64>) -> i64 {
    match seconds {
        Some(seconds) if (1.0..1e12).contains(&seconds) => seconds as i64,
        _ => DEFAULT_VALIDITY,
    }
}

#[cfg(test)]
mod tests;
