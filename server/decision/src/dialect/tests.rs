use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::target::Authority;

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn origin(trusted: bool) -> Origin {
    Origin {
        scheme: Scheme::Https,
        authority: Authority::parse("forwarded.test").unwrap(),
        host: Authority::parse("own.test").unwrap(),
        client: IpAddr::from([192, 0, 2, 1]),
        peer_trusted: trusted,
        source: "Host",
        ignored: Vec::new(),
    }
}

const CHECK: Asked<'_> = Asked { method: "GET", path: "/x", query: None };

/// Path and query of a request target.
fn split(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

fn told(dialect: Dialect, headers: Pairs<'_>) -> Result<String, DialectError> {
    dialect
        .original(&Found::among(headers), &CHECK, &origin(true))
        .map(|original| original.target.to_string())
}

fn refused(reason: Reason, header: &'static str) -> Result<String, DialectError> {
    Err(DialectError { reason, header })
}

#[test]
fn nginx_tells_the_whole_url_or_path_and_query() {
    for (headers, expected) in [
        (&[("x-original-url", "https://app.test/a?b=c%2F&d")][..], "https://app.test/a?b=c%2F&d"),
        (&[("x-original-url", "http://App.Test:8080/")], "http://app.test:8080/"),
        (&[("x-original-url", "https://app.test:443/a//b/../c?")], "https://app.test/a//b/../c?"),
        (&[("x-original-url", "wss://app.test/ws")], "https://app.test/ws"),
        (&[("x-original-url", "https://[::1]:8443/a")], "https://[::1]:8443/a"),
        (
            &[("x-original-url", "https://app.test/?u=https://b.test/?c")],
            "https://app.test/?u=https://b.test/?c",
        ),
        (&[("x-original-uri", "/a?b=\\c")], "https://forwarded.test/a?b=\\c"),
        (&[("x-original-uri", "//evil.test/a")], "https://forwarded.test//evil.test/a"),
        (&[("x-original-url", ""), ("x-original-uri", "/a")], "https://forwarded.test/a"),
        (
            &[("x-original-url", "https://forwarded.test/a?b"), ("x-original-uri", "/a?b")],
            "https://forwarded.test/a?b",
        ),
        (
            &[("x-original-url", "https://own.test:8443/a"), ("x-original-uri", "/a")],
            "https://own.test:8443/a",
        ),
    ] {
        assert_eq!(told(Dialect::Nginx, headers).as_deref(), Ok(expected), "{headers:?}");
    }
}

#[test]
fn nginx_refuses_what_is_missing_doubled_or_contradictory() {
    const URL: &str = "X-Original-URL";
    const URI: &str = "X-Original-URI";
    for (headers, reason, header) in [
        (&[][..], Reason::HeadersMissing, URL),
        (&[("x-original-url", ""), ("x-original-uri", "")], Reason::HeadersMissing, URL),
        (
            &[("x-original-url", "https://a/"), ("x-original-url", "https://a/")],
            Reason::HeaderRepeated,
            URL,
        ),
        (&[("x-original-uri", "/"), ("x-original-uri", "/")], Reason::HeaderRepeated, URI),
        (
            &[("x-original-url", "https://a/"), ("x-original-uri", "/"), ("x-original-uri", "/")],
            Reason::HeaderRepeated,
            URI,
        ),
        (
            &[
                ("x-original-url", "https://a/private"),
                ("x-original-uri", "/outpost.goauthentik.io/"),
            ],
            Reason::HeadersDisagree,
            URI,
        ),
        (
            &[
                ("x-original-url", "https://a/outpost.goauthentik.io/"),
                ("x-original-uri", "/private"),
            ],
            Reason::HeadersDisagree,
            URI,
        ),
        // Path and query agree, but a client behind a proxy that sets these alone names a host.
        (
            &[("x-original-url", "https://other.test/a"), ("x-original-uri", "/a")],
            Reason::HeadersDisagree,
            URI,
        ),
        (
            &[("x-original-url", "https://sub.own.test/a"), ("x-original-uri", "/a")],
            Reason::HeadersDisagree,
            URI,
        ),
        (
            &[("x-original-url", "https://a/x?y"), ("x-original-uri", "/x")],
            Reason::HeadersDisagree,
            URI,
        ),
        (&[("x-original-url", "/relative")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "https://app.test")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "https:///a")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "https://user@app.test/a")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "https://app.test\\@evil/a")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "https://app.test/a#b")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "https://app.test/a\\b")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "https://app.test/a b")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "https://app.test/a\tb")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "ftp://app.test/a")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "javascript://app.test/a")], Reason::HeaderMalformed, URL),
        (&[("x-original-url", "https://a/x, https://b/y")], Reason::HeaderMalformed, URL),
        (&[("x-original-uri", "https://app.test/a")], Reason::HeaderMalformed, URI),
        (&[("x-original-uri", "a")], Reason::HeaderMalformed, URI),
        (&[("x-original-uri", "*")], Reason::HeaderMalformed, URI),
    ] {
        assert_eq!(told(Dialect::Nginx, headers), refused(reason, header), "{headers:?}");
    }
}

const GOOD: [(&str, &str); 3] = [
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "App.test:443"),
    ("x-forwarded-uri", "/a//b?c=%2f&d=e?f"),
];

#[test]
fn traefik_and_caddy_tell_scheme_host_and_uri() {
    for dialect in [Dialect::Traefik, Dialect::Caddy] {
        assert_eq!(told(dialect, &GOOD).as_deref(), Ok("https://app.test/a//b?c=%2f&d=e?f"));
        for missing in GOOD {
            let mut headers = GOOD.to_vec();
            headers.retain(|header| *header != missing);
            let error = told(dialect, &headers).unwrap_err();
            assert_eq!(error.reason, Reason::HeadersMissing);
            assert!(error.header.eq_ignore_ascii_case(missing.0));
        }
        for doubled in GOOD {
            let mut headers = GOOD.to_vec();
            headers.push(doubled);
            let error = told(dialect, &headers).unwrap_err();
            assert_eq!(error.reason, Reason::HeaderRepeated);
            assert!(error.header.eq_ignore_ascii_case(doubled.0));
        }
        for (name, value) in [
            ("x-forwarded-proto", "https,http"),
            ("x-forwarded-proto", "ftp"),
            ("x-forwarded-host", "a.test,b.test"),
            ("x-forwarded-host", "user:pw@a.test"),
            ("x-forwarded-host", "a.test/x"),
            ("x-forwarded-uri", "a"),
            ("x-forwarded-uri", "https://evil.test/"),
            ("x-forwarded-uri", "/a#b"),
            ("x-forwarded-uri", "/a\\b"),
            ("x-forwarded-uri", "/a\nb"),
            ("x-forwarded-method", "GET POST"),
        ] {
            let mut headers: Vec<_> =
                GOOD.into_iter().filter(|(other, _)| *other != name).collect();
            headers.push((name, value));
            let error = told(dialect, &headers).unwrap_err();
            assert_eq!(error.reason, Reason::HeaderMalformed, "{name}: {value}");
            assert!(error.header.eq_ignore_ascii_case(name));
        }
    }
}

#[test]
fn headers_of_an_untrusted_peer_tell_nothing() {
    let untrusted = origin(false);
    for (dialect, headers) in [
        (Dialect::Nginx, &[("x-original-url", "https://app.test/")][..]),
        (Dialect::Nginx, &[("x-original-uri", "/")]),
        (Dialect::Traefik, &GOOD),
        (Dialect::Caddy, &GOOD),
    ] {
        let error = dialect.original(&Found::among(headers), &CHECK, &untrusted).unwrap_err();
        assert_eq!(error.reason, Reason::PeerUntrusted, "{headers:?}");
    }
    let none: Pairs<'_> = &[];
    let error = Dialect::Nginx.original(&Found::among(none), &CHECK, &untrusted).unwrap_err();
    assert_eq!(error.reason, Reason::HeadersMissing);
}

#[test]
fn a_named_port_counts_where_nginx_headers_agree_on_the_host() {
    let headers: Pairs<'_> = &[("x-original-url", "https://own.test/a"), ("x-original-uri", "/a")];
    for (port, fits) in [(None, true), (Some(443), true), (Some(8443), false)] {
        let host = Authority { host: "own.test".into(), port };
        let origin = Origin { authority: host.clone(), host, ..origin(true) };
        let told = Dialect::Nginx.original(&Found::among(headers), &CHECK, &origin);
        assert_eq!(told.is_ok(), fits, "{port:?}");
        assert!(told.is_ok_and(|original| original.host_claimed) == fits);
    }
    let alone: Pairs<'_> = &[("x-original-url", "https://other.test/a")];
    assert!(
        !Dialect::Nginx.original(&Found::among(alone), &CHECK, &origin(true)).unwrap().host_claimed
    );
    let uri: Pairs<'_> = &[("x-original-uri", "/a")];
    assert!(
        Dialect::Nginx.original(&Found::among(uri), &CHECK, &origin(true)).unwrap().host_claimed
    );
}

#[test]
fn the_method_is_what_the_proxy_reports() {
    let url = ("x-original-url", "https://app.test/");
    for (dialect, extra, expected) in [
        (Dialect::Nginx, &[][..], "GET"),
        (Dialect::Nginx, &[("x-original-method", "POST")], "POST"),
        (Dialect::Nginx, &[("x-forwarded-method", "PUT")], "PUT"),
        (Dialect::Nginx, &[("x-forwarded-method", "PUT"), ("x-original-method", "POST")], "POST"),
        (Dialect::Traefik, &[], "GET"),
        (Dialect::Traefik, &[("x-forwarded-method", "DELETE")], "DELETE"),
    ] {
        let mut headers = GOOD.to_vec();
        headers.push(url);
        headers.extend_from_slice(extra);
        let original =
            dialect.original(&Found::among(headers.as_slice()), &CHECK, &origin(true)).unwrap();
        assert_eq!(original.method, expected, "{extra:?}");
    }
}

#[test]
fn envoy_tells_the_path_behind_the_prefix() {
    let spoofed: Pairs<'_> = &[("x-forwarded-uri", "/public/"), ("x-original-url", "https://x/")];
    for (path_and_query, expected) in [
        ("/outpost.goauthentik.io/auth/envoy/a/b?c=%2F&d", Ok("https://own.test/a/b?c=%2F&d")),
        ("/outpost.goauthentik.io/auth/envoy//a/../b", Ok("https://own.test//a/../b")),
        ("/outpost.goauthentik.io/auth/envoy", Ok("https://own.test/")),
        ("/outpost.goauthentik.io/auth/envoy?a", Ok("https://own.test/?a")),
        ("/outpost.goauthentik.io/auth/envoy/a\\b", Err(Reason::HeaderMalformed)),
        ("/outpost.goauthentik.io/auth/nginx", Err(Reason::HeaderMalformed)),
    ] {
        let (path, query) = split(path_and_query);
        let asked = Asked { method: "PATCH", path, query };
        let told = Dialect::Envoy.original(&Found::among(spoofed), &asked, &origin(false));
        match expected {
            Ok(url) => {
                let original = told.unwrap();
                assert_eq!(original.target.to_string(), url);
                assert_eq!(original.method, "PATCH");
            }
            Err(reason) => assert_eq!(told.unwrap_err().reason, reason, "{path_and_query}"),
        }
    }
}

proptest! {
    /// Path and query come through byte for byte in every dialect, or not at all.
    #[test]
    fn path_and_query_are_never_changed(uri in "/[ -~é]{0,30}") {
        let url = format!("https://forwarded.test{uri}");
        let check = format!("/outpost.goauthentik.io/auth/envoy{uri}");
        let (path, query) = split(&check);
        let asked = Asked { method: "GET", path, query };
        let headers = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "app.test"),
            ("x-forwarded-uri", uri.as_str()),
            ("x-original-uri", uri.as_str()),
            ("x-original-url", url.as_str()),
        ];
        let results = [Dialect::Nginx, Dialect::Traefik, Dialect::Caddy, Dialect::Envoy]
            .map(|dialect| dialect.original(&Found::among(headers.as_slice()), &asked, &origin(true)));
        for result in &results {
            prop_assert_eq!(result.is_ok(), results[0].is_ok());
            if let Ok(original) = result {
                prop_assert_eq!(original.target.path_and_query(), uri.as_str());
            }
        }
    }
}
