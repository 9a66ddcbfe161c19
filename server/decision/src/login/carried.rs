//! A callback that comes as the return target of a start.
//!
//! The proxies of the 2021.5 outpost send it `/akprox` and nothing else. Core calls back at today's
//! path; nginx asks whether that may pass, is told 401, and sends the browser to the old start path
//! with the callback as the page to return to. There it is: it goes on to the old callback path.

use crate::endpoint::{self, AKPROX_PREFIX};
use crate::facts::Endpoint;
use crate::provider::Provider;
use crate::redirect::{is_url_byte, return_parameter};
use crate::target::Authority;

/// Where to send the browser whose `/akprox/start` has this query, if what it returns to is a
/// callback. A path on the same host.
#[must_use]
pub fn carried_callback(provider: &Provider, raw_query: Option<&str>) -> Option<String> {
    if !provider.akprox {
        return None;
    }
    let rd = return_parameter(raw_query?)?;
    let target = match rd.split_once("://") {
        None => rd.as_ref(),
        Some((_, rest)) => {
            let (host, target) = rest.split_at(rest.find('/')?);
            let host = Authority::parse(host)?.host;
            (host == provider.external.authority.host).then_some(target)?
        }
    };
    let (path, query) = target.split_once('?')?;
    let is_callback = path.starts_with('/')
        && !path.starts_with("//")
        && endpoint::classify(path, Some(query), provider.own_paths()) == Endpoint::Callback
        && query.bytes().all(is_url_byte)
        && !query.contains('#');
    is_callback.then(|| format!("{AKPROX_PREFIX}/callback?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::provider;

    #[test]
    fn a_callback_that_nginx_refused_goes_on_to_the_old_path() {
        let mut provider = provider();
        provider.akprox = true;
        let there = "/akprox/callback?X-authentik-auth-callback=true&code=c&state=s";
        for (query, expected) in [
            // Escaped, as nginx' ingress does, and as it is.
            (
                "rd=%2Foutpost.goauthentik.io%2Fcallback%3FX-authentik-auth-callback%3Dtrue%26code%3Dc%26state%3Ds",
                Some(there),
            ),
            (
                "rd=/outpost.goauthentik.io/callback?X-authentik-auth-callback=true&code=c&state=s",
                Some(there),
            ),
            (
                "rd=http://app.test:9000/outpost.goauthentik.io/callback?X-authentik-auth-callback=true&code=c&state=s",
                Some(there),
            ),
            ("rd=/x?X-authentik-auth-callback=true&code=c&state=s", Some(there)),
            ("rd=http://evil.test/outpost.goauthentik.io/callback?code=c&state=s", None),
            ("rd=//evil.test/outpost.goauthentik.io/callback?code=c&state=s", None),
            ("rd=/outpost.goauthentik.io/callback", None),
            ("rd=/outpost.goauthentik.io/sign_out?code=c", None),
            ("rd=/page?code=c&state=s", None),
            ("rd=/outpost.goauthentik.io/callback?code=c%0d%0aX:y", None),
            ("x=y", None),
        ] {
            let found = carried_callback(&provider, Some(query));
            if query.contains("%0d") {
                // Escapes stay escapes: nothing of it becomes a header.
                assert!(found.is_none_or(|found| found.bytes().all(is_url_byte)), "{query}");
                continue;
            }
            assert_eq!(found.as_deref(), expected, "{query}");
        }
        provider.akprox = false;
        assert_eq!(carried_callback(&provider, Some(&format!("rd={there}"))), None);
    }
}
