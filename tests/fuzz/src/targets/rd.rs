//! First line: the host that the request came in under, as a URL. Second line: the raw query of
//! `/start`.

use outpost_decision::endpoint::classify;
use outpost_decision::facts::Endpoint;
use outpost_decision::provider::{Mode, Provider};
use outpost_decision::redirect::{
    MAX_BYTES, RequestHost, fallback, return_parameter, return_target, return_target_from_query,
};
use outpost_decision::target::{Authority, Scheme};
use url::Url;

use super::Target;
use crate::input::first_line;
use crate::site;

pub(super) const TARGET: Target = Target {
    name: "rd",
    asserts: "a return target that is honoured is, to a browser's URL parser, on an origin that the \
              provider serves, without user info, and on no path of the outpost's own",
    check,
};

fn check(data: &[u8]) {
    let (host, query) = first_line(data);
    let (Ok(host), Ok(query)) = (std::str::from_utf8(host), std::str::from_utf8(query)) else {
        return;
    };
    let Some((scheme, authority)) = host.split_once("://") else { return };
    let (Some(scheme), Some(authority)) = (Scheme::parse(scheme), Authority::parse(authority))
    else {
        return;
    };
    let authority = authority.without_default_port(scheme);
    let request = RequestHost { scheme, authority: &authority };
    for site in site::sites() {
        for provider in &site.providers {
            // As requests are routed: a wildcard's provider stands on the host that was asked for.
            let is_one =
                authority.host.strip_suffix(".wild.test").is_some_and(|label| !label.contains('.'));
            let standing = provider.at(&authority).filter(|_| is_one);
            let provider = standing.as_ref().unwrap_or(provider);
            if provider.external.wildcard {
                continue;
            }
            let judged = return_target_from_query(Some(query), provider, request);
            match judged {
                Ok(Some(accepted)) => judge(&accepted, provider, request),
                Ok(None) => assert!(return_parameter(query).is_none()),
                Err(_) => judge_fallback(provider),
            }
            // Without the query around it, too.
            if let Ok(accepted) = return_target(query, provider, request) {
                judge(&accepted, provider, request);
                assert!(accepted.ends_with(query), "not byte for byte");
            }
        }
    }
}

fn judge(accepted: &str, provider: &Provider, request: RequestHost<'_>) {
    assert!(accepted.len() <= MAX_BYTES + 300);
    let here = Url::parse("https://somewhere.else.test/outpost.goauthentik.io/start").unwrap();
    // What a browser cannot parse it does not go to.
    let Ok(there) = here.join(accepted) else { return };
    assert_eq!(
        Url::parse(accepted).as_ref(),
        Ok(&there),
        "{accepted:?} depends on where it stands"
    );
    assert_ne!(there.host_str(), here.host_str(), "{accepted:?}");
    assert!(there.username().is_empty() && there.password().is_none(), "{accepted:?}");
    assert!(is_permitted(&there, provider, request), "{accepted:?} leads to {there}");
    let endpoint = classify(there.path(), there.query(), provider.own_paths());
    assert!(
        matches!(endpoint, Endpoint::Application | Endpoint::Static),
        "{accepted:?} leads to {endpoint:?}"
    );
}

fn judge_fallback(provider: &Provider) {
    let url = Url::parse(&fallback(provider)).expect("a URL");
    assert_eq!(url.origin().ascii_serialization(), provider.external.origin());
}

/// Contract 6, by what the URL parser says: the external host; the request's own host; a host under
/// the cookie domain.
fn is_permitted(there: &Url, provider: &Provider, request: RequestHost<'_>) -> bool {
    let origin = |scheme: Scheme, authority: &Authority| {
        Url::parse(&format!("{}://{authority}/", scheme.as_str())).map(|url| url.origin())
    };
    let external = origin(provider.external.scheme, &provider.external.authority);
    let own = origin(request.scheme, request.authority);
    let is = |other: &Result<url::Origin, _>| other.as_ref().is_ok_and(|o| *o == there.origin());
    let host = there.host_str().unwrap_or_default();
    match (&provider.mode, &provider.cookie_domain) {
        (Mode::ForwardDomain, Some(domain)) => {
            let is_web = matches!(there.scheme(), "http" | "https");
            is(&external) || is_web && (host == domain || host.ends_with(&format!(".{domain}")))
        }
        _ => is(&external) || is(&own),
    }
}
