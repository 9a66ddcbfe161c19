use actix_web::http::header::{HeaderName, HeaderValue};

use actix_web::http::{Method, Version};
use futures_util::FutureExt;

use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn access(token: Option<&str>) -> Access {
    Access::new(AccessParts { token: token.map(Into::into), ..testing::parts() })
}

fn check(token: Option<&str>, peer: &str, method: Method, pairs: &[(&str, &str)]) -> Verdict {
    let headers = headers(pairs);
    let asking = Asking {
        peer: peer.parse().ok(),
        version: Version::HTTP_11,
        method: &method,
        headers: &headers,
    };
    // Nothing of this waits: the notes are in memory.
    let called = access(token).call(asking).now_or_never();
    called.expect("no wait").map(|_| ())
}

type Verdict = Result<(), Refusal>;

const HERE: &str = "127.0.0.1";

/// Every combination: who must fit, and of several reasons which is told.
#[test]
fn without_a_token_peer_host_and_origin_must_all_be_this_machine() {
    let peers = [
        (HERE, true),
        ("127.9.9.9", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("192.0.2.1", false),
        ("::ffff:192.0.2.1", false),
        ("10.0.0.1", false),
        ("", false),
    ];
    let hosts = [
        ("localhost:9301", true),
        ("LOCALHOST", true),
        ("127.0.0.1:9301", true),
        ("127.1.2.3", true),
        ("[::1]:9301", true),
        ("evil.example.com", false),
        ("evil.example.com:9301", false),
        ("localhost.evil.example.com", false),
        ("evil.localhost", false),
        ("127.0.0.1.evil.example.com", false),
        ("192.0.2.1", false),
        ("0.0.0.0:9301", false),
        ("user@localhost", false),
        ("", false),
    ];
    for (peer, near) in peers {
        for (host, own) in hosts {
            let origins = [
                (None, true),
                (Some(format!("http://{}", host.to_lowercase())), true),
                (Some("http://evil.example.com".to_owned()), false),
                (Some("http://localhost:8080".to_owned()), false),
                (Some("null".to_owned()), false),
                (Some(String::new()), false),
            ];
            for (origin, same) in origins {
                let mut pairs = vec![("host", host)];
                pairs.extend(origin.as_deref().map(|origin| ("origin", origin)));
                let expected = match (near, own, same) {
                    (false, ..) => Err(Refusal::Peer),
                    (_, false, _) => Err(Refusal::Host),
                    (.., false) => Err(Refusal::Site),
                    _ => Ok(()),
                };
                let verdict = check(None, peer, Method::GET, &pairs);
                assert_eq!(verdict, expected, "{peer} {host} {origin:?}");
            }
        }
    }
}

#[test]
fn without_a_token_there_is_exactly_one_host() {
    assert_eq!(check(None, HERE, Method::GET, &[]), Err(Refusal::Host));
    let two = [("host", "localhost"), ("host", "evil.example.com")];
    assert_eq!(check(None, HERE, Method::GET, &two), Err(Refusal::Host));
    let two = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://evil")];
    assert_eq!(check(None, HERE, Method::GET, &two), Err(Refusal::Site));
}

#[test]
fn without_a_token_browsers_may_not_be_sent_by_other_sites() {
    for (site, expected) in [
        ("none", Ok(())),
        ("same-origin", Ok(())),
        ("same-site", Err(Refusal::Site)),
        ("cross-site", Err(Refusal::Site)),
        ("", Err(Refusal::Site)),
    ] {
        let pairs = [("host", "localhost"), ("sec-fetch-site", site)];
        assert_eq!(check(None, HERE, Method::GET, &pairs), expected, "{site}");
    }
}

#[test]
fn without_a_token_what_changes_something_is_json() {
    for (named, expected) in [
        (Some("application/json"), Ok(())),
        (Some("Application/JSON; charset=utf-8"), Ok(())),
        (Some("text/plain"), Err(Refusal::ContentType)),
        (Some("text/plain; application/json"), Err(Refusal::ContentType)),
        (Some("application/x-www-form-urlencoded"), Err(Refusal::ContentType)),
        (Some("multipart/form-data"), Err(Refusal::ContentType)),
        (None, Err(Refusal::ContentType)),
    ] {
        let mut pairs = vec![("host", "localhost")];
        pairs.extend(named.map(|named| ("content-type", named)));
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert_eq!(check(None, HERE, method, &pairs), expected, "{named:?}");
        }
    }
}

#[test]
fn without_a_token_nothing_that_a_proxy_passed_on_is_answered() {
    for name in local::FORWARDED {
        // Whatever it says: that it is there is what counts.
        let pairs = [("host", "localhost"), (name, "127.0.0.1")];
        assert_eq!(check(None, HERE, Method::GET, &pairs), Err(Refusal::Forwarded), "{name}");
    }
}

#[test]
fn without_a_token_the_versions_of_browsers_are_answered_and_that_of_proxies_is_not() {
    let headers = headers(&[("host", "localhost")]);
    for (version, expected) in [
        (Version::HTTP_09, Err(Refusal::Version)),
        (Version::HTTP_10, Err(Refusal::Version)),
        (Version::HTTP_11, Ok(())),
        (Version::HTTP_2, Ok(())),
    ] {
        let method = Method::GET;
        let asking =
            Asking { peer: HERE.parse().ok(), version, method: &method, headers: &headers };
        let called = access(None).call(asking).now_or_never().expect("no wait");
        assert_eq!(called.map(|_| ()), expected, "{version:?}");
    }
}

#[test]
fn with_a_token_it_alone_decides() {
    let token = Some("sesame-open");
    for (authorization, expected) in [
        ("Bearer sesame-open", Ok(())),
        ("bearer sesame-open", Ok(())),
        ("Bearer sesame-opem", Err(Refusal::Token)),
        ("Bearer sesame", Err(Refusal::Token)),
        ("Bearer sesame-open-too", Err(Refusal::Token)),
        ("Bearer ", Err(Refusal::Token)),
        ("Bearer", Err(Refusal::Token)),
        ("Basic sesame-open", Err(Refusal::Token)),
        ("sesame-open", Err(Refusal::Token)),
    ] {
        let pairs = [
            ("host", "outpost.example.com"),
            ("origin", "https://elsewhere.example.com"),
            ("x-forwarded-for", "192.0.2.7"),
            ("authorization", authorization),
        ];
        for peer in [HERE, "192.0.2.1"] {
            assert_eq!(check(token, peer, Method::POST, &pairs), expected, "{authorization}");
        }
    }
    let local = [("host", "localhost"), ("content-type", "application/json")];
    assert_eq!(check(token, HERE, Method::POST, &local), Err(Refusal::Token), "none at all");
    let two = [("authorization", "Bearer sesame-open"), ("authorization", "Bearer other")];
    assert_eq!(check(token, HERE, Method::GET, &two), Err(Refusal::Token), "two");
}

#[test]
fn no_secret_shows() {
    let shown = format!("{:?}", access(Some("sesame-open")));
    assert_eq!(shown, "Access(tokens: 1, core: false)");
    assert_eq!(format!("{:?}", access(None)), "Access(local)");
}

mod keyed;
