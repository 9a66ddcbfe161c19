use proptest::prelude::*;
use url::Url;

use super::*;
use crate::test_support::provider_at;

fn single() -> Provider {
    provider_at(1, Mode::ForwardSingle, "https://app.example.com", None)
}

fn domain() -> Provider {
    provider_at(2, Mode::ForwardDomain, "https://auth.example.com", Some("example.com"))
}

fn judged(provider: &Provider, host: &str, rd: &str) -> Result<String, Refused> {
    let authority = Authority::parse(host).unwrap();
    return_target(rd, provider, RequestHost { scheme: Scheme::Https, authority: &authority })
}

#[test]
fn own_targets_come_back_byte_for_byte() {
    for rd in [
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com/a/b?c=%2F&d=e+f&g=https://x.test/#frag",
        "https://app.example.com:443/a",
        "HTTPS://APP.example.com/a//b/../c",
        "https://app.example.com?a=b",
        "https://app.example.com/%09/%5c%0d%0a",
        "https://app.example.com/a;b=c|d^{e}'~!$*()[]",
    ] {
        assert_eq!(judged(&single(), "app.example.com", rd).as_deref(), Ok(rd));
        assert_eq!(judged(&domain(), "app.example.com", rd).as_deref(), Ok(rd));
    }
}

#[test]
fn bare_paths_are_on_the_requests_host() {
    for (provider, host, expected) in [
        (single(), "app.example.com", "https://app.example.com/a?b=c#d"),
        (single(), "other.test:9000", "https://other.test:9000/a?b=c#d"),
        (domain(), "wiki.example.com", "https://wiki.example.com/a?b=c#d"),
        (domain(), "wiki.example.com:8443", "https://wiki.example.com:8443/a?b=c#d"),
        (domain(), "evilexample.com", "https://auth.example.com/a?b=c#d"),
    ] {
        assert_eq!(judged(&provider, host, "/a?b=c#d").as_deref(), Ok(expected), "{host}");
    }
    // TLS ended at a proxy that does not say so: the external host knows better.
    let authority = Authority::parse("app.example.com").unwrap();
    let request = RequestHost { scheme: Scheme::Http, authority: &authority };
    assert_eq!(return_target("/a", &single(), request).as_deref(), Ok("https://app.example.com/a"));
}

#[test]
fn the_domain_counts_on_label_boundaries() {
    for rd in [
        "https://example.com/",
        "https://a.example.com/",
        "http://a.b.example.com:8080/x",
        "https://auth.example.com/",
    ] {
        assert_eq!(judged(&domain(), "a.example.com", rd).as_deref(), Ok(rd));
    }
    for rd in [
        "https://evilexample.com/",
        "https://example.com.evil.test/",
        "https://example.comevil/",
        "https://com/",
        "https://evil.test/.example.com",
        "https://evil.test?.example.com",
        "https://evil.test#.example.com",
    ] {
        assert_eq!(judged(&domain(), "a.example.com", rd), Err(Refused::ForeignHost), "{rd}");
    }
}

#[test]
fn a_single_host_includes_scheme_and_port() {
    for rd in [
        "http://app.example.com/",
        "https://app.example.com:8443/",
        "https://app.example.com:80/",
        "https://a.app.example.com/",
        "https://example.com/",
        "https://app.example.com.evil.test/",
        "https://app.example.comevil/",
        "https://evil.test/https://app.example.com/",
    ] {
        assert_eq!(judged(&single(), "app.example.com", rd), Err(Refused::ForeignHost), "{rd}");
    }
}

const TRICKS: [&str; 60] = [
    "",
    " ",
    "//evil.test",
    "//evil.test/",
    "///evil.test",
    "////evil.test",
    "/\\evil.test",
    "\\/evil.test",
    "\\\\evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "/\r/evil.test",
    "\t//evil.test",
    " //evil.test",
    "/ /evil.test",
    "\u{0}//evil.test",
    "\u{b}//evil.test",
    "\u{a0}//evil.test",
    "/\u{ff0f}evil.test",
    "/\u{2028}/evil.test",
    "https:evil.test",
    "https:/evil.test",
    "https:///evil.test",
    "https:////evil.test",
    "https:\\\\evil.test",
    "https:/\\evil.test",
    "https://\\evil.test",
    "ht\ntps://evil.test",
    "https\t://evil.test",
    "https:\n//evil.test",
    "https://evil.test",
    "https://evil.test\\@app.example.com/",
    "https://app.example.com@evil.test/",
    "https://app.example.com:pw@evil.test/",
    "https://app.example.com:@evil.test",
    "https://@app.example.com/",
    "https://user@app.example.com/",
    "https://evil.test:443@app.example.com",
    "https://app.example.com%40evil.test/",
    "https://app.example.com%2eevil.test/",
    "https://app.example.com\\.evil.test/",
    "https://app.example.com\u{3002}evil.test/",
    "https://app.example.com\t.evil.test/",
    "https://app.example.com./",
    "https://app.example.com.:443/",
    "https://app.example.com:/",
    "https://app.example.com:443:80/",
    "https://app.example.com:99999/",
    "https://[::1]/",
    "https://app.example.com,evil.test/",
    "javascript:alert(1)",
    "JaVaScRiPt://app.example.com/%0aalert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://app.example.com/",
    "ws://app.example.com/",
    "app.example.com/a",
    "?a=b",
    "#a",
];

#[test]
fn tricks_are_refused() {
    for rd in TRICKS {
        for (provider, host) in [(single(), "app.example.com"), (domain(), "wiki.example.com")] {
            assert!(judged(&provider, host, rd).is_err(), "{rd:?}");
        }
    }
    assert_eq!(judged(&single(), "app.example.com", "/x\\y"), Err(Refused::Characters));
    assert_eq!(judged(&single(), "app.example.com", "/x?y=\\z"), Err(Refused::Characters));
    let long = format!("/{}", "x".repeat(MAX_BYTES));
    assert_eq!(judged(&single(), "app.example.com", &long), Err(Refused::TooLong));
}

#[test]
fn our_own_paths_are_no_target() {
    for rd in [
        "/outpost.goauthentik.io/start?rd=/outpost.goauthentik.io/start",
        "/outpost.goauthentik.io/sign_out",
        "https://app.example.com/outpost.goauthentik.io/callback?code=x",
        "/a?X-authentik-logout=true",
        "https://app.example.com?X-authentik-auth-callback=true&state=x",
    ] {
        assert_eq!(judged(&single(), "app.example.com", rd), Err(Refused::OwnPath), "{rd}");
    }
}

#[test]
fn our_own_paths_are_no_target_behind_dot_segments_either() {
    // Found by fuzzing: a browser takes them out on its way, so that signing in ended in a sign-out.
    for rd in [
        "/x/../outpost.goauthentik.io/sign_out",
        "/./outpost.goauthentik.io/sign_out",
        "/x/%2e%2E/outpost.goauthentik.io/start",
        "/x/%2e%2e/a%2fb/../outpost.goauthentik.io/sign_out",
        "https://app.example.com/a/b/../../outpost.goauthentik.io/callback?code=x",
    ] {
        assert_eq!(judged(&single(), "app.example.com", rd), Err(Refused::OwnPath), "{rd}");
    }
    assert!(judged(&single(), "app.example.com", "/a/../b").is_ok());
}

#[test]
fn the_fallback_is_the_external_host() {
    assert_eq!(fallback(&single()), "https://app.example.com/");
    let below = provider_at(1, Mode::Proxy, "http://app.test:9000/sub/", None);
    assert_eq!(fallback(&below), "http://app.test:9000/sub/");
}

#[test]
fn the_parameter_is_found_escaped_or_not() {
    for (query, expected) in [
        // Escaped in full.
        ("rd=https%3A%2F%2Fapp.test%2Fx%3Fa%3D1%26b%3D2", Some("https://app.test/x?a=1&b=2")),
        ("rd=https%3A%2F%2Fapp.test%2Fx%3Fa%3D1&b=2", Some("https://app.test/x?a=1")),
        ("a=b&rd=%2Fx%252Fy%3Fq%3Da%2Bb%2520c&c=d", Some("/x%2Fy?q=a+b%20c")),
        ("rd=%2Fx&rd=%2Fy", Some("/x")),
        // By an encoder that leaves slashes alone.
        ("rd=/x%3Fa%3D1%26b%3D2", Some("/x?a=1&b=2")),
        ("rd=https%3A//app.test/x%3Fa%3D1", Some("https://app.test/x?a=1")),
        ("rd=/a%2520b", Some("/a%20b")),
        // By none.
        ("rd=https://app.test/x?a=1&b=2", Some("https://app.test/x?a=1&b=2")),
        ("rd=https://app.test/x?a=1&b=%2F&rd=3", Some("https://app.test/x?a=1&b=%2F&rd=3")),
        ("rd=/x?u=a%26b+c", Some("/x?u=a%26b+c")),
        ("rd=/x?", Some("/x?")),
        ("rd=/caf%C3%A9", Some("/caf%C3%A9")),
        ("rd=/a%20b", Some("/a%20b")),
        ("rd=/a%2Fb", Some("/a%2Fb")),
        ("rd=/100%25", Some("/100%25")),
        ("rd=HTTPS://app.test/a%20b", Some("HTTPS://app.test/a%20b")),
        // Scheme and host as they are, the rest escaped: ingress-nginx.
        ("rd=https://app.test%2Fx%3Fa%3D1%26b%3D%252F", Some("https://app.test/x?a=1&b=%2F")),
        ("rd=http://app.test:8080%2f&c=d", Some("http://app.test:8080/")),
        ("rd=https://%2Fx", Some("https://%2Fx")),
        ("rd=/x&b=2", Some("/x")),
        ("a=https://y.test/?rd=/z&rd=/x", Some("/x")),
        // Nothing, or nothing good.
        ("", None),
        ("rdx=/a&x=rd=/b", None),
        ("rd", None),
        ("rd=", Some("")),
        ("rd=/%09/evil.test", Some("/\t/evil.test")),
        ("rd=/%5Cevil.test", Some("/\\evil.test")),
        ("rd=/%2Fevil.test%0a", Some("//evil.test\n")),
        ("rd=/%ff", Some("/\u{fffd}")),
        ("rd=%2F%2Fevil.test", Some("//evil.test")),
    ] {
        assert_eq!(return_parameter(query).as_deref(), expected, "{query}");
    }
}

#[test]
fn a_query_is_judged_in_one_go() {
    let authority = Authority::parse("app.example.com").unwrap();
    let request = RequestHost { scheme: Scheme::Https, authority: &authority };
    let judge = |query| return_target_from_query(query, &single(), request);
    assert_eq!(judge(None), Ok(None));
    assert_eq!(judge(Some("a=b")), Ok(None));
    assert_eq!(judge(Some("rd=https://evil.test/?a&b")), Err(Refused::ForeignHost));
    assert_eq!(
        judge(Some("rd=https://app.example.com/x?a=1&b=2")),
        Ok(Some("https://app.example.com/x?a=1&b=2".to_owned()))
    );
}

/// What a browser makes of an accepted target must be on a permitted host.
fn browser_agrees(provider: &Provider, host: &str, accepted: &str) -> bool {
    let external = Url::parse(&provider.external.origin()).unwrap();
    // A URL that a browser cannot read takes nobody anywhere.
    let Ok(url) = external.join(accepted) else { return true };
    let request = Url::parse(&format!("https://{host}")).unwrap();
    let name = url.host_str().unwrap();
    url.username().is_empty()
        && matches!(url.scheme(), "http" | "https")
        && match &provider.cookie_domain {
            Some(domain) => name == domain || name.ends_with(&format!(".{domain}")),
            None => url.origin() == external.origin() || url.origin() == request.origin(),
        }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,3}",
        "[/\\\\:@.?#%\t\n\r ]{0,3}",
        Just("https:".to_owned()),
        Just("http://".to_owned()),
        Just("https://".to_owned()),
        Just("//".to_owned()),
        Just("app.example.com".to_owned()),
        Just("example.com".to_owned()),
        Just("evil.test".to_owned()),
        Just("127.0.0.1".to_owned()),
        Just("%2f".to_owned()),
        Just("%40".to_owned()),
        "\\PC",
    ];
    proptest::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

#[test]
fn no_target_leads_a_browser_elsewhere() {
    let cases =
        [(single(), "app.example.com"), (single(), "alias.test"), (domain(), "wiki.example.com")];
    proptest!(ProptestConfig::with_cases(2000), |(rd in pieces())| {
        for (provider, host) in &cases {
            if let Ok(accepted) = judged(provider, host, &rd) {
                prop_assert!(accepted.ends_with(&rd));
                prop_assert!(browser_agrees(provider, host, &accepted), "{:?} -> {}", rd, accepted);
                // The target itself, too: a page may show it as a link.
                prop_assert!(browser_agrees(provider, host, &rd), "{:?}", rd);
            }
            let authority = Authority::parse(host).unwrap();
            let request = RequestHost { scheme: Scheme::Https, authority: &authority };
            let query = format!("rd={rd}");
            if let Ok(Some(accepted)) = return_target_from_query(Some(&query), provider, request) {
                prop_assert!(browser_agrees(provider, host, &accepted), "{} -> {}", query, accepted);
            }
        }
    });
}

proptest! {
    /// A target that was properly escaped comes back as it was.
    #[test]
    fn escaping_is_undone(rd in "/[!-~]{0,30}") {
        let escaped = percent_encoding::utf8_percent_encode(&rd, percent_encoding::NON_ALPHANUMERIC);
        let query = format!("a=b&rd={escaped}&c=d");
        let found = return_parameter(&query);
        prop_assert_eq!(found.as_deref(), Some(rd.as_str()));
    }

    /// The published nginx snippet does not escape; a target with a query survives it.
    #[test]
    fn a_missing_escape_is_repaired(path in "/[!-$'-.0-9A-Za-z]{0,9}", query in "[!-~]{0,20}") {
        let rd = format!("https://app.example.com{path}?{query}");
        let raw_query = format!("rd={rd}");
        let found = return_parameter(&raw_query);
        prop_assert_eq!(found.as_deref(), Some(rd.as_str()));
    }
}
