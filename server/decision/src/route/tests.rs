use proptest::prelude::*;

use super::*;
use crate::provider::Mode;
use crate::test_support::provider_at as provider;
use crate::time::Timestamp;

fn ruleset(providers: Vec<Provider>) -> Ruleset {
    Ruleset::build(providers.into_iter().map(Arc::new).collect()).0
}

fn authority(text: &str) -> Authority {
    Authority::parse(text).unwrap()
}

fn at(host: &Authority, scheme: Scheme, path: &str) -> Target {
    Target { scheme, authority: host.clone(), path: path.to_owned(), query: None }
}

fn domain(pk: i64, external: &str, domain: &str) -> Provider {
    provider(pk, Mode::ForwardDomain, external, Some(domain))
}

fn single(pk: i64, external: &str) -> Provider {
    provider(pk, Mode::ForwardSingle, external, None)
}

#[test]
fn hosts_find_their_provider() {
    let rules = ruleset(vec![
        single(1, "https://app.company.com"),
        single(2, "http://plain.test"),
        single(3, "https://port.test:8443"),
        single(4, "https://port.test"),
        domain(5, "https://auth.company.com", "company.com"),
        domain(6, "https://auth.dev.company.com", "dev.company.com"),
        provider(7, Mode::Proxy, "https://proxy.test", Some("proxied.test")),
        single(8, "http://lone.test:9000"),
    ]);
    for (host, scheme, expected) in [
        ("app.company.com", Scheme::Https, Some((1, Match::ExactHost, 1))),
        ("app.company.com:443", Scheme::Https, Some((1, Match::ExactHost, 1))),
        // TLS ended at a proxy that does not say so.
        ("app.company.com", Scheme::Http, Some((1, Match::ExactHost, 1))),
        ("app.company.com:443", Scheme::Http, Some((1, Match::ExactHost, 1))),
        // Another port of the same name; its domain's provider would have matched less well.
        ("app.company.com:8080", Scheme::Https, Some((1, Match::OtherPort, 1))),
        ("auth.company.com:9443", Scheme::Https, Some((5, Match::OtherPort, 0))),
        ("plain.test", Scheme::Https, Some((2, Match::ExactHost, 0))),
        ("plain.test:80", Scheme::Http, Some((2, Match::ExactHost, 0))),
        ("plain.test:443", Scheme::Https, Some((2, Match::OtherPort, 0))),
        ("Plain.Test:9000", Scheme::Http, Some((2, Match::OtherPort, 0))),
        ("sub.plain.test:9000", Scheme::Http, None),
        ("port.test:8443", Scheme::Https, Some((3, Match::ExactHost, 0))),
        ("port.test", Scheme::Https, Some((4, Match::ExactHost, 0))),
        // Two providers share the name: only the port can tell which is meant.
        ("port.test:9000", Scheme::Https, None),
        ("lone.test", Scheme::Https, Some((8, Match::OtherPort, 0))),
        ("lone.test:9443", Scheme::Https, Some((8, Match::OtherPort, 0))),
        ("company.com", Scheme::Https, Some((5, Match::CookieDomain, 0))),
        ("x.company.com:1234", Scheme::Http, Some((5, Match::CookieDomain, 0))),
        ("x.dev.company.com", Scheme::Https, Some((6, Match::CookieDomain, 1))),
        ("auth.dev.company.com", Scheme::Https, Some((6, Match::ExactHost, 1))),
        ("evilcompany.com", Scheme::Https, None),
        ("company.com.evil.test", Scheme::Https, None),
        ("com", Scheme::Https, None),
        // A cookie domain routes in forward_domain only.
        ("a.proxied.test", Scheme::Https, None),
    ] {
        let found = rules
            .route(&at(&authority(host), scheme, "/"))
            .map(|routed| (routed.provider.pk, routed.matched, routed.lost.len()))
            .ok();
        assert_eq!(found, expected, "{host} {scheme:?}");
    }
}

#[test]
fn the_scheme_chooses_between_two_default_ports() {
    let rules = ruleset(vec![single(1, "http://app.test"), single(2, "https://app.test")]);
    let pk = |scheme| rules.route(&at(&authority("app.test"), scheme, "/")).unwrap().provider.pk;
    assert_eq!((pk(Scheme::Http), pk(Scheme::Https)), (1, 2));
}

#[test]
fn an_only_provider_answers_for_everything() {
    let rules = ruleset(vec![single(1, "https://app.test")]);
    let routed = rules.route(&at(&authority("10.0.0.1:9000"), Scheme::Http, "/")).unwrap();
    assert_eq!((routed.provider.pk, routed.matched), (1, Match::OnlyProvider));
    let nobody = ruleset(Vec::new());
    let found = nobody.route(&at(&authority("app.test"), Scheme::Http, "/"));
    assert_eq!(found.unwrap_err(), Unrouted::NoProvider);
}

#[test]
fn a_shared_host_stays_with_the_lowest_key_and_both_are_told() {
    let (rules, findings) = Ruleset::build(vec![
        Arc::new(single(9, "https://app.test:443")),
        Arc::new(single(2, "https://app.test")),
        Arc::new(domain(4, "https://a.d.test", "d.test")),
        Arc::new(domain(3, "https://b.d.test", "d.test")),
        Arc::new(single(3, "https://same-key.test")),
    ]);
    assert_eq!(
        rules.route(&at(&authority("app.test"), Scheme::Https, "/")).unwrap().provider.pk,
        2
    );
    assert_eq!(
        rules.route(&at(&authority("x.d.test"), Scheme::Https, "/")).unwrap().provider.pk,
        3
    );
    let mut seen: Vec<_> = findings.iter().map(|(pk, finding)| (*pk, finding.code)).collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (2, "external_host_taken"),
            (3, "cookie_domain_taken"),
            (4, "cookie_domain_taken"),
            (9, "external_host_taken"),
        ]
    );
    assert_eq!(
        findings.iter().find(|(pk, _)| *pk == 2).unwrap().1.message,
        "The external host app.test:443 is claimed by provider \"provider 9\" as well; this one keeps it."
    );
    assert_eq!(rules.providers().len(), 4);
    assert_eq!(rules.provider(9).unwrap().pk, 9);
    assert!(rules.provider(8).is_none());
}

#[test]
fn the_server_name_finds_a_certificate_whatever_the_port() {
    let certified = |mut provider: Provider| {
        provider.certificate = Some(format!("certificate {}", provider.pk));
        provider
    };
    let rules = ruleset(vec![
        single(1, "https://app.test"),
        certified(single(2, "https://app.test:9443")),
        certified(domain(3, "https://auth.d.test", "d.test")),
        domain(4, "https://auth.e.d.test", "e.d.test"),
    ]);
    let found = |name| rules.provider_for_server_name(name).map(|provider| provider.pk);
    assert_eq!(found("App.test"), Some(2));
    assert_eq!(found("x.d.test"), Some(3));
    assert_eq!(found("x.e.d.test"), Some(3));
    assert_eq!(found("xd.test"), None);
    assert_eq!(found("not a name"), None);
}

const NO_HINTS: OwnHints<'static> =
    OwnHints { akprox: false, has_cookie: &|_| false, now: Timestamp(1_800_000_000) };

#[test]
fn who_asks_under_an_applications_name_may_ask_about_that_one_only() {
    let rules = ruleset(vec![
        single(1, "https://a.test"),
        single(2, "https://b.test"),
        single(3, "https://a.test:8443"),
        domain(4, "https://auth.d.test", "d.test"),
    ]);
    for (own, target, expected) in [
        ("a.test", "a.test", true),
        ("b.test:9000", "b.test", true),
        ("a.test", "b.test", false),
        ("b.test", "a.test", false),
        ("a.test", "a.test:8443", false),
        ("a.test:8443", "a.test:8443", true),
        ("x.d.test", "x.d.test", true),
        // Rules of one provider may be about one of its hosts.
        ("x.d.test", "y.d.test", false),
        ("x.d.test", "a.test", false),
        ("outpost.internal:9000", "a.test", true),
        ("127.0.0.1:9000", "x.d.test", true),
    ] {
        let target = Target {
            scheme: Scheme::Https,
            authority: authority(target),
            path: "/".to_owned(),
            query: None,
        };
        let routed = rules.route(&target).unwrap();
        let found = rules.may_ask_about(&authority(own), &target, &routed, &NO_HINTS);
        assert_eq!(found, expected, "{own} about {target}");
    }
}

/// nginx asks about the start page, too, and it lies below no application's path.
#[test]
fn checks_of_the_outposts_own_paths_are_about_the_application_that_is_meant() {
    let rules = ruleset(vec![
        single(1, "http://h.test/a/"),
        single(2, "http://two.test/a/"),
        single(3, "http://two.test/b/"),
        single(4, "http://two.test:8080/a/"),
    ]);
    for (own, target, path, query, expected) in [
        ("h.test", "h.test", "/outpost.goauthentik.io/start", Some("rd=/a/x"), Some((1, true))),
        ("h.test", "h.test", "/outpost.goauthentik.io/start", None, Some((1, true))),
        ("h.test", "h.test", "/a/outpost.goauthentik.io/callback", None, Some((1, true))),
        ("h.test", "h.test", "/a/x", None, Some((1, true))),
        ("h.test", "h.test", "/x", None, None),
        ("two.test", "two.test", "/outpost.goauthentik.io/start", Some("rd=/b/"), Some((3, true))),
        ("two.test", "two.test", "/outpost.goauthentik.io/start", Some("rd=/a/"), Some((2, true))),
        // Under another application's name, and on another port.
        ("h.test", "two.test", "/outpost.goauthentik.io/start", Some("rd=/a/"), Some((2, false))),
        ("two.test:8080", "two.test", "/outpost.goauthentik.io/start", None, Some((2, false))),
    ] {
        let target = Target {
            scheme: Scheme::Http,
            authority: authority(target),
            path: path.to_owned(),
            query: query.map(str::to_owned),
        };
        let routed =
            rules.route_own(&target, &NO_HINTS).map_or_else(|| rules.route(&target), Ok).ok();
        let found = routed.map(|routed| {
            let may = rules.may_ask_about(&authority(own), &target, &routed, &NO_HINTS);
            (routed.provider.pk, may)
        });
        assert_eq!(found, expected, "{own} about {target}");
    }
}

#[test]
fn several_applications_share_a_host_by_path() {
    let rules = ruleset(vec![
        provider(1, Mode::Proxy, "https://host.test", None),
        provider(2, Mode::Proxy, "https://host.test/app/", None),
        provider(3, Mode::ForwardSingle, "https://host.test/app/admin/", None),
        provider(4, Mode::Proxy, "https://bare.test/app", None),
        provider(5, Mode::Proxy, "https://bare.test/caf%C3%A9/", None),
        provider(6, Mode::Proxy, "https://*.wild.test", None),
        provider(7, Mode::Proxy, "https://one.wild.test/deep/", None),
        domain(8, "https://sso.d.test/login/", "d.test"),
    ]);
    use Unrouted::{NoProvider, PathAmbiguous, PathUnserved};
    for (host, path, expected) in [
        ("host.test", "/", Ok((1, vec![]))),
        ("host.test", "/app", Ok((2, vec![1]))),
        ("host.test", "/app/", Ok((2, vec![1]))),
        ("host.test", "/app/x?y", Ok((2, vec![1]))),
        // Whoever compares bytes sends this one to the other application.
        ("host.test", "/%61pp/x", Err(PathAmbiguous)),
        ("host.test", "/app/%78", Ok((2, vec![1]))),
        ("host.test", "/app/admin", Ok((3, vec![2, 1]))),
        ("host.test", "/app/administrators", Ok((2, vec![1]))),
        ("host.test", "/apple", Ok((1, vec![]))),
        ("host.test", "/App/x", Ok((1, vec![]))),
        // What one reader takes for one application and another for another is nobody's.
        ("host.test", "/app/../x", Err(PathAmbiguous)),
        ("host.test", "/x/../app/", Err(PathAmbiguous)),
        ("host.test", "/app/%2e%2e/x", Err(PathAmbiguous)),
        ("host.test", "/app/%252e%252e/x", Err(PathAmbiguous)),
        ("host.test", "/app/..;/x", Err(PathAmbiguous)),
        ("host.test", "/app/..%2fx", Err(PathAmbiguous)),
        ("host.test", "/app%2fx", Err(PathAmbiguous)),
        ("host.test", "/app;a=b/x", Err(PathAmbiguous)),
        ("host.test", "//app/x", Err(PathAmbiguous)),
        ("host.test", "/\\app/x", Err(PathAmbiguous)),
        // Odd spellings that lead to the same one stay as usable as they are elsewhere.
        ("host.test", "/app/a;v=1/b", Ok((2, vec![1]))),
        ("host.test", "/app/x//y", Ok((2, vec![1]))),
        ("host.test", "/app/x/../y", Ok((2, vec![1]))),
        ("host.test", "/x/%2e%2e/y", Ok((1, vec![]))),
        ("bare.test", "/app/x", Ok((4, vec![]))),
        ("bare.test", "/caf%c3%a9/x", Ok((5, vec![]))),
        ("bare.test", "/", Err(PathUnserved)),
        ("bare.test", "/apple", Err(PathUnserved)),
        ("bare.test", "/app/../apple", Err(PathAmbiguous)),
        ("other.test", "/app", Err(NoProvider)),
        // Exact beats wildcard beats domain; what the exact host does not serve goes on.
        ("one.wild.test", "/deep/x", Ok((7, vec![6]))),
        ("one.wild.test", "/x", Ok((6, vec![]))),
        ("two.wild.test", "/deep/x", Ok((6, vec![]))),
        ("two.wild.test:9443", "/", Ok((6, vec![]))),
        ("a.two.wild.test", "/", Err(NoProvider)),
        ("wild.test", "/", Err(NoProvider)),
        ("evilwild.test", "/", Err(NoProvider)),
        // A whole domain is whole, whatever its own path.
        ("sso.d.test", "/login/x", Ok((8, vec![]))),
        ("sso.d.test", "/x", Ok((8, vec![]))),
        ("a.d.test", "/login/x", Ok((8, vec![]))),
    ] {
        let found = rules.route(&at(&authority(host), Scheme::Https, path));
        let found = found.map(|routed| {
            let lost: Vec<i64> = routed.lost.iter().map(|lost| lost.provider).collect();
            (routed.provider.pk, lost)
        });
        assert_eq!(found, expected, "{host}{path}");
    }
}

#[test]
fn an_only_provider_keeps_to_its_path() {
    let rules = ruleset(vec![single(1, "https://app.test/sub/")]);
    for (host, path, expected) in [
        ("app.test", "/sub/x", Ok(Match::ExactHost)),
        ("10.0.0.1", "/sub/x", Ok(Match::OnlyProvider)),
        ("app.test", "/", Err(Unrouted::PathUnserved)),
        ("10.0.0.1", "/subx", Err(Unrouted::PathUnserved)),
    ] {
        let found = rules.route(&at(&authority(host), Scheme::Https, path));
        assert_eq!(found.map(|routed| routed.matched), expected, "{host}{path}");
    }
}

/// Contract 16: nginx tells no path.
#[test]
fn a_host_alone_finds_the_only_application_there() {
    let rules = ruleset(vec![
        single(1, "https://one.test/sub/"),
        single(2, "https://two.test/a/"),
        single(3, "https://two.test/b/"),
        single(4, "https://plain.test"),
    ]);
    for (host, expected) in [
        ("one.test", Ok(1)),
        ("plain.test", Ok(4)),
        ("two.test", Err(Unrouted::PathAmbiguous)),
        ("none.test", Err(Unrouted::NoProvider)),
    ] {
        let found = rules.route(&at(&authority(host), Scheme::Https, Target::UNKNOWN_PATH));
        assert_eq!(found.map(|routed| routed.provider.pk), expected, "{host}");
    }
}

#[test]
fn overlaps_are_told() {
    let (_, findings) = Ruleset::build(vec![
        Arc::new(single(1, "https://host.test")),
        Arc::new(single(2, "https://host.test/app")),
        Arc::new(single(3, "https://host.test/app/")),
        Arc::new(single(4, "https://*.d.test")),
        Arc::new(single(5, "https://own.d.test")),
        Arc::new(domain(6, "https://sso.e.test", "d.test")),
    ]);
    let mut seen: Vec<_> = findings.iter().map(|(pk, finding)| (*pk, finding.code)).collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (1, "external_host_nested"),
            (2, "external_host_taken"),
            (3, "external_host_taken"),
            (4, "external_host_excepted"),
            (6, "cookie_domain_excepted"),
        ]
    );
    let (_, findings) = Ruleset::build(vec![
        Arc::new(single(1, "https://*.d.test")),
        Arc::new(single(2, "https://own.d.test/only/")),
    ]);
    let text = &findings[0].1.message;
    assert!(text.starts_with("What lies below /only on own.d.test belongs to"), "{text}");
}

/// Contract 5, word by word, over a list.
fn naive(providers: &[Provider], host: &Authority, scheme: Scheme) -> Option<(i64, Match)> {
    let ports = match host.port {
        Some(port) => vec![port],
        None => vec![scheme.default_port(), 80, 443],
    };
    let mut sorted: Vec<_> = providers.iter().collect();
    sorted.sort_by_key(|provider| provider.pk);
    for port in ports {
        for provider in &sorted {
            let external = &provider.external;
            if external.authority.host == host.host
                && external.authority.port_or_default(external.scheme) == port
            {
                return Some((provider.pk, Match::ExactHost));
            }
        }
    }
    // Contract 5, better: one provider has the name, whatever the port.
    let named: Vec<_> =
        sorted.iter().filter(|provider| provider.external.authority.host == host.host).collect();
    let effective =
        |provider: &Provider| provider.external.authority.port_or_default(provider.external.scheme);
    if let [first, rest @ ..] = named.as_slice()
        && rest.iter().all(|other| effective(other) == effective(first))
    {
        return Some((first.pk, Match::OtherPort));
    }
    let under = |provider: &&&Provider| {
        provider.mode == Mode::ForwardDomain
            && provider.cookie_domain.as_ref().is_some_and(|domain| {
                *host.host == **domain || host.host.ends_with(&format!(".{domain}"))
            })
    };
    let longest = sorted
        .iter()
        .filter(under)
        .rev()
        .max_by_key(|provider| provider.cookie_domain.as_ref().map(String::len));
    match (longest, providers) {
        (Some(provider), _) => Some((provider.pk, Match::CookieDomain)),
        (None, [only]) => Some((only.pk, Match::OnlyProvider)),
        _ => None,
    }
}

fn arbitrary_provider() -> impl Strategy<Value = (bool, String, Option<String>)> {
    let label = "[ab](\\.[ab]){0,2}";
    let external = ("(http|https)", label, "(|:80|:443|:81)")
        .prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"));
    (any::<bool>(), external, proptest::option::of(label))
}

proptest! {
    #[test]
    fn the_index_agrees_with_the_contract(
        parts in proptest::collection::vec(arbitrary_provider(), 0..6),
        host in "[ab]{1,2}(\\.[ab]){0,3}",
        port in "(|:80|:443|:81)",
        tls in any::<bool>(),
    ) {
        let make = || -> Vec<Provider> {
            (0..).zip(&parts).map(|(pk, (wide, external, domain))| {
                let mode = if *wide { Mode::ForwardDomain } else { Mode::ForwardSingle };
                provider(pk, mode, external, domain.as_deref())
            }).collect()
        };
        let host = authority(&format!("{host}{port}"));
        let scheme = if tls { Scheme::Https } else { Scheme::Http };
        let rules = ruleset(make());
        let found = rules.route(&at(&host, scheme, "/")).map(|routed| (routed.provider.pk, routed.matched)).ok();
        prop_assert_eq!(found, naive(&make(), &host, scheme));
    }
}

/// A check of the 2021.5 set-up does not say which path it is about: where the rest of the host is
/// another provider's, a session at one must not answer for both.
#[test]
fn without_a_path_an_application_below_one_does_not_speak_for_its_domain() {
    let host = authority("s.d.test");
    let unknown = at(&host, Scheme::Http, Target::UNKNOWN_PATH);
    let alone = ruleset(vec![single(1, "http://s.d.test/app/"), single(3, "http://other.test")]);
    assert_eq!(alone.route(&unknown).unwrap().provider.pk, 1);
    let shared =
        ruleset(vec![single(1, "http://s.d.test/app/"), domain(2, "http://auth.d.test", "d.test")]);
    assert_eq!(shared.route(&unknown).unwrap_err(), Unrouted::PathAmbiguous);
}
