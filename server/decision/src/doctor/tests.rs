use std::collections::HashMap;
use std::sync::Arc;

use super::*;
use crate::origin::TrustedNetworks;
use crate::provider::Mode;
use crate::target::{Authority, Scheme};
use crate::test_support::provider_at;

fn said(finding: Option<Finding>) -> Option<(&'static str, Severity)> {
    finding.map(|finding| (finding.code, finding.severity))
}

#[test]
fn clocks_apart() {
    for (ahead, expected) in [
        (0, None),
        (5, None),
        (-5, None),
        (6, Some(Severity::Warning)),
        (-60, Some(Severity::Warning)),
        (61, Some(Severity::Error)),
        (-4000, Some(Severity::Error)),
    ] {
        assert_eq!(clock_skew(ahead).map(|finding| finding.severity), expected, "{ahead}");
    }
    assert!(clock_skew(-9).unwrap().message.contains("9 s behind"));
}

#[test]
fn versions_apart() {
    for (expected, severity) in [
        (None, None),
        (Some("2025.10.0"), None),
        (Some("2025.10.9"), None),
        (Some("2025.12.1"), Some(Severity::Info)),
        (Some("2026.4.0"), Some(Severity::Info)),
        (Some("2026.6.0"), Some(Severity::Warning)),
        (Some("2024.12.3"), Some(Severity::Warning)),
        (Some("nonsense"), None),
        (Some("1.2"), None),
    ] {
        assert_eq!(version(expected).map(|finding| finding.severity), severity, "{expected:?}");
    }
}

#[test]
fn replicas_that_differ() {
    let of =
        |hostname, configuration| ReplicaConfiguration { hostname, configuration, version: "1" };
    let this = of("one", "aa");
    assert_eq!(replicas(&this, &[]), None);
    assert_eq!(replicas(&this, &[of("two", "aa"), of("three", "")]), None);
    assert_eq!(replicas(&of("one", ""), &[of("two", "bb")]), None);
    let found = replicas(&this, &[of("two", "bb"), of("three", "aa")]).unwrap();
    assert_eq!(found.code, "replicas_differ");
    assert!(found.message.contains("two serves") && !found.message.contains("three"));
    let newer = ReplicaConfiguration { version: "2", ..of("two", "bb") };
    assert!(replicas(&this, &[newer]).unwrap().remedy.contains("update"));
}

#[test]
fn instances_that_share_no_store() {
    let others = vec!["two".to_owned()];
    for (shared, met, heard, expected) in [
        (false, 0, &[][..], None),
        (false, 0, &others, Some(("store_not_shared", Severity::Error))),
        (true, 1, &others, None),
        (true, 0, &others, Some(("store_elsewhere", Severity::Warning))),
    ] {
        assert_eq!(said(other_instances(shared, met, heard)), expected);
    }
}

#[test]
fn an_embedded_outpost_without_providers() {
    assert_eq!(said(embedded(false, 0)), None);
    assert_eq!(said(embedded(true, 1)), None);
    let expected = Some(("embedded_without_providers", Severity::Warning));
    assert_eq!(said(embedded(true, 0)), expected);
}

#[test]
fn proxies_that_are_not_trusted() {
    let of = |peer: &str, peer_trusted, count| Unbelieved {
        peer: peer.parse().unwrap(),
        peer_trusted,
        headers: vec!["X-Forwarded-For"],
        first: Timestamp(1),
        last: Timestamp(2),
        count,
    };
    let found = unbelieved(&[
        of("203.0.113.9", false, 100),
        of("172.18.0.2", false, 1),
        of("10.0.0.1", true, 3),
        of("fd00::2", false, 2),
    ]);
    let told: Vec<_> = found.iter().map(|it| (it.code, it.severity)).collect();
    assert_eq!(
        told,
        [
            ("forwarded_not_read", Severity::Warning),
            ("proxy_not_trusted", Severity::Warning),
            ("proxy_not_trusted", Severity::Warning),
            ("proxy_not_trusted", Severity::Info),
        ]
    );
    assert!(found[2].message.contains("172.18.0.2 sends X-Forwarded-For (once)"), "{found:?}");
    let many: Vec<_> = (0..50).map(|n| of(&format!("203.0.113.{n}"), false, 1)).collect();
    assert_eq!(unbelieved(&many).len(), 10);
}

#[test]
fn clients_within_the_trusted_networks() {
    let trusted = TrustedNetworks::parse("10.0.0.0/8,127.0.0.0/8").unwrap();
    let told = |seen: &[(&str, &str)]| {
        let address = |text: &str| text.parse().unwrap();
        let seen = seen.iter().map(|(client, peer)| (address(client), address(peer)));
        trusted_clients(seen, &trusted)
    };
    // A stranger, a proxy or a health check by itself, and this machine.
    let fine = [
        ("203.0.113.9", "10.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "10.0.0.1"),
    ];
    assert_eq!(told(&fine), None);
    let some = [fine[0], ("10.20.0.7", "10.0.0.1"), fine[2], ("10.20.0.8", "10.0.0.1")];
    let found = told(&some).unwrap();
    assert_eq!((found.code, found.severity), ("clients_trusted", Severity::Info));
    assert!(found.message.contains("10.0.0.1 tells of the client 10.20.0.7"), "{found:?}");
    assert!(found.message.contains("(2 such requests)"), "{found:?}");
}

#[test]
fn traffic_that_does_not_fit_the_external_host() {
    let provider = provider_at(1, Mode::Proxy, "https://app.test:8443", None);
    let authority = |text| Authority::parse(text).unwrap();
    let (right, wrong) = (authority("app.test:8443"), authority("app.test:9443"));
    let peer = |last: u8| IpAddr::from([10, 0, 0, last]);
    let of = |peer, scheme, authority| Observed {
        provider: &provider,
        peer,
        peer_trusted: true,
        scheme,
        authority,
    };
    let codes = |observed: &[Observed<'_>]| -> Vec<&'static str> {
        disagreements(observed.iter().copied()).iter().map(|(_, it)| it.code).collect()
    };
    let good = of(peer(1), Scheme::Https, &right);
    let plain = of(peer(1), Scheme::Http, &right);
    let port = of(peer(1), Scheme::Https, &wrong);
    assert_eq!(codes(&[good, good]), [""; 0]);
    assert_eq!(codes(&[plain, plain]), ["external_scheme_differs"]);
    assert_eq!(codes(&[port]), ["external_port_differs"]);
    assert_eq!(codes(&[good, plain, port]), [""; 0], "mended");
    assert_eq!(codes(&[plain, good]), ["external_scheme_differs"]);
    let other = of(peer(2), Scheme::Http, &right);
    assert_eq!(codes(&[good, other, good]), ["external_scheme_differs"], "of each peer");
    let both = disagreements([plain, plain, other]);
    assert_eq!(both.len(), 1);
    assert!(both[0].1.message.contains("2 in a row"), "{}", both[0].1.message);
}

#[test]
fn sign_ins_of_which_none_came_back() {
    let provider = provider_at(1, Mode::ForwardSingle, "https://app.test", None);
    for (begun, finished, found) in [(9, 0, 0), (10, 0, 1), (10, 1, 0)] {
        let tally = HashMap::from([(1, (begun, finished))]);
        assert_eq!(unfinished_sign_ins(&tally, &[&provider]).len(), found, "{begun} {finished}");
    }
    assert!(unfinished_sign_ins(&HashMap::new(), &[&provider]).is_empty());
}

#[test]
fn callbacks_that_end_elsewhere() {
    let one = provider_at(1, Mode::Proxy, "https://app.test", None);
    let two = provider_at(2, Mode::Proxy, "https://other.test", None);
    let same = provider_at(3, Mode::ForwardSingle, "https://app.test", None);
    let rules =
        |providers: Vec<Provider>| Ruleset::build(providers.into_iter().map(Arc::new).collect()).0;
    assert_eq!(callbacks(&rules(vec![one.clone(), two]), false, Timestamp(0)), []);
    let found = callbacks(&rules(vec![one, same]), false, Timestamp(0));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, found[0].1.code), (3, "callback_elsewhere"));
}
