//! The external host: where browsers see the application, and where core sends them back to.

use url::Url;

use super::{error, warning};
use crate::finding::Finding;
use crate::path;
use crate::provider::External;
use crate::target::{Authority, Scheme};
use crate::{OUTPOST_PREFIX, endpoint};

/// The external host taken apart.
pub(super) struct Parsed {
    pub(super) external: External,
    pub(super) redirect_uri: String,
}

/// Reads `external_host`. `None` comes with a finding.
pub(super) fn parse(text: &str, findings: &mut Vec<Finding>) -> Option<Parsed> {
    let text = text.trim();
    let parsed = split(text);
    let Some((scheme, raw_authority, authority, raw_path)) = parsed else {
        findings.push(error(
            "external_host_invalid",
            format!("The external host {text:?} is no http or https URL of a host."),
            "Write the address that browsers use, e.g. https://app.example.com.",
        ));
        return None;
    };
    // Core makes its redirect addresses by joining: without a final slash the last segment of
    // the path goes (fixture README 8). Ours must be the same bytes, or core refuses.
    let directory = raw_path.rfind('/').map_or("", |slash| &raw_path[..slash]);
    if !raw_path.is_empty() && !raw_path.ends_with('/') {
        findings.push(warning(
            "external_host_path_without_slash",
            format!("The external host {text} has a path without a final slash: core sends browsers back to {directory}{OUTPOST_PREFIX}/, outside of it."),
            "End the external host with a slash.",
        ));
    }
    let redirect_uri = format!(
        "{}://{raw_authority}{directory}{OUTPOST_PREFIX}/callback?{}=true",
        scheme.as_str(),
        endpoint::CALLBACK_PARAMETER,
    );
    let external = External {
        scheme,
        authority: authority.without_default_port(scheme),
        path: raw_path.trim_end_matches('/').to_owned(),
    };
    Some(Parsed { external, redirect_uri })
}

/// Scheme, authority as written, authority, path as written.
fn split(text: &str) -> Option<(Scheme, &str, Authority, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme =
        Scheme::parse(scheme).filter(|_| scheme.to_ascii_lowercase().starts_with("http"))?;
    let (raw_authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let raw_path = rest.split(['?', '#']).next().unwrap_or_default();
    if !raw_path.is_empty() && !path::view(raw_path).is_plain() {
        return None;
    }
    let authority = Authority::parse(raw_authority).or_else(|| international(raw_authority))?;
    Some((scheme, raw_authority, authority, raw_path))
}

/// A name in its own script: browsers send it in its ASCII form.
fn international(raw_authority: &str) -> Option<Authority> {
    if raw_authority.is_ascii() || raw_authority.contains(['@', '\\']) {
        return None;
    }
    let url = Url::parse(&format!("http://{raw_authority}")).ok()?;
    let mut authority = Authority::parse(url.host_str()?)?;
    authority.port = match raw_authority.rsplit_once(':') {
        Some((_, port)) => Some(port.parse().ok()?),
        None => None,
    };
    Some(authority)
}
