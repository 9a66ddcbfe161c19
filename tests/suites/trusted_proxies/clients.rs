//! The client is the right-most hop that nobody vouches for (ak#25397, ak#24479).

use crate::trusted_proxies::support::Edge;

#[tokio::test]
async fn the_client_is_the_last_hop_that_is_no_proxy_of_ours() {
    let mut edge = Edge::start(&[]).await;
    for (hops, client) in [
        (&["192.0.2.1"][..], "192.0.2.1"),
        (&["6.6.6.6, 192.0.2.1, 10.0.0.7"], "192.0.2.1"),
        (&["6.6.6.6", "192.0.2.1", "10.0.0.7"], "192.0.2.1"),
        (&["6.6.6.6, 192.0.2.1:4711", "[::ffff:10.0.0.7]:80"], "192.0.2.1"),
        (&["::ffff:192.0.2.1"], "192.0.2.1"),
        (&["[2001:db8::1]:4711"], "2001:db8::1"),
        (&["10.0.0.9, 10.0.0.7"], "10.0.0.9"),
        (&["192.0.2.1, unknown"], "127.0.0.1"),
        (&["192.0.2.1, \"; DROP TABLE"], "127.0.0.1"),
        (&["", ""], "127.0.0.1"),
        (&[], "127.0.0.1"),
    ] {
        let mut lines = vec!["Host: app.test".to_owned()];
        lines.extend(hops.iter().map(|hop| format!("X-Forwarded-For: {hop}")));
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let outcome = edge.ask(&lines).await;
        assert_eq!((outcome.status, outcome.client.as_str()), (200, client), "{hops:?}");
    }
}

#[tokio::test]
async fn a_listener_for_both_families_knows_ipv4_peers_by_their_ipv4_address() {
    let variables = [
        ("AUTHENTIK_LISTEN__HTTP", "[::]:0"),
        ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "127.0.0.0/8"),
    ];
    let mut edge = Edge::start(&variables).await;
    let outcome =
        edge.ask(&["Host: outpost", "X-Forwarded-Host: app.test", "X-Forwarded-For: 192.0.2.1"]);
    let outcome = outcome.await;
    assert_eq!((outcome.status, outcome.client.as_str()), (200, "192.0.2.1"), "{outcome:?}");
}

#[tokio::test]
async fn a_header_with_one_value_that_occurs_twice_is_refused() {
    let mut edge = Edge::start(&[]).await;
    for (name, value) in [("X-Forwarded-Host", "app.test"), ("X-Forwarded-Proto", "http")] {
        let line = format!("{name}: {value}");
        let outcome = edge.ask(&["Host: app.test", &line]).await;
        assert_eq!(outcome.status, 200, "{outcome:?}");
        let outcome = edge.ask(&["Host: app.test", &line, &line]).await;
        assert_eq!(outcome.status, 400, "{outcome:?}");
        let list = format!("{line}, {value}");
        let outcome = edge.ask(&["Host: app.test", &list]).await;
        assert_eq!(outcome.status, 400, "{outcome:?}");
    }
}
