use proptest::prelude::*;

use super::*;
use crate::decision::Reason;

fn read_lines(lines: &[&str]) -> Result<Option<Told>, DialectError> {
    let headers: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
    let headers = Found::among(&headers[..]);
    read(&headers, "10.0.0.1".parse().unwrap(), &TrustedNetworks::default())
}

fn told(lines: &[&str]) -> (Option<String>, Option<&'static str>, String) {
    let told = read_lines(lines).unwrap().unwrap();
    let host = told.host.map(|host| host.to_string());
    (host, told.scheme.map(Scheme::as_str), told.client.to_string())
}

#[test]
fn the_client_and_what_it_asked_for_are_what_trusted_hops_say() {
    let all = |host: &str, proto, client: &str| (Some(host.to_owned()), Some(proto), client.into());
    let client = |client: &str| (None, None, client.to_owned());
    for (lines, expected) in [
        (&["for=192.0.2.1;host=app.test;proto=https"][..], all("app.test", "https", "192.0.2.1")),
        (&["For=192.0.2.1 ; HOST=App.Test; Proto=HTTPS"], all("app.test", "https", "192.0.2.1")),
        (
            &[r#"for="192.0.2.1:4711";host="app.test:8443";proto=http;by=_me;x=y"#],
            all("app.test:8443", "http", "192.0.2.1"),
        ),
        // A chain: the original request is the one that the hop farthest away describes.
        (
            &["for=192.0.2.1;host=app.test;proto=https, for=10.9.9.9;host=inner;proto=http"],
            all("app.test", "https", "192.0.2.1"),
        ),
        (
            &["for=192.0.2.1;host=app.test;proto=https", "for=10.9.9.9"],
            all("app.test", "https", "192.0.2.1"),
        ),
        // What stands before an untrusted hop, that hop has made up.
        (
            &["for=6.6.6.6;host=evil;proto=http, for=192.0.2.1;host=app.test;proto=https"],
            all("app.test", "https", "192.0.2.1"),
        ),
        (&["for=10.6.6.6;host=evil", "for=192.0.2.1"], client("192.0.2.1")),
        (
            &["for=10.6.6.6;host=evil", "proto=https;for=unknown"],
            (None, Some("https"), "10.0.0.1".into()),
        ),
        (
            &["for=10.6.6.6;host=evil, host=app.test"],
            (Some("app.test".into()), None, "10.0.0.1".into()),
        ),
        (&[r#"for="[2001:db8::1]""#], client("2001:db8::1")),
        (&[r#"for="[2001:db8::1]:4711""#], client("2001:db8::1")),
        (&[r#"for="[2001:db8::1]:_port""#], client("2001:db8::1")),
        (&["for=192.0.2.1:_port"], client("192.0.2.1")),
        (&[r#"for="2001:db8::1""#], client("2001:db8::1")),
        (&["for=[2001:db8::1]"], client("2001:db8::1")),
        (&["for=::ffff:192.0.2.1"], client("192.0.2.1")),
        (&["for=_hidden"], client("10.0.0.1")),
        (&["for=10.0.0.7,,for=10.0.0.8 ,"], client("10.0.0.7")),
        (&[r#"for="192\.0.2.1""#], client("192.0.2.1")),
        (&[r#"for=192.0.2.1;ext="a, for=6.6.6.6; \" b""#], client("192.0.2.1")),
    ] {
        assert_eq!(told(lines), expected, "{lines:?}");
    }
    assert_eq!(read_lines(&[]), Ok(None));
    assert_eq!(read_lines(&["", " , ;"]), Ok(None));
}

#[test]
fn what_breaks_the_grammar_is_refused_wherever_it_stands() {
    for line in [
        "for",
        "for=",
        "=192.0.2.1",
        "for = 192.0.2.1",
        "for=192.0.2.1 host=app",
        "for=192.0.2.1;for=192.0.2.2",
        "host=a;HOST=a",
        r#"for="192.0.2.1"#,
        r#"for="192.0.2.1\"#,
        r#"for="192.0.2.1"x"#,
        "for=192.0.2.1;host=a b",
        "for=ä",
        "for=192.0.2.1;host=a/b",
        "for=192.0.2.1;host=\"u@b\"",
        "for=192.0.2.1;proto=gopher",
        "for=192.0.2.1;host=\"\"",
        "for=\"a\u{7f}\"",
    ] {
        let refused = Err(malformed(NAME));
        assert_eq!(read_lines(&[line]), refused, "{line}");
    }
    // A client that opens a quote cannot swallow what its proxy appends.
    let swallowing = r#"for="x, for=192.0.2.1;host=app.test"#;
    assert_eq!(read_lines(&[swallowing]).unwrap_err().reason, Reason::HeaderMalformed);
    assert_eq!(read_lines(&[&"for=10.0.0.2,".repeat(65)]), Err(malformed(NAME)));
    assert!(read_lines(&[&"for=10.0.0.2,".repeat(64)]).is_ok());
    assert_eq!(read_lines(&["for=10.0.0.2"; 66]), Err(malformed(NAME)));
}

proptest! {
    #[test]
    fn nothing_a_client_sends_makes_it_panic(line in "\\PC{0,60}") {
        let _ = read_lines(&[&line]);
    }

    /// Whatever well-formed elements a client sends: what its proxy appends decides.
    #[test]
    fn elements_of_clients_do_not_matter(
        mut elements in proptest::collection::vec(
            "(for|by|x)=(\"[a-z0-9:., ;\\[\\]]{0,12}\"|[a-z0-9._-]{1,12})", 0..5
        ),
        separately: bool,
    ) {
        let own = "for=192.0.2.1;host=app.test;proto=https";
        let result = if separately {
            read_lines(&[&elements.join(", "), own])
        } else {
            elements.push(own.to_owned());
            read_lines(&[&elements.join(",")])
        };
        let told = result.unwrap().unwrap();
        prop_assert_eq!(told.host.unwrap().to_string(), "app.test");
        prop_assert_eq!(told.client.to_string(), "192.0.2.1");
    }

    /// Quoting changes nothing.
    #[test]
    fn quoted_is_the_same_as_plain(address: std::net::Ipv4Addr, port: u16) {
        let plain = read_lines(&[&format!("for={address}:{port}")]).unwrap();
        let quoted = read_lines(&[&format!("for=\"{address}:{port}\"")]).unwrap();
        prop_assert_eq!(&plain, &quoted);
        prop_assert_eq!(plain.unwrap().client, IpAddr::from(address));
    }
}
