use super::*;
use crate::login::NewFlow;
use crate::provider::Mode;
use crate::target::Scheme;
use crate::test_support::provider_at;

const NOW: Timestamp = Timestamp(1_800_000_000);

/// An application with a cookie secret, a client and a cookie of its own.
fn app(pk: i64, mode: Mode, external: &str, home: &str) -> Provider {
    let mut provider = provider_at(pk, mode, external, None);
    provider.external.home = home.to_owned();
    provider.client_id = format!("client {pk}");
    provider.cookie_secret = format!("cookie secret {pk}").into();
    provider.cookie.name = format!("authentik_proxy_{pk:08}");
    provider
}

fn domain(pk: i64, external: &str, cookie_domain: &str) -> Provider {
    let mut provider = app(pk, Mode::ForwardDomain, external, "");
    provider.cookie_domain = Some(cookie_domain.to_owned());
    provider
}

fn rules() -> Ruleset {
    let providers = vec![
        // Without a final slash: core calls back at the root of the host.
        app(1, Mode::ForwardSingle, "http://host.test/a", ""),
        app(2, Mode::ForwardSingle, "http://host.test/b", ""),
        app(3, Mode::ForwardSingle, "http://host.test/c/", "/c"),
        app(4, Mode::Proxy, "http://root.test", ""),
        app(5, Mode::Proxy, "http://root.test/sub/", "/sub"),
        app(6, Mode::Proxy, "http://alone.test/sub/", "/sub"),
        app(7, Mode::Proxy, "http://one.wild.test/only", ""),
        app(8, Mode::Proxy, "http://*.wild.test", ""),
        app(9, Mode::Proxy, "http://two.wild.test/only/", "/only"),
        domain(10, "http://sso.test", "domain.test"),
        app(11, Mode::ForwardSingle, "http://one.domain.test/only", ""),
    ];
    Ruleset::build(providers.into_iter().map(Arc::new).collect()).0
}

fn target(url: &str) -> Target {
    let (host, rest) = url.split_at(url.find('/').unwrap());
    let (path, query) =
        rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    Target {
        scheme: Scheme::Http,
        authority: Authority::parse(host).unwrap(),
        path: path.to_owned(),
        query: query.map(str::to_owned),
    }
}

fn found(rules: &Ruleset, url: &str, cookies: &[&str]) -> Option<i64> {
    let hints = OwnHints { akprox: false, has_cookie: &|name| cookies.contains(&name), now: NOW };
    rules.route_own(&target(url), &hints).map(|routed| routed.provider.pk)
}

#[test]
fn a_path_of_the_outposts_own_finds_its_application() {
    let rules = rules();
    const P: &str = "/outpost.goauthentik.io";
    for (url, cookies, expected) in [
        ("host.test/a/outpost.goauthentik.io/start", vec![], Some(1)),
        ("host.test/c/outpost.goauthentik.io/start", vec![], Some(3)),
        ("host.test/outpost.goauthentik.io/start?rd=/b/x", vec![], Some(2)),
        ("host.test/outpost.goauthentik.io/start?rd=%2Fc%2Fx", vec![], Some(3)),
        ("host.test/outpost.goauthentik.io/start?rd=http://host.test/b", vec![], Some(2)),
        ("host.test/outpost.goauthentik.io/start?rd=http://evil.test/b", vec![], Some(1)),
        ("host.test/outpost.goauthentik.io/start?rd=/bb", vec![], Some(1)),
        ("host.test/outpost.goauthentik.io/start", vec!["authentik_proxy_00000002_rd"], Some(2)),
        ("host.test/outpost.goauthentik.io/sign_out", vec!["authentik_proxy_00000002"], Some(2)),
        ("host.test/outpost.goauthentik.io/sign_out", vec![], Some(1)),
        ("root.test/outpost.goauthentik.io/sign_out", vec![], Some(4)),
        ("root.test/outpost.goauthentik.io/start?rd=/sub/x", vec![], Some(5)),
        ("root.test/outpost.goauthentik.io/start?rd=/subx", vec![], Some(4)),
        ("root.test/sub/outpost.goauthentik.io/callback?code=c&state=s", vec![], Some(5)),
        ("alone.test/outpost.goauthentik.io/start", vec![], Some(6)),
        ("alone.test/outpost.goauthentik.io/nothing", vec![], Some(6)),
        // Not the outpost's own.
        ("host.test/a/x", vec![], None),
        ("host.test/x/outpost.goauthentik.io/start", vec![], None),
        ("host.test/outpost.goauthentik.io/../a", vec![], None),
        ("host.test/a?X-authentik-auth-callback=true", vec![], None),
        ("host.test/akprox/start", vec![], None),
        ("other.test/outpost.goauthentik.io/start", vec![], None),
    ] {
        assert!(url.contains(P) || expected.is_none(), "{url}");
        assert_eq!(found(&rules, url, &cookies), expected, "{url} {cookies:?}");
    }
}

/// The state of a sign-in that the provider began.
fn state_of(rules: &Ruleset, pk: i64) -> String {
    let provider = rules.provider(pk).unwrap();
    let flow = NewFlow { return_to: "http://host.test/", tries: 0, now: NOW, lifetime: 60 };
    let begun = login::begin(provider, &flow, &[7; 32]).unwrap();
    let url = url::Url::parse(&begun.location).unwrap();
    let (_, state) = url.query_pairs().find(|(name, _)| name == "state").unwrap();
    state.into_owned()
}

/// Only who signed the state can have begun the sign-in, so nobody else's callback is taken.
#[test]
fn a_callback_at_the_root_goes_to_whoever_began_the_sign_in() {
    let rules = rules();
    for pk in [1, 2, 3] {
        let state = state_of(&rules, pk);
        let at = "host.test/outpost.goauthentik.io/callback?X-authentik-auth-callback=true";
        for query in [format!("&code=c&state={state}"), format!("?error=e&state={state}")] {
            assert_eq!(found(&rules, &format!("{at}{query}"), &[]), Some(pk), "{query}");
        }
        assert_eq!(found(&rules, &format!("{at}&code=c&state=x{state}"), &[]), Some(1));
    }
}

/// An application below a path leaves the rest of its host to the wildcard or the whole domain:
/// signing in there is about those, or else nobody ever arrives.
#[test]
fn an_application_below_a_path_leaves_sign_ins_of_a_wider_one_alone() {
    let rules = rules();
    for (url, cookies, expected) in [
        ("one.wild.test/outpost.goauthentik.io/start?rd=http://one.wild.test/", vec![], 8),
        ("one.wild.test/outpost.goauthentik.io/start?rd=/only/x", vec![], 7),
        ("one.wild.test/outpost.goauthentik.io/start?rd=/onlyx", vec![], 8),
        ("one.wild.test/outpost.goauthentik.io/start", vec!["authentik_proxy_00000008_rd"], 8),
        ("one.wild.test/outpost.goauthentik.io/sign_out", vec!["authentik_proxy_00000008"], 8),
        ("one.wild.test/outpost.goauthentik.io/sign_out", vec!["authentik_proxy_00000007"], 7),
        // Nothing tells: who names the host.
        ("one.wild.test/outpost.goauthentik.io/start", vec![], 7),
        ("one.wild.test/outpost.goauthentik.io/sign_out", vec![], 7),
        ("one.wild.test/only/outpost.goauthentik.io/start?rd=/", vec![], 7),
        // The root is where the wildcard has its own paths, and the application has not.
        ("two.wild.test/outpost.goauthentik.io/start", vec![], 8),
        ("two.wild.test/outpost.goauthentik.io/start?rd=/only/", vec![], 9),
        ("two.wild.test/only/outpost.goauthentik.io/sign_out", vec![], 9),
        ("one.domain.test/outpost.goauthentik.io/start?rd=http://one.domain.test/", vec![], 10),
        ("one.domain.test/outpost.goauthentik.io/start?rd=/only", vec![], 11),
        ("one.domain.test/outpost.goauthentik.io/start", vec![], 11),
        ("one.domain.test/outpost.goauthentik.io/sign_out", vec!["authentik_proxy_00000010"], 10),
    ] {
        assert_eq!(found(&rules, url, &cookies), Some(expected), "{url} {cookies:?}");
    }
    for (host, pks) in [("one.wild.test", [7, 8]), ("one.domain.test", [10, 11])] {
        for pk in pks {
            let at = format!("{host}/outpost.goauthentik.io/callback?code=c");
            let url = format!("{at}&state={}", state_of(&rules, pk));
            assert_eq!(found(&rules, &url, &[]), Some(pk), "{url}");
        }
    }
}

#[test]
fn who_would_have_been_meant_less_is_told_best_first() {
    let rules = rules();
    let hints = OwnHints { akprox: false, has_cookie: &|_| false, now: NOW };
    let url = "one.wild.test/outpost.goauthentik.io/start?rd=/";
    let routed = rules.route_own(&target(url), &hints).unwrap();
    assert_eq!((routed.provider.pk, routed.matched), (8, Match::Wildcard));
    let lost: Vec<_> = routed.lost.iter().map(|lost| (lost.provider, lost.matched)).collect();
    assert_eq!(lost, [(7, Match::ExactHost)]);
}
