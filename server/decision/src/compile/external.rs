//! The external host: where browsers see the application, and where core sends them back to.

use std::net::Ipv4Addr;

use url::Url;

use super::{error, info};
use crate::finding::Finding;
use crate::path;
use crate::provider::{External, Mode};
use crate::target::{Authority, Scheme};
use crate::{OUTPOST_PREFIX, endpoint};

/// The external host taken apart.
pub(super) struct Parsed {
    pub(super) external: External,
    pub(super) redirect_uri: String,
}

/// Reads `external_host`. `None` comes with a finding.
pub(super) fn parse(text: &str, mode: Option<Mode>, findings: &mut Vec<Finding>) -> Option<Parsed> {
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
    let path = raw_path.trim_end_matches('/');
    let (home, callback) = callback(raw_path, mode);
    if home != path && mode.is_some() {
        findings.push(info(
            "external_host_path_without_slash",
            format!("The external host {text} has a path without a final slash: core sends browsers back to {home}{OUTPOST_PREFIX}/, outside of it."),
            "The reverse proxy must send that prefix to the outpost; or end the external host with a slash.",
        ));
    }
    let redirect_uri = format!(
        "{}://{raw_authority}{callback}?{}=true",
        scheme.as_str(),
        endpoint::CALLBACK_PARAMETER,
    );
    let wildcard = authority.host.starts_with("*.");
    if wildcard {
        findings.push(info(
            "external_host_wildcard",
            format!("The external host {text} has a wildcard: people sign in on each host under it, and core must know all of them as redirect addresses."),
            "Add a redirect URI to the provider in core, with matching mode regex, that fits the callback of every host; where core refuses one, use a provider of mode forward_domain with the domain as its cookie domain.",
        ));
    }
    let external = External {
        scheme,
        authority: authority.without_default_port(scheme),
        path: path.to_owned(),
        home: home.to_owned(),
        wildcard,
    };
    Some(Parsed { external, redirect_uri })
}

/// Below which path core sends browsers back, and to which path. These must be the very bytes
/// that core registers, or it refuses.
///
/// Core registers two addresses (fixture 27): the callback *joined* to the external host, which
/// without a final slash costs the last segment of its path; and the external host itself, with
/// the query that makes it a callback. In proxy mode the latter always reaches us. A reverse
/// proxy that asks cannot pass on what follows from a callback (nginx), and takes the former.
fn callback(raw_path: &str, mode: Option<Mode>) -> (&str, String) {
    let directory = raw_path.rfind('/').map_or("", |slash| &raw_path[..slash]);
    let has_slash = raw_path.is_empty() || raw_path.ends_with('/');
    if !has_slash && mode == Some(Mode::Proxy) {
        return (raw_path, raw_path.to_owned());
    }
    (directory.trim_end_matches('/'), format!("{directory}{OUTPOST_PREFIX}/callback"))
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
    let named = raw_authority.strip_prefix("*.").unwrap_or(raw_authority);
    let mut authority = Authority::parse(named).or_else(|| international(named))?;
    if named.len() < raw_authority.len() {
        // An asterisk before an address is no name.
        if authority.host.starts_with('[') || authority.host.parse::<Ipv4Addr>().is_ok() {
            return None;
        }
        authority.host = format!("*.{}", authority.host).into();
    }
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
