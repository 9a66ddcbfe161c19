//! `[upstream]`, and what it says where it is wrong.

use super::*;

const APPLICATIONS: &str = "OUTPOST__UPSTREAM__APPLICATIONS";

#[test]
fn applications_are_spoken_to_as_is_said_of_each() {
    assert!(load(&[]).upstream.applications.is_empty());
    let text = "grafana ca_file=/x.pem server_name=app.internal client_certificate=/c.pem \
                client_key=/k.pem http=2, wiki http=1,shop socket=/run/shop.sock";
    let found = load(&[(APPLICATIONS, text)]).upstream.applications;
    let grafana = UpstreamApplication {
        ca_file: Some("/x.pem".into()),
        client: Some(ClientCertificate { certificate: "/c.pem".into(), key: "/k.pem".into() }),
        server_name: Some("app.internal".to_owned()),
        http2: true,
        socket: None,
    };
    assert_eq!(found["grafana"], grafana);
    assert_eq!(found["wiki"], UpstreamApplication::default());
    assert_eq!(found["shop"].socket.as_deref(), Some(std::path::Path::new("/run/shop.sock")));
    assert_eq!(found.len(), 3);
}

#[test]
fn what_is_wrong_with_an_application_is_told() {
    for (text, expected) in [
        ("a", "says nothing; add one of ca_file="),
        ("http=2", "does not begin with the slug"),
        ("a http=h2", "neither 1 nor 2"),
        ("a http=", "neither 1 nor 2"),
        ("a ca=/x", "has \"ca\", and knows ca_file="),
        ("a ca_file=", "no path behind it"),
        ("a client_key=/k.pem", "both or none"),
        ("a client_certificate=/c.pem", "both or none"),
        ("a server_name=not/a/name", "no host name or address"),
        ("a http=1 http=2", "has http twice"),
        ("a http=1, a http=2", "two entries for the application \"a\""),
    ] {
        let found = mistakes(&sources(&[(APPLICATIONS, text)]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(APPLICATIONS), "{found:?}");
        assert!(found[0].contains(expected), "{found:?}");
        assert!(found[0].contains("example: "), "{found:?}");
    }
}
