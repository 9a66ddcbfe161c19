use proptest::prelude::*;

use super::*;

fn peer(address: &str, tls: bool) -> Peer {
    Peer { address: address.parse().unwrap(), tls }
}

fn from_trusted(headers: &[(&str, &str)]) -> Result<Origin, DialectError> {
    resolve(&peer("10.1.2.3", false), headers, None, &Trust::from(TrustedNetworks::default()))
}

fn from_untrusted(headers: &[(&str, &str)]) -> Result<Origin, DialectError> {
    resolve(&peer("203.0.113.9", false), headers, None, &Trust::from(TrustedNetworks::default()))
}

/// From a trusted peer, with `Forwarded` switched on.
fn by_rfc(headers: &[(&str, &str)]) -> Result<Origin, DialectError> {
    let trust = Trust { forwarded: true, ..TrustedNetworks::default().into() };
    resolve(&peer("10.1.2.3", false), headers, None, &trust)
}

fn authority(text: &str) -> Authority {
    Authority::parse(text).unwrap()
}

#[test]
fn the_default_list_is_the_contracts() {
    let written = "127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fe80::/10, ::1/128";
    assert_eq!(TrustedNetworks::default(), TrustedNetworks::parse(written).unwrap());
}

#[test]
fn mapped_addresses_are_ipv4() {
    let trusted = TrustedNetworks::parse("10.0.0.0/8").unwrap();
    assert!(trusted.contains("::ffff:10.0.0.1".parse().unwrap()));
    assert!(!trusted.contains("::ffff:11.0.0.1".parse().unwrap()));
    let mapped = TrustedNetworks::parse("::ffff:10.0.0.0/104,::ffff:192.0.2.1").unwrap();
    assert!(mapped.contains("10.0.0.1".parse().unwrap()));
    assert!(mapped.contains("192.0.2.1".parse().unwrap()));
    assert!(!mapped.contains("192.0.2.2".parse().unwrap()));
}

#[test]
fn every_bad_network_is_named() {
    let bad = TrustedNetworks::parse("10.0.0.0/8, 10.0.0.0/33,nonsense, ,::1").unwrap_err();
    let items: Vec<_> = bad.iter().map(|bad| bad.item.as_str()).collect();
    assert_eq!(items, ["10.0.0.0/33", "nonsense"]);
    assert!(bad[0].to_string().contains("10.0.0.0/33"));
    assert_eq!(TrustedNetworks::parse(" , ").unwrap(), TrustedNetworks::none());
}

#[test]
fn an_untrusted_peer_is_not_believed_and_what_it_sent_is_named() {
    let origin = from_untrusted(&[
        ("host", "App.Example.com"),
        ("x-forwarded-host", "other.example.com"),
        ("x-forwarded-host", "twice.example.com"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "192.0.2.1"),
    ])
    .unwrap();
    assert_eq!(origin.authority, authority("app.example.com"));
    assert_eq!(origin.scheme, Scheme::Http);
    assert_eq!(origin.client, "203.0.113.9".parse::<IpAddr>().unwrap());
    assert!(!origin.peer_trusted);
    assert_eq!(origin.source, "Host");
    assert_eq!(origin.ignored, ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For"]);
}

#[test]
fn a_trusted_peer_is_believed() {
    let origin = from_trusted(&[
        ("host", "outpost:9000"),
        ("x-forwarded-host", "APP.example.com.:443"),
        ("x-forwarded-proto", "WSS"),
        ("x-forwarded-for", "192.0.2.1"),
    ])
    .unwrap();
    assert_eq!(origin.authority, authority("app.example.com"));
    assert_eq!(origin.host, authority("outpost:9000"));
    assert_eq!(origin.scheme, Scheme::Https);
    assert_eq!(origin.client, "192.0.2.1".parse::<IpAddr>().unwrap());
    assert_eq!(origin.source, "X-Forwarded-Host");
    assert_eq!(origin.ignored, Vec::<&str>::new());
}

#[test]
fn only_the_default_port_of_the_scheme_is_dropped() {
    for (host, proto, expected) in [
        ("app:443", "https", "app"),
        ("app:80", "http", "app"),
        ("app:80", "https", "app:80"),
        ("app:443", "http", "app:443"),
        ("app:8443", "https", "app:8443"),
        ("[::1]:443", "https", "[::1]"),
    ] {
        let origin = from_trusted(&[("host", host), ("x-forwarded-proto", proto)]).unwrap();
        assert_eq!(origin.authority, authority(expected), "{host} {proto}");
    }
}

#[test]
fn tls_to_us_is_https_unless_a_trusted_peer_says_otherwise() {
    let trusted = Trust::from(TrustedNetworks::default());
    let headers: &[(&str, &str)] = &[("host", "app"), ("x-forwarded-proto", "http")];
    let near = resolve(&peer("127.0.0.1", true), headers, None, &trusted).unwrap();
    let far = resolve(&peer("203.0.113.9", true), headers, None, &trusted).unwrap();
    assert_eq!((near.scheme, far.scheme), (Scheme::Http, Scheme::Https));
}

#[test]
fn forwarded_headers_that_are_not_one_value_are_refused() {
    for (headers, reason, header) in [
        (
            &[("x-forwarded-host", "a.test"), ("x-forwarded-host", "a.test")][..],
            Reason::HeaderRepeated,
            "X-Forwarded-Host",
        ),
        (&[("x-forwarded-host", "a.test, b.test")], Reason::HeaderMalformed, "X-Forwarded-Host"),
        (&[("x-forwarded-host", "user@a.test")], Reason::HeaderMalformed, "X-Forwarded-Host"),
        (&[("x-forwarded-host", "a.test/x")], Reason::HeaderMalformed, "X-Forwarded-Host"),
        (&[("x-forwarded-host", "a.test:99999")], Reason::HeaderMalformed, "X-Forwarded-Host"),
        (&[("x-forwarded-host", "a\u{7}.test")], Reason::HeaderMalformed, "X-Forwarded-Host"),
        (&[("x-forwarded-proto", "https,http")], Reason::HeaderMalformed, "X-Forwarded-Proto"),
        (&[("x-forwarded-proto", "javascript")], Reason::HeaderMalformed, "X-Forwarded-Proto"),
        (
            &[("x-forwarded-proto", "https"), ("x-forwarded-proto", "https")],
            Reason::HeaderRepeated,
            "X-Forwarded-Proto",
        ),
    ] {
        let mut all = vec![("host", "app")];
        all.extend_from_slice(headers);
        assert_eq!(from_trusted(&all), Err(DialectError { reason, header }), "{headers:?}");
    }
}

#[test]
fn an_empty_forwarded_header_says_nothing() {
    let origin = from_trusted(&[
        ("host", "app"),
        ("x-forwarded-host", ""),
        ("x-forwarded-proto", ""),
        ("x-forwarded-for", ""),
    ])
    .unwrap();
    assert_eq!((origin.authority, origin.source), (authority("app"), "Host"));
    assert_eq!(origin.client, "10.1.2.3".parse::<IpAddr>().unwrap());
}

#[test]
fn the_host_is_named_exactly_once() {
    let refused = |reason, header| Err(DialectError { reason, header });
    let trusted = Trust::from(TrustedNetworks::default());
    let at = |headers: &[(&str, &str)], line| {
        resolve(&peer("10.0.0.1", false), headers, line, &trusted)
            .map(|origin| (origin.authority.to_string(), origin.source))
    };
    assert_eq!(at(&[], None), refused(Reason::HeaderMalformed, "Host"));
    assert_eq!(at(&[("host", "a"), ("Host", "a")], None), refused(Reason::HeaderRepeated, "Host"));
    assert_eq!(at(&[("host", "")], None), refused(Reason::HeaderMalformed, "Host"));
    assert_eq!(at(&[("host", "a b")], None), refused(Reason::HeaderMalformed, "Host"));
    assert_eq!(at(&[("host", "a")], Some("b")), refused(Reason::HeadersDisagree, "Host"));
    assert_eq!(at(&[], Some("u@b")), refused(Reason::HeaderMalformed, ":authority"));
    assert_eq!(at(&[("host", "A")], Some("a")), Ok(("a".to_owned(), ":authority")));
    assert_eq!(at(&[("host", "")], Some("a")), Ok(("a".to_owned(), ":authority")));
    assert_eq!(at(&[], Some("a:8080")), Ok(("a:8080".to_owned(), ":authority")));
}

#[test]
fn the_client_is_the_right_most_hop_that_is_not_trusted() {
    for (headers, expected) in [
        (&["192.0.2.1"][..], "192.0.2.1"),
        (&["192.0.2.1, 192.168.0.1"], "192.0.2.1"),
        (&["6.6.6.6, 192.0.2.1, 192.168.0.1"], "192.0.2.1"),
        (&["6.6.6.6", "192.0.2.1", "192.168.0.1"], "192.0.2.1"),
        (&["6.6.6.6, 192.0.2.1", "192.168.0.1,10.0.0.9"], "192.0.2.1"),
        (&["192.168.0.7, 192.168.0.8"], "192.168.0.7"),
        (&["::ffff:192.0.2.1"], "192.0.2.1"),
        (&["192.0.2.1:4711"], "192.0.2.1"),
        (&["[2001:db8::1]:4711"], "2001:db8::1"),
        (&["[2001:db8::1]"], "2001:db8::1"),
        (&["192.0.2.1, garbage"], "10.1.2.3"),
        (&["192.0.2.1, garbage, 192.168.0.8"], "192.168.0.8"),
        (&["unknown"], "10.1.2.3"),
        (&[""], "10.1.2.3"),
        (&[",,,"], "10.1.2.3"),
        (&["192.0.2.1", ""], "10.1.2.3"),
        (&["999.1.1.1"], "10.1.2.3"),
        (&["'; DROP TABLE"], "10.1.2.3"),
    ] {
        let mut all = vec![("host", "app")];
        all.extend(headers.iter().map(|value| ("x-forwarded-for", *value)));
        let client = from_trusted(&all).unwrap().client;
        assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{headers:?}");
    }
}

#[test]
fn more_headers_than_hops_cannot_hide_the_proxys_own() {
    let mut all = vec![("host", "app")];
    all.extend([("x-forwarded-for", "6.6.6.6"); 64]);
    all.push(("x-forwarded-for", "192.0.2.1"));
    let peer = "10.1.2.3".parse::<IpAddr>().unwrap();
    assert_eq!(from_trusted(&all).unwrap().client, peer);
    all.remove(1);
    assert_eq!(from_trusted(&all).unwrap().client, "192.0.2.1".parse::<IpAddr>().unwrap());
}

#[test]
fn forwarded_counts_only_where_it_is_switched_on() {
    let headers =
        [("host", "outpost"), ("forwarded", "for=192.0.2.1;host=app.test:443;proto=https")];
    let off = from_trusted(&headers).unwrap();
    assert_eq!((off.authority, off.source), (authority("outpost"), "Host"));
    assert_eq!((off.scheme, off.client), (Scheme::Http, "10.1.2.3".parse().unwrap()));
    assert_eq!(off.ignored, ["Forwarded"]);

    let on = by_rfc(&headers).unwrap();
    assert_eq!((on.authority, on.source), (authority("app.test"), "Forwarded"));
    assert_eq!((on.scheme, on.client), (Scheme::Https, "192.0.2.1".parse().unwrap()));
    assert!(on.ignored.is_empty());

    let trust = Trust { networks: TrustedNetworks::none(), forwarded: true };
    let untrusted = resolve(&peer("10.1.2.3", false), &headers[..], None, &trust).unwrap();
    assert_eq!((untrusted.source, untrusted.ignored), ("Host", vec!["Forwarded"]));
}

#[test]
fn beside_headers_that_are_believed_an_unheard_forwarded_is_not_worth_a_word() {
    let origin = from_trusted(&[
        ("host", "outpost"),
        ("x-forwarded-host", "app"),
        ("forwarded", "host=other"),
    ]);
    assert_eq!(origin.unwrap().ignored, Vec::<&str>::new());
}

#[test]
fn both_families_of_headers_must_agree() {
    let refused = Err(DialectError { reason: Reason::HeadersDisagree, header: "Forwarded" });
    for (forwarded, customary, agree) in [
        ("host=app.test", ("x-forwarded-host", "APP.test"), true),
        ("host=app.test;proto=https", ("x-forwarded-host", "app.test:443"), true),
        ("host=app.test", ("x-forwarded-host", "evil.test"), false),
        ("host=evil.test", ("x-forwarded-host", "app.test"), false),
        ("proto=https", ("x-forwarded-proto", "https"), true),
        ("proto=https", ("x-forwarded-proto", "http"), false),
        ("for=192.0.2.1", ("x-forwarded-host", "app.test"), true),
        ("for=192.0.2.1", ("x-forwarded-for", "192.0.2.1"), true),
        ("for=192.0.2.1", ("x-forwarded-for", "6.6.6.6, 192.0.2.1:99, 10.0.0.7"), true),
        ("for=6.6.6.6, for=192.0.2.1, for=10.0.0.7", ("x-forwarded-for", "192.0.2.1"), true),
        ("for=192.0.2.1", ("x-forwarded-for", ""), true),
        ("for=192.0.2.1", ("x-forwarded-for", "192.0.2.2"), false),
        ("for=192.0.2.1", ("x-forwarded-for", "192.0.2.1, 192.0.2.2"), false),
        ("for=192.0.2.1", ("x-forwarded-for", "nobody"), false),
        ("for=unknown", ("x-forwarded-for", "192.0.2.1"), false),
        ("proto=https", ("x-forwarded-for", "192.0.2.1"), false),
    ] {
        let result = by_rfc(&[("host", "outpost"), ("forwarded", forwarded), customary]);
        match agree {
            true => assert!(result.is_ok(), "{forwarded} {customary:?}: {result:?}"),
            false => assert_eq!(result, refused, "{forwarded} {customary:?}"),
        }
    }
    let without =
        by_rfc(&[("host", "app"), ("x-forwarded-for", "192.0.2.2"), ("x-forwarded-host", "b")]);
    let without = without.unwrap();
    assert_eq!(without.client, "192.0.2.2".parse::<IpAddr>().unwrap());
    assert_eq!(without.source, "X-Forwarded-Host");
}

proptest! {
    /// Whatever an untrusted peer sends, it is taken for itself.
    #[test]
    fn an_untrusted_peer_cannot_choose(name in 0_usize..3, value in "\\PC{0,40}") {
        let header = (FORWARDING[name].name(), value.as_str());
        let origin = from_untrusted(&[("host", "app"), header]).unwrap();
        prop_assert_eq!(origin.authority.to_string(), "app");
        prop_assert_eq!(origin.client, "203.0.113.9".parse::<IpAddr>().unwrap());
        prop_assert_eq!(origin.scheme, Scheme::Http);
    }

    /// However hops are spread over headers, blanks and ports: the client is the same.
    #[test]
    fn lines_of_one_header_are_one_list(
        hops in proptest::collection::vec((any::<std::net::Ipv4Addr>(), any::<bool>()), 1..6),
        cuts in proptest::collection::vec(any::<bool>(), 6),
        mapped: bool,
    ) {
        let trusted = TrustedNetworks::default();
        let mut lines = vec![String::new()];
        for (index, (hop, port)) in hops.iter().enumerate() {
            if index > 0 && cuts[index] {
                lines.push(String::new());
            }
            let line = lines.last_mut().unwrap();
            if !line.is_empty() {
                line.push_str(" ,\t");
            }
            line.push_str(&match (mapped, port) {
                (true, true) => format!("[::ffff:{hop}]:80"),
                (true, false) => format!("::ffff:{hop}"),
                (false, true) => format!("{hop}:80"),
                (false, false) => hop.to_string(),
            });
        }
        let mut all = vec![("host", "app")];
        all.extend(lines.iter().map(|line| ("X-Forwarded-For", line.as_str())));
        let hops = hops.iter().map(|(hop, _)| IpAddr::from(*hop));
        let expected = hops.clone().rev().find(|hop| !trusted.contains(*hop));
        let expected = expected.or_else(|| hops.clone().next()).unwrap();
        prop_assert_eq!(from_trusted(&all).unwrap().client, expected);
    }

    /// Any list of hops gives an address, and prepending hops never changes an untrusted one.
    #[test]
    fn prepended_hops_do_not_matter(noise in "[0-9a-f:., \\[\\]x-]{0,40}") {
        let value = format!("{noise}, 192.0.2.1, 10.0.0.1");
        let origin = from_trusted(&[("host", "app"), ("x-forwarded-for", &value)]).unwrap();
        prop_assert_eq!(origin.client, "192.0.2.1".parse::<IpAddr>().unwrap());
        let _ = from_trusted(&[("host", "app"), ("x-forwarded-for", &noise)]).unwrap();
    }
}
