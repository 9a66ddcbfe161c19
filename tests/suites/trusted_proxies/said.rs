//! What operators are told of headers that were not believed.

use serde_json::Value;

use crate::trusted_proxies::support::Edge;

#[tokio::test]
async fn the_log_says_once_for_each_peer_which_setting_would_change_what_is_ignored() {
    let strangers = ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "192.0.2.0/24");
    let mut edge = Edge::start(&[strangers]).await;
    let ignored = "forwarding headers of a peer are ignored";
    edge.ask(&["Host: app.test"]).await;
    assert_eq!(edge.outpost.count(ignored), 0, "nothing was ignored");
    for from in ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.1"] {
        let lines = ["Host: app.test", "X-Forwarded-Host: evil.test", "X-Forwarded-For: 6.6.6.6"];
        let outcome = edge.ask_from(from.parse().unwrap(), &lines).await;
        assert_eq!((outcome.status, outcome.client.as_str()), (200, from));
        assert!(!outcome.body.contains("evil.test"), "{outcome:?}");
    }
    assert_eq!(edge.outpost.count(ignored), 2);
    let line: Value = serde_json::from_str(&edge.outpost.line(ignored).await).unwrap();
    assert_eq!(line["peer"], "127.0.0.1");
    assert_eq!(line["headers"], "X-Forwarded-Host, X-Forwarded-For");
    assert_eq!(line["setting"], "listen.trusted_proxy_cidrs");
}

#[tokio::test]
async fn a_trusted_proxy_that_speaks_rfc_7239_only_is_noticed() {
    let mut edge = Edge::start(&[]).await;
    let ignored = "forwarding headers of a peer are ignored";
    let both = ["Host: app.test", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1"];
    edge.ask(&both).await;
    assert_eq!(edge.outpost.count(ignored), 0, "what it says is known from the other header");
    for _ in 0..2 {
        edge.ask(&["Host: app.test", "Forwarded: for=192.0.2.1"]).await;
    }
    assert_eq!(edge.outpost.count(ignored), 1);
    let line: Value = serde_json::from_str(&edge.outpost.line(ignored).await).unwrap();
    assert_eq!(
        (&line["headers"], &line["setting"]),
        (&"Forwarded".into(), &"listen.forwarded".into())
    );
}
