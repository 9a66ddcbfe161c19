//! Core's OAuth2 endpoints as browsers and as we reach them (contract 8, last item).

use url::Url;

use super::{CompileContext, error};
use crate::finding::Finding;
use crate::provider::{BackChannel, Endpoints, Signing};
use crate::target::{Authority, Scheme};
use crate::wire::OidcConfiguration;

/// Compiles the endpoints. `None` comes with a finding.
///
/// Browser addresses and the issuer take scheme and host of the context, if it names any. What we
/// ask ourselves stays as served, with that host claimed in the headers, since core derives the
/// issuer from what it was asked under. That holds for the key set, too, in embedded mode as well;
/// applications are told its public address there.
pub(super) fn compile(
    served: &OidcConfiguration,
    signing: Signing,
    context: &CompileContext,
    findings: &mut Vec<Finding>,
) -> Option<Endpoints> {
    let public = context.embedded_host.as_ref().or(context.host_browser.as_ref());
    let mut optional = |name, text: &str| match text {
        "" => None,
        _ => parsed(name, text, findings),
    };
    let introspection = optional("introspection endpoint", &served.introspection_endpoint);
    let end_session = optional("end-session endpoint", &served.end_session_endpoint);
    let jwks = optional("key set", &served.jwks_uri);
    let authorization = parsed("authorization endpoint", &served.authorization_endpoint, findings);
    let token = parsed("token endpoint", &served.token_endpoint, findings);
    let issuer = parsed("issuer", &served.issuer, findings);
    if signing == Signing::KeySet && served.jwks_uri.is_empty() {
        findings.push(invalid("key set", ""));
    }
    let (authorization, token, _) = (authorization?, token?, issuer?);

    let back_channel = public
        .and_then(claimed_host)
        .filter(|claimed| Some(claimed) != claimed_host(&token).as_ref());
    let jwks_public = match &context.embedded_host {
        Some(host) => moved_text(&served.jwks_uri, host),
        None => served.jwks_uri.clone(),
    };
    Some(Endpoints {
        issuer: public.map_or_else(|| served.issuer.clone(), |to| moved_text(&served.issuer, to)),
        authorization: moved(authorization, public),
        token,
        introspection,
        end_session: end_session.map(|url| moved(url, public)),
        jwks,
        jwks_public,
        back_channel,
    })
}

fn parsed(name: &str, text: &str, findings: &mut Vec<Finding>) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    if url.is_none() {
        findings.push(invalid(name, text));
    }
    url
}

fn invalid(name: &str, text: &str) -> Finding {
    error(
        "oidc_endpoint_invalid",
        format!("Core serves {text:?} as {name}, which is no http or https URL."),
        "Check that the provider is assigned to an application, and how core is reached.",
    )
}

/// `url` with scheme, host and port of `to`.
fn moved(url: Url, to: Option<&Url>) -> Url {
    to.and_then(|to| Url::parse(&moved_text(url.as_str(), to)).ok()).unwrap_or(url)
}

/// The same on text, so that everything behind the host stays as core wrote it.
fn moved_text(url: &str, to: &Url) -> String {
    let Some((_, rest)) = url.split_once("://") else { return url.to_owned() };
    let path = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    format!("{}{path}", to.origin().ascii_serialization())
}

fn claimed_host(url: &Url) -> Option<BackChannel> {
    let scheme = Scheme::parse(url.scheme())?;
    let host = url.host_str()?.into();
    let authority = Authority { host, port: url.port() };
    Some(BackChannel { host: authority.to_string(), scheme })
}
