//! Embedded mode: whose a request is, where the outpost stands in front of core (contract 15).

use crate::endpoint::{self, OwnPaths};
use crate::facts::Endpoint;
use crate::path;
use crate::provider::{Mode, Provider};
use crate::route::{Match, Routed, Unrouted};
use crate::target::{Authority, Target};

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The outpost: its own paths, and the applications of its providers.
    Outpost,
    /// Core's static files.
    StaticFiles,
    /// Core.
    Core,
}

/// Folders of core's static files.
const STATIC: [&str; 3] = ["/static", "/media", "/help"];

/// Whose a request is that no reverse proxy asks about.
///
/// That there is only one provider makes it nobody's host, and neither does another port of its
/// host: the hosts that no provider names are core's, which may well share a machine's name. A
/// wildcard leaves core the host where people sign in. In forward mode a reverse proxy stands before the application, and what comes here on
/// its host is the outpost's own paths; everything else is core's, as it is when core shares a
/// domain with applications. An application in proxy mode has its host for itself, `/static`
/// included.
#[must_use]
pub fn place(target: &Target, akprox: bool, routed: Result<&Routed<'_>, Unrouted>) -> Place {
    let root = OwnPaths::at_root(akprox);
    if endpoint::classify(&target.path, None, root) != Endpoint::Application {
        return Place::Outpost;
    }
    let query = target.query.as_deref();
    // Refused where the path may lead to one application or to another: core is not asked instead.
    let is_ours = routed.map_or_else(
        |why| why == Unrouted::PathAmbiguous,
        |routed| {
            let provider = routed.provider;
            let is_named = match routed.matched {
                Match::OnlyProvider | Match::OtherPort => false,
                Match::Wildcard => !is_cores_host(provider, &target.authority),
                Match::ExactHost | Match::CookieDomain => true,
            };
            is_named
                && (provider.mode == Mode::Proxy
                    || endpoint::classify(&target.path, query, provider.own_paths())
                        != Endpoint::Application)
        },
    );
    if is_ours {
        Place::Outpost
    } else if is_static(&target.path) {
        Place::StaticFiles
    } else {
        Place::Core
    }
}

/// Whether people reach core at this host, on whichever port.
fn is_cores_host(provider: &Provider, authority: &Authority) -> bool {
    let core = [Some(&provider.endpoints.authorization), provider.endpoints.end_session.as_ref()];
    core.into_iter().flatten().any(|url| url.host_str() == Some(&*authority.host))
}

/// Whether the path is one of core's static files: plain, so that it names one file only.
fn is_static(raw: &str) -> bool {
    path::view(raw).is_plain() && STATIC.iter().any(|folder| path::is_below(raw, folder))
}

/// The path of the request that only an administrator who is signed in at core is answered, and
/// that core's admin interface begins with: the host it names is the one that people use.
pub const ADMIN_PATH: &str = "/api/v3/admin/system/";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ruleset::Ruleset;
    use crate::target::Scheme;
    use crate::test_support::provider_at;

    #[test]
    fn whose_a_request_is() {
        let providers = vec![
            provider_at(1, Mode::Proxy, "http://app.test", None),
            provider_at(2, Mode::Proxy, "http://shared.test/app/", None),
            provider_at(3, Mode::ForwardSingle, "http://single.test", None),
            provider_at(4, Mode::ForwardDomain, "http://auth.d.test", Some("d.test")),
            provider_at(5, Mode::ForwardSingle, "http://deep.test/sub/", None),
            // People sign in at 127.0.0.1:8000; the wildcard below would take that host.
            provider_at(6, Mode::Proxy, "http://*.0.0.1", None),
        ];
        let all = Ruleset::build(providers.into_iter().map(Arc::new).collect()).0;
        let one = vec![Arc::new(provider_at(1, Mode::Proxy, "http://app.test", None))];
        let one = Ruleset::build(one).0;
        let none = Ruleset::default();
        use Place::{Core, Outpost, StaticFiles};
        for (host, path, expected) in [
            ("core.test", "/", Core),
            ("app.test:9000", "/if/admin/", Core),
            ("app.test:9000", "/outpost.goauthentik.io/start", Outpost),
            ("127.0.0.1:8000", "/if/admin/", Core),
            ("126.0.0.1", "/if/admin/", Outpost),
            ("core.test", "/if/admin/", Core),
            ("core.test", "/api/v3/root/config/", Core),
            ("core.test", "/application/o/authorize/", Core),
            ("core.test", "/ws/client/", Core),
            ("core.test", "/-/health/live/", Core),
            ("core.test", "/static", StaticFiles),
            ("core.test", "/static/dist/x.css", StaticFiles),
            ("core.test", "/media/public/logo.svg", StaticFiles),
            ("core.test", "/help/", StaticFiles),
            ("core.test", "/statics", Core),
            ("core.test", "/static/../if/admin/", Core),
            ("core.test", "/static/%2e%2e/x", Core),
            ("core.test", "/x/static/y", Core),
            ("core.test", "/outpost.goauthentik.io/start", Outpost),
            ("core.test", "/outpost.goauthentik.io/auth/nginx", Outpost),
            ("core.test", "/outpost.goauthentik.io/nothing", Outpost),
            ("core.test", "/outpost.goauthentik.iox", Core),
            // Only on an application's host does the query make a callback.
            ("core.test", "/?X-authentik-auth-callback=true", Core),
            ("app.test", "/", Outpost),
            ("app.test", "/static/x.css", Outpost),
            ("app.test", "/api/v3/root/config/", Outpost),
            ("shared.test", "/app/x", Outpost),
            ("shared.test", "/apple", Core),
            ("shared.test", "/app/../x", Outpost),
            ("shared.test", "/static/x.css", StaticFiles),
            ("single.test", "/", Core),
            ("single.test", "/static/x.css", StaticFiles),
            ("single.test", "/outpost.goauthentik.io/start", Outpost),
            ("single.test", "/x?X-authentik-logout=true", Outpost),
            ("sso.d.test", "/if/flow/x/", Core),
            ("sso.d.test", "/x?X-authentik-auth-callback=true", Outpost),
            ("deep.test", "/sub/outpost.goauthentik.io/callback", Outpost),
            ("deep.test", "/sub/x", Core),
        ] {
            let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
            let target = Target {
                scheme: Scheme::Http,
                authority: Authority::parse(host).unwrap(),
                path: path.to_owned(),
                query: query.map(str::to_owned),
            };
            let of = |rules: &Ruleset| {
                place(&target, false, rules.route(&target).as_ref().map_err(|why| *why))
            };
            assert_eq!(of(&all), expected, "{host}{path} {query:?}");
            if host == "core.test" {
                assert_eq!(of(&one), expected, "{host}{path} {query:?}, one provider");
                assert_eq!(of(&none), expected, "{host}{path} {query:?}, no provider");
            }
        }
    }
}
