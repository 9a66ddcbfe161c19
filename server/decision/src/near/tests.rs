use std::sync::Arc;

use super::*;
use crate::provider::Mode;
use crate::skip::SkipRules;
use crate::target::Scheme;
use crate::test_support::provider_at;

fn target(url: &str) -> Target {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (path, query) = rest.split_once('?').map_or((rest, None), |(p, q)| (p, Some(q)));
    Target {
        scheme: Scheme::parse(scheme).unwrap(),
        authority: Authority::parse(authority).unwrap(),
        path: path.to_owned(),
        query: query.map(str::to_owned),
    }
}

fn ruleset(providers: &[(Mode, &str, Option<&str>)]) -> Ruleset {
    let all = (1..)
        .zip(providers)
        .map(|(pk, (mode, external, domain))| Arc::new(provider_at(pk, *mode, external, *domain)));
    Ruleset::build(all.collect()).0
}

fn about(reason: Reason, target: &Target) -> About<'_> {
    About { reason, target, provider: None, claimed: &[] }
}

#[test]
fn hosts_beside_the_one_asked_for() {
    let rules = ruleset(&[
        (Mode::Proxy, "https://app.example.com", None),
        (Mode::Proxy, "https://ports.example.com:8443", None),
        (Mode::Proxy, "https://ports.example.com:9443", None),
        (Mode::Proxy, "https://www.shop.test", None),
        (Mode::ForwardSingle, "https://news.test", None),
        (Mode::Proxy, "https://*.wild.test", None),
        (Mode::ForwardDomain, "https://sso.intra.test", Some("intra.test")),
        (Mode::Proxy, "http://10.0.0.7", None),
    ]);
    for (url, nearest, because) in [
        (
            "https://ports.example.com/",
            "ports.example.com:8443",
            "on port 8443; the request named no port",
        ),
        (
            "https://ports.example.com:7443/",
            "ports.example.com:8443",
            "the request named port 7443",
        ),
        ("https://www.app.example.com/", "app.example.com", "without www."),
        ("https://shop.test/", "www.shop.test", "with www."),
        ("https://www.news.test/", "news.test", "without www."),
        ("https://de.news.test/", "news.test", "serves this host alone"),
        ("https://example.com/", "app.example.com", "below example.com"),
        ("https://a.b.wild.test/", "*.wild.test", "one label"),
        ("https://wild.test/", "*.wild.test", "not for wild.test itself"),
        ("https://ap.example.com/", "app.example.com", "spelt differently"),
        ("https://app.exmaple.com/", "app.example.com", "spelt differently"),
        ("https://app.example.con/", "app.example.com", "spelt differently"),
        ("https://wiki.intrra.test/", "intra.test", "not below the cookie domain"),
        ("https://app.other.org/", "app.example.com", "the same name in another domain"),
    ] {
        let target = target(url);
        let near = misses(&rules, &about(Reason::NoProvider, &target));
        let first = near.first().unwrap_or_else(|| panic!("{url}: nothing is near"));
        assert_eq!((first.kind, first.what.as_str()), (Kind::Host, nearest), "{url}: {near:?}");
        assert!(first.why_not.contains(because), "{url}: {}", first.why_not);
        assert!(near.len() <= MOST, "{url}");
    }
    for url in
        ["https://nothing.elsewhere.org/", "http://10.0.0.8/", "https://x.y/", "http://[::1]/"]
    {
        let target = target(url);
        assert_eq!(misses(&rules, &about(Reason::NoProvider, &target)), [], "{url}");
    }
}

#[test]
fn a_header_that_is_not_believed_and_would_match() {
    let rules = ruleset(&[
        (Mode::Proxy, "https://app.example.com", None),
        (Mode::Proxy, "https://other.example.com", None),
    ]);
    let target = target("http://outpost:9000/");
    let claimed = [
        ("X-Forwarded-Host", Authority::parse("app.example.com").unwrap()),
        ("X-Forwarded-Host", Authority::parse("nobody.test").unwrap()),
        ("X-Forwarded-Host", Authority::parse("outpost:9000").unwrap()),
    ];
    for reason in [Reason::NoProvider, Reason::PeerUntrusted] {
        let near = misses(&rules, &About { claimed: &claimed, ..about(reason, &target) });
        assert_eq!(near.len(), 1, "{near:?}");
        assert_eq!((near[0].what.as_str(), near[0].provider), ("app.example.com", 1));
        assert!(near[0].why_not.contains("not a trusted proxy"), "{}", near[0].why_not);
    }
    let allowed = About { claimed: &claimed, ..about(Reason::Session, &target) };
    assert_eq!(misses(&rules, &allowed), []);
}

#[test]
fn paths_beside_the_one_asked_for() {
    let rules = ruleset(&[
        (Mode::Proxy, "https://host.test/shop/", None),
        (Mode::Proxy, "https://host.test/blog/posts/", None),
        (Mode::Proxy, "https://elsewhere.test/cart/", None),
    ]);
    for (path, nearest, because) in [
        ("/Shop/cart", "/shop", "upper and lower case"),
        ("/shopping", "/shop", "a path ends at a slash"),
        ("/blog/", "/blog/posts", "further down"),
        ("/cart", "/shop", "not below it"),
    ] {
        let target = target(&format!("https://host.test{path}"));
        let near = misses(&rules, &about(Reason::PathUnserved, &target));
        assert_eq!(near.len(), 2, "{path}: {near:?}");
        assert_eq!((near[0].kind, near[0].what.as_str()), (Kind::Path, nearest), "{path}");
        assert!(near[0].why_not.contains(because), "{path}: {}", near[0].why_not);
    }
    let target = target("https://host.test/shop/..;/blog/posts/x");
    let near = misses(&rules, &about(Reason::PathAmbiguous, &target));
    let providers: Vec<_> = near.iter().map(|near| near.provider).collect();
    assert!(providers.contains(&1) && providers.contains(&2), "{near:?}");
}

#[test]
fn rules_beside_the_one_that_would_have_matched() {
    use Mode::{ForwardDomain, Proxy};
    for (mode, external, rule, url, because) in [
        (Proxy, "https://a.test", "^/Public/", "https://a.test/public/x", "upper and lower case"),
        (Proxy, "https://a.test", "^/public/$", "https://a.test/public", "with a slash"),
        (Proxy, "https://a.test", "^/public$", "https://a.test/public/", "without the slash"),
        (Proxy, "https://a.test", r"^/feed\?all$", "https://a.test/feed?all", "without the query"),
        (
            Proxy,
            "https://a.test",
            r"^https://a\.test/public",
            "https://a.test/public",
            "tried against the path",
        ),
        (
            Proxy,
            "https://a.test",
            r"^a\.test/public",
            "https://a.test/public",
            "tried against the path",
        ),
        (Proxy, "https://a.test", "^public/", "https://a.test/x/public/y", "without the ^"),
        (Proxy, "https://a.test", "^/public$", "https://a.test/public/x", "without the $"),
        (
            Proxy,
            "https://a.test/app/",
            "^/public/",
            "https://a.test/app/public/x",
            "begins with /app",
        ),
        (Proxy, "https://a.test", "^/public/", "https://a.test/public/../x", "dot segment"),
        (
            ForwardDomain,
            "https://sso.a.test",
            "^/public/",
            "https://x.a.test/public/x",
            "whole URL",
        ),
        (
            ForwardDomain,
            "https://sso.a.test",
            "^https://x.a.test/feed$",
            "https://x.a.test/feed?a=b",
            "with its query",
        ),
        (
            ForwardDomain,
            "https://sso.a.test",
            "^http://x.a.test/",
            "https://x.a.test/feed",
            "the rule is for http",
        ),
        (
            ForwardDomain,
            "https://sso.a.test",
            "^https://x.a.test/",
            "https://x.a.test:8443/",
            "port 8443",
        ),
    ] {
        let mut provider = provider_at(7, mode, external, Some("a.test"));
        provider.skip = SkipRules::compile(&format!("^/nothing\n{rule}")).0;
        let target = target(url);
        let asked = About { provider: Some(&provider), ..about(Reason::NotSignedIn, &target) };
        let near = misses(&Ruleset::default(), &asked);
        assert_eq!(near.len(), 1, "{rule} {url}: {near:?}");
        assert_eq!((near[0].kind, near[0].what.as_str()), (Kind::SkipRule, rule), "{url}");
        assert!(near[0].why_not.contains(because), "{rule} {url}: {}", near[0].why_not);
    }
}

#[test]
fn rules_that_have_nothing_to_do_with_it_are_not_named() {
    let mut provider = provider_at(7, Mode::Proxy, "https://a.test", None);
    provider.skip = SkipRules::compile("^/public/\n^/static/").0;
    for url in ["https://a.test/admin", "https://a.test/", "https://a.test/public/x"] {
        let target = target(url);
        let asked = About { provider: Some(&provider), ..about(Reason::NotSignedIn, &target) };
        assert_eq!(misses(&Ruleset::default(), &asked), [], "{url}");
    }
    let unknown = Target { path: Target::UNKNOWN_PATH.to_owned(), ..target("https://a.test/") };
    let asked = About { provider: Some(&provider), ..about(Reason::NotSignedIn, &unknown) };
    assert_eq!(misses(&Ruleset::default(), &asked), []);
}

/// Ten thousand providers, and the nearest is still found; the list stays short.
#[test]
fn the_nearest_of_many_is_found() {
    let one = provider_at(1, Mode::Proxy, "https://app.example.com", None);
    let all: Vec<_> = (1..=10_000)
        .map(|pk| {
            let mut provider = crate::provider::Provider { pk, ..one.clone() };
            provider.external.authority.host =
                format!("app-{:05}.department-{}.example.com", pk * 7, pk % 97).into();
            Arc::new(provider)
        })
        .collect();
    let rules = Ruleset::build(all).0;
    let target = target("https://www.app-00700.department-3.example.com/");
    let near = misses(&rules, &about(Reason::NoProvider, &target));
    assert_eq!(near[0].provider, 100);
    assert!(near.len() <= MOST);
}

#[test]
fn kinds_have_the_names_that_pages_show() {
    for kind in [Kind::Host, Kind::Path, Kind::SkipRule] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
}
