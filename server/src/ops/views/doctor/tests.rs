use std::sync::Arc;

use outpost_dashboard::model::{Fleet, Replica};

use super::super::testing::parts;
use super::super::{ViewParts, Views};
use super::*;
use crate::ops::event::RequestEvent;
use crate::ops::finish::tests::event;
use crate::publish::published;
use crate::snapshot::Snapshot;
use crate::snapshot::testing::provider;
use crate::status::probes::{Probes, Unreachable};
use outpost_decision::origin::TrustedNetworks;
use outpost_decision::ruleset::Ruleset;
use outpost_decision::target::Scheme;

fn with(change: impl FnOnce(&mut ViewParts)) -> Views {
    let one = provider(1, "one", |_| ());
    let ruleset = Ruleset::build(vec![one]).0;
    let (_, snapshot) = published(Snapshot { generation: 1, ruleset, ..Snapshot::default() });
    let mut parts = ViewParts { snapshot, ..parts() };
    change(&mut parts);
    Views::new(parts)
}

fn codes(views: &Views) -> Vec<String> {
    let found = views.doctor().findings.into_iter();
    let found = found.filter(|found| !["configuration", "listeners"].contains(&&*found.code));
    found.map(|found| found.code).collect()
}

#[test]
fn each_thing_around_the_outpost_is_found_and_counted() {
    assert_eq!(codes(&with(|_| ())), [""; 0]);
    let away = Unreachable { internal: "http://app".to_owned(), cause: "refused".to_owned() };
    let probes = |probes: Probes| published(probes).1;
    let unreachable = [(1, away)].into();
    let views = with(|parts| {
        parts.probes = probes(Probes { at: Some(Timestamp(1)), unreachable, ..Probes::default() });
    });
    assert_eq!(codes(&views), ["upstream_unreachable"]);
    let doctor = views.doctor();
    let found = doctor.findings.iter().find(|found| found.code == "upstream_unreachable").unwrap();
    assert_eq!(found.provider.as_ref().map(|it| it.name.as_str()), Some("one"));
    let check = doctor.checks.iter().find(|check| check.code == "applications").unwrap();
    assert_eq!((check.findings, check.unknown.as_deref()), (1, None));

    let views = with(|parts| {
        parts.probes = probes(Probes {
            clock: Some(Ok(100)),
            instances: Some(Ok(vec!["two".to_owned()])),
            ..Probes::default()
        });
    });
    assert_eq!(codes(&views), ["clock_skew", "store_not_shared"]);

    let replica = |hostname: &str, configuration: &str| Replica {
        hostname: hostname.to_owned(),
        configuration: configuration.to_owned(),
        ..Replica::default()
    };
    let replicas = vec![replica("here", "aa"), replica("there", "bb")];
    let views = with(|parts| {
        parts.fleet = published(Fleet { shared: true, replicas, error: None }).1;
    });
    assert_eq!(codes(&views), ["replicas_differ"]);
    let views = with(|parts| parts.served.embedded = true);
    assert_eq!(codes(&views), [""; 0]);
    let views = with(|parts| {
        parts.served.embedded = true;
        parts.snapshot = published(Snapshot { generation: 1, ..Snapshot::default() }).1;
    });
    assert_eq!(codes(&views), ["embedded_without_providers"]);
}

#[test]
fn traffic_is_judged_by_the_last_word_of_each_peer() {
    let one = provider(1, "one", |_| ());
    let external = one.external.clone();
    let right = external.scheme;
    let wrong = if right == Scheme::Http { Scheme::Https } else { Scheme::Http };
    let host = external.authority.to_string();
    let seen = |scheme: Scheme| RequestEvent {
        at: clock::now(),
        host: host.clone(),
        scheme: Some(scheme),
        provider: Some(Arc::clone(&one)),
        ..event()
    };
    let views = with(|_| ());
    views.parts.journal.record(Arc::new(seen(wrong)));
    assert_eq!(codes(&views), ["external_scheme_differs"]);
    views.parts.journal.record(Arc::new(seen(right)));
    assert_eq!(codes(&views), [""; 0]);
}

#[test]
fn clients_that_are_trusted_are_found_until_only_proxies_are() {
    for (trusted, expected) in [("10.0.0.0/8", vec!["clients_trusted"]), ("10.0.0.1", vec![])] {
        let views = with(|parts| {
            parts.served.trust = TrustedNetworks::parse(trusted).unwrap().into();
        });
        views.parts.journal.record(Arc::new(RequestEvent {
            at: clock::now(),
            client: "10.20.0.7".parse().ok(),
            peer: "10.0.0.1".parse().unwrap(),
            ..event()
        }));
        assert_eq!(codes(&views), expected, "{trusted}");
    }
}

#[test]
fn every_check_has_findings_of_its_own_and_what_is_unknown_is_said() {
    let mut all: Vec<&str> =
        CHECKS.iter().flat_map(|(_, _, codes)| codes.iter().copied()).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    let doctor = Views::new(parts()).doctor();
    for check in doctor.checks {
        let known = ["core", "store"].contains(&check.code.as_str());
        let says = check.unknown.as_deref() == Some("there is no configuration from core yet");
        assert!(known || says, "{check:?}");
    }
}
