//! RFC 7239, where it is switched on.

use crate::trusted_proxies::support::Edge;

const ON: (&str, &str) = ("OUTPOST__LISTEN__FORWARDED", "true");

#[tokio::test]
async fn forwarded_tells_client_and_host_where_it_is_switched_on_and_nothing_elsewhere() {
    let header = "Forwarded: for=6.6.6.6;host=evil.test, \
                  for=\"192.0.2.1:4711\";host=app.test;proto=https, for=10.0.0.7";
    let mut off = Edge::start(&[]).await;
    let outcome = off.ask(&["Host: outpost", header]).await;
    assert_eq!((outcome.status, outcome.client.as_str()), (400, "127.0.0.1"), "{outcome:?}");
    let outcome = off.ask(&["Host: app.test", header]).await;
    assert_eq!((outcome.status, outcome.client.as_str()), (200, "127.0.0.1"), "{outcome:?}");

    let mut on = Edge::start(&[ON]).await;
    let outcome = on.ask(&["Host: outpost", header]).await;
    assert_eq!((outcome.status, outcome.client.as_str()), (200, "192.0.2.1"), "{outcome:?}");

    let strangers = ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "192.0.2.0/24");
    let mut untrusted = Edge::start(&[ON, strangers]).await;
    let outcome = untrusted.ask(&["Host: outpost", header]).await;
    assert_eq!((outcome.status, outcome.client.as_str()), (400, "127.0.0.1"), "{outcome:?}");
}

/// A proxy that sets one family of headers may pass on what a client says in the other.
#[tokio::test]
async fn headers_that_contradict_each_other_are_refused() {
    let mut edge = Edge::start(&[ON]).await;
    for (forwarded, customary, status) in [
        ("host=app.test", "X-Forwarded-Host: APP.test", 200),
        ("host=app.test", "X-Forwarded-Host: other.test", 400),
        ("host=app.test;proto=https", "X-Forwarded-Proto: https", 200),
        ("host=app.test;proto=https", "X-Forwarded-Proto: http", 400),
        ("for=192.0.2.1", "X-Forwarded-For: 192.0.2.2", 400),
        ("for=192.0.2.1", "X-Forwarded-For: 6.6.6.6, 192.0.2.1", 200),
        ("host=\"app.test", "X-Forwarded-Host: app.test", 400),
        ("host=app.test;host=app.test", "X-Forwarded-Host: app.test", 400),
    ] {
        let header = format!("Forwarded: {forwarded}");
        let outcome = edge.ask(&["Host: app.test", &header, customary]).await;
        assert_eq!(outcome.status, status, "{forwarded} {customary}: {outcome:?}");
        if status == 200 && forwarded.starts_with("for") {
            assert_eq!(outcome.client, "192.0.2.1", "{outcome:?}");
        }
    }
}
