//! Where an application and the outpost's own paths lie on its host.

use outpost_decision::OUTPOST_PREFIX;
use outpost_decision::endpoint::AKPROX_PREFIX;
use outpost_decision::provider::{Mode, Provider};

/// Paths that belong to the outpost itself on the application's host, sorted, each without a final
/// slash: a proxy sends them, and everything below them, to the outpost.
#[must_use]
pub fn own_paths(provider: &Provider) -> Vec<String> {
    let external = &provider.external;
    // Core registers the callback of an external host that does not end with a slash one folder
    // up; the root is where every proxy has always had it.
    let mut paths: Vec<String> = ["", &external.path, &external.home]
        .into_iter()
        .map(|base| format!("{base}{OUTPOST_PREFIX}"))
        .collect();
    if provider.akprox {
        paths.push(AKPROX_PREFIX.to_owned());
    }
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Paths of the application's host that a proxy in front sends to the outpost, sorted: in mode
/// `proxy` the whole application, else [`own_paths`].
#[must_use]
pub fn outpost_paths(provider: &Provider) -> Vec<String> {
    let own = own_paths(provider);
    if provider.mode != Mode::Proxy {
        return own;
    }
    let base = provider.external.path.as_str();
    if base.is_empty() {
        return vec!["/".to_owned()];
    }
    let mut paths = vec![base.to_owned()];
    paths.extend(own.into_iter().filter(|path| !is_below(path, base)));
    paths.sort_unstable();
    paths
}

/// The URL under which browsers begin a sign-in, without a query. For a provider of a whole domain
/// it lies on the authentication URL, whatever host was asked for.
#[must_use]
pub fn start_url(provider: &Provider) -> String {
    let external = &provider.external;
    format!("{}{}{OUTPOST_PREFIX}/start", external.origin(), external.path)
}

fn is_below(path: &str, base: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{outpost_paths, own_paths, start_url};
    use crate::test_support::application;

    #[test]
    fn own_paths_lie_at_the_root_and_below_the_application() {
        let at = |external: &str, more| application("forward_single", external, more).provider;
        let plain = at("https://a.test", json!({}));
        assert_eq!(own_paths(&plain), ["/outpost.goauthentik.io"]);
        assert_eq!(start_url(&plain), "https://a.test/outpost.goauthentik.io/start");
        let below = at("https://a.test:8443/x/y", json!({}));
        assert_eq!(
            own_paths(&below),
            ["/outpost.goauthentik.io", "/x/outpost.goauthentik.io", "/x/y/outpost.goauthentik.io"]
        );
        assert_eq!(start_url(&below), "https://a.test:8443/x/y/outpost.goauthentik.io/start");
        let old = at("https://a.test", json!({"akprox": true}));
        assert_eq!(own_paths(&old), ["/akprox", "/outpost.goauthentik.io"]);
    }

    #[test]
    fn in_proxy_mode_the_outpost_has_the_application_too() {
        let at = |external: &str| application("proxy", external, json!({})).provider;
        assert_eq!(outpost_paths(&at("https://a.test")), ["/"]);
        assert_eq!(outpost_paths(&at("https://a.test/x/")), ["/outpost.goauthentik.io", "/x"]);
    }
}
