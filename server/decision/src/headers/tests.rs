use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::test_support::{exchanges, provider};
use crate::token::claims_from_introspection;

mod ruled;

const OUTPOST: OutpostNames<'_> = OutpostNames { name: "proxy-main", version: "2025.10.0" };

fn claims(value: Value) -> Claims {
    serde_json::from_value(value).unwrap()
}

fn with_additional(additional: Value) -> Claims {
    claims(json!({
        "sub": "uid-1", "preferred_username": "alice", "groups": ["a", "b"],
        "ak_proxy": {"user_attributes": {"additionalHeaders": additional}}
    }))
}

fn headers_of(claims: &Claims) -> IdentityHeaders {
    ruled(claims, &IdentityRule::default()).unwrap()
}

fn ruled(claims: &Claims, rule: &IdentityRule) -> Result<IdentityHeaders, TooLarge> {
    identity_headers(&provider(), claims, "t.o.k", &OUTPOST, rule)
}

fn encoded(claims: &Claims, encoding: Encoding) -> IdentityHeaders {
    ruled(claims, &IdentityRule { encoding, ..IdentityRule::default() }).unwrap()
}

fn problems(headers: &IdentityHeaders) -> Vec<(&str, HeaderProblem)> {
    headers.notes().iter().map(|note| (note.header.as_str(), note.problem)).collect()
}

#[test]
fn captured_alice_has_the_headers_of_the_contract() {
    let provider = provider();
    let exchange = exchanges("21_introspection.json").remove(0);
    let answer = exchange["response"]["body"].to_string();
    let now = crate::time::Timestamp(1_795_306_800);
    let issuer = &provider.endpoints.issuer;
    let claims =
        claims_from_introspection(answer.as_bytes(), &provider.client_id, issuer, now).unwrap();
    let headers = headers_of(&claims);
    let got: Vec<_> = headers.iter().collect();
    assert_eq!(
        got,
        [
            ("X-authentik-username", "alice"),
            ("X-authentik-groups", "devs|admins"),
            ("X-authentik-entitlements", "can-write"),
            ("X-authentik-email", "alice@test.local"),
            ("X-authentik-name", "Alice Änderson"),
            ("X-authentik-uid", "3dca5b13d4b18296f3db719e776693992230a623ca6a92941ed108d64ac2d951"),
            ("X-authentik-jwt", "t.o.k"),
            ("X-authentik-meta-jwks", "http://127.0.0.1:8000/application/o/app-proxy/jwks/"),
            ("X-authentik-meta-outpost", "proxy-main"),
            ("X-authentik-meta-provider", "proxy-app"),
            ("X-authentik-meta-app", "app-proxy"),
            ("X-authentik-meta-version", "goauthentik.io/outpost/2025.10.0"),
            ("X-Custom-Bool", "true"),
            ("X-Custom-Number", "42"),
            ("X-Custom-One", "one"),
            ("X-Group-Header", "from-devs"),
            ("X-Unicode", "grüße"),
        ]
    );
    assert!(headers.notes().is_empty());
}

#[test]
fn nobody_has_the_same_names_all_empty() {
    let anonymous = anonymous_headers(&IdentityRule::default());
    let names: Vec<_> = anonymous.iter().map(|(name, _)| name).collect();
    assert_eq!(names, IDENTITY_NAMES);
    assert!(anonymous.iter().all(|(_, value)| value.is_empty()));
    let signed_in = headers_of(&claims(json!({"sub": "s"})));
    let signed_in: Vec<_> = signed_in.iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, signed_in);
}

#[test]
fn values_with_control_characters_are_sent_empty() {
    for bad in ["a\r\nX-authentik-groups: admins", "a\0", "a\tb", "\u{7f}", "a\u{85}b"] {
        let headers = headers_of(&claims(json!({
            "sub": "s", "preferred_username": bad, "groups": ["good", bad, "fine"]
        })));
        assert_eq!(headers.get("X-authentik-username"), Some(""));
        assert_eq!(headers.get("X-authentik-groups"), Some("good|fine"));
        assert_eq!(
            problems(&headers),
            [
                ("X-authentik-username", HeaderProblem::ControlCharacter),
                ("X-authentik-groups", HeaderProblem::ControlCharacter),
            ]
        );
    }
}

#[test]
fn nobody_becomes_another_user_by_a_blank_that_receivers_take_away() {
    for (text, percent, quoted) in [
        (" admin", "%20admin", "=20admin"),
        ("admin ", "admin%20", "admin=20"),
        ("  ad min  ", "%20 ad min %20", "=20 ad min =20"),
        (" ", "%20", "=20"),
    ] {
        let mut of = with_additional(json!({"X-Role": text, "X-Roles": ["r", text]}));
        of.preferred_username = text.to_owned();
        of.groups = ["good".into(), text.into(), "fi ne".into()].into();
        of.entitlements.clone_from(&of.groups);
        let raw = headers_of(&of);
        assert_eq!(raw.get("X-authentik-username"), Some(""), "{text:?}");
        assert_eq!(raw.get("X-authentik-groups"), Some("good|fi ne"));
        assert_eq!(raw.get("X-authentik-entitlements"), Some("good|fi ne"));
        assert_eq!((raw.get("X-Role"), raw.get("X-Roles")), (Some(""), Some("r")));
        assert_eq!(problems(&raw).len(), 5);
        assert!(raw.notes().iter().all(|note| note.problem == HeaderProblem::EdgeBlank));
        for (encoding, expected) in
            [(Encoding::Percent, percent), (Encoding::QuotedPrintable, quoted)]
        {
            let headers = encoded(&of, encoding);
            assert_eq!(headers.get("X-authentik-username"), Some(expected));
            let groups = format!("good|{expected}|fi ne");
            assert_eq!(headers.get("X-authentik-groups"), Some(groups.as_str()));
            assert_eq!(headers.get("X-Role"), Some(expected));
            assert!(headers.notes().is_empty());
        }
    }
}

#[test]
fn a_group_cannot_smuggle_another_through_the_separator() {
    let claims = claims(json!({"sub": "s", "groups": ["staff", "x|admins", "100%"]}));
    let raw = headers_of(&claims);
    assert_eq!(raw.get("X-authentik-groups"), Some("staff|100%"));
    assert_eq!(problems(&raw), [("X-authentik-groups", HeaderProblem::Separator)]);
    let encoded = encoded(&claims, Encoding::Percent);
    assert_eq!(encoded.get("X-authentik-groups"), Some("staff|x%7Cadmins|100%25"));
    assert!(encoded.notes().is_empty());
}

#[test]
fn percent_encoding_is_ascii_and_decodes_to_the_same() {
    let name = "Алиса Änderson 100% \"q\" 😀";
    let claims = claims(json!({"sub": "s", "name": name, "preferred_username": "plain"}));
    let headers = encoded(&claims, Encoding::Percent);
    let got = headers.get("X-authentik-name").unwrap();
    assert!(got.is_ascii());
    assert_eq!(percent_encoding::percent_decode_str(got).decode_utf8().unwrap(), name);
    assert_eq!(headers.get("X-authentik-username"), Some("plain"));
    assert_eq!(
        headers.get("X-authentik-meta-jwks"),
        Some("http://127.0.0.1:8000/application/o/app-proxy/jwks/")
    );
}

#[test]
fn additional_headers_of_every_kind() {
    let headers = headers_of(&with_additional(json!({
        "X-Bool": false, "X-Float": 2.5, "X-Int": -3, "X-List": ["a", 1, true, null, "b"],
        "X-Null": null, "X-Text": "t", "X-Empty": "", "X-Object": {"a": 1},
        "X-Nested": ["a", ["b"]], "X-Pipe": "a|b", "X-Break": "a\r\nb",
        "X-Long": "x".repeat(16 * 1024 + 1),
    })));
    for (name, value) in [
        ("X-Bool", "false"),
        ("X-Float", "2.5"),
        ("X-Int", "-3"),
        ("X-List", "a|1|true|b"),
        ("X-Text", "t"),
        ("X-Empty", ""),
        ("X-Object", ""),
        ("X-Nested", "a"),
        ("X-Pipe", "a|b"),
        ("X-Break", ""),
        ("X-Long", ""),
    ] {
        assert_eq!(headers.get(name), Some(value), "{name}");
    }
    assert_eq!(headers.get("X-Null"), None);
    assert_eq!(
        problems(&headers),
        [
            ("X-Break", HeaderProblem::ControlCharacter),
            ("X-Long", HeaderProblem::TooLong),
            ("X-Nested", HeaderProblem::NoText),
            ("X-Object", HeaderProblem::NoText),
        ]
    );
    for odd in [json!("text"), json!([1]), json!(null), json!(7)] {
        assert_eq!(headers_of(&with_additional(odd)).iter().len(), IDENTITY_NAMES.len());
    }
}

#[test]
fn names_that_frame_or_route_a_message_are_refused_in_any_spelling() {
    for name in [
        "Host",
        "host",
        "Content-Length",
        "content_length",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "TE",
        "Trailer",
        "Cookie",
        "Set-Cookie",
        "Forwarded",
        "X-Forwarded-For",
        "x_forwarded_host",
        "X-Forwarded-Anything",
        "Keep-Alive",
        "Proxy-Authorization",
        "Expect",
    ] {
        let headers = headers_of(&with_additional(json!({ name: "v" })));
        assert_eq!(headers.get(name), None, "{name}");
        assert_eq!(problems(&headers), [(name, HeaderProblem::NameRefused)]);
    }
    let long = "x".repeat(129);
    for name in ["", ":authority", "a b", "a\r\nb", "ä", "a:", "(a)", &long] {
        let headers = headers_of(&with_additional(json!({ name: "v" })));
        assert_eq!(headers.iter().len(), IDENTITY_NAMES.len(), "{name}");
        assert_eq!(headers.notes()[0].problem, HeaderProblem::NameInvalid, "{name}");
    }
}

#[test]
fn an_additional_header_overrides_whatever_its_spelling() {
    let headers = headers_of(&with_additional(json!({
        "x_authentik_username": "other", "X-Twice": "1", "x-twice": "2"
    })));
    assert_eq!(headers.get("X-authentik-username"), Some("other"));
    assert_eq!(headers.get("X-Twice"), Some("2"));
    assert_eq!(headers.iter().len(), IDENTITY_NAMES.len() + 1);
}

#[test]
fn additional_headers_are_bounded() {
    let many: serde_json::Map<_, _> = (0..1000).map(|n| (format!("X-{n:04}"), json!(n))).collect();
    let headers = headers_of(&with_additional(Value::Object(many)));
    assert_eq!(headers.iter().len(), IDENTITY_NAMES.len() + 64);
    assert_eq!(problems(&headers), [("X-0064", HeaderProblem::TooMany)]);
}

#[test]
fn basic_authentication_for_the_application() {
    let exchange = exchanges("21_introspection.json").remove(0);
    let mut alice: Claims = serde_json::from_value(exchange["response"]["body"].clone()).unwrap();
    let mut provider = provider();
    let spec = |user: &str, password: &str| {
        Some(BasicAuthSpec {
            user_attribute: user.to_owned(),
            password_attribute: password.to_owned(),
        })
    };
    let run = |provider: &Provider, claims: &Claims| {
        let headers =
            identity_headers(provider, claims, "t", &OUTPOST, &IdentityRule::default()).unwrap();
        let value = headers.get("authorization").map(str::to_owned);
        let decoded = value.map(|value| {
            let bytes = STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap();
            String::from_utf8(bytes).unwrap()
        });
        (decoded, headers.must_strip("Authorization"))
    };
    assert_eq!(run(&provider, &alice), (None, false));
    provider.basic_auth = spec("app_user", "app_password");
    let expected = Some("alice-upstream:s3cr3t:with:colons".to_owned());
    assert_eq!(run(&provider, &alice), (expected, true));
    provider.basic_auth = spec("", "app_password");
    let expected = Some("alice@test.local:s3cr3t:with:colons".to_owned());
    assert_eq!(run(&provider, &alice), (expected, true));
    provider.basic_auth = spec("app_user", "absent");
    assert_eq!(run(&provider, &alice), (None, false));
    provider.basic_auth = spec("", "app_password");
    for email in ["a:b", "a\nb"] {
        alice.email = email.into();
        assert_eq!(run(&provider, &alice), (None, false));
    }
}

#[test]
fn every_alias_of_an_identity_name_is_stripped() {
    let headers = anonymous_headers(&IdentityRule::default());
    for name in [
        "x-authentik-username",
        "X-AUTHENTIK-USERNAME",
        "x_authentik_username",
        "X_Authentik-Username",
        "x.authentik.username",
        "x!authentik~username",
        "X-authentik-anything-new",
        "x-authentik-",
        "X-Authentik_Meta|Jwks",
    ] {
        assert!(headers.must_strip(name), "{name}");
    }
    for name in ["x-authentik", "authentik-username", "xx-authentik-username", "accept", ""] {
        assert!(!headers.must_strip(name), "{name}");
    }
    let named = headers_of(&with_additional(json!({"Remote-User": "alice"})));
    assert!(named.must_strip("remote_user") && named.must_strip("REMOTE-USER"));
    assert!(!headers.must_strip("remote_user"));
}

#[test]
fn values_do_not_print() {
    let printed = format!("{:?}", headers_of(&with_additional(json!({"X-Key": "sesame"}))));
    assert!(printed.contains("X-Key") && !printed.contains("sesame") && !printed.contains("t.o.k"));
}

/// What a CGI application reads: the values of all headers that fold to one variable.
fn seen_by_application(sent: &[(String, String)], name: &str) -> Vec<String> {
    sent.iter()
        .filter(|(header, _)| same_header(header, name))
        .map(|(_, value)| value.clone())
        .collect()
}

fn client_name() -> impl Strategy<Value = String> {
    let base = prop::sample::select(vec![
        "x-authentik-username",
        "x-authentik-groups",
        "x-authentik-uid",
        "x-authentik-jwt",
        "x-authentik-meta-app",
        "x-group-header",
        "x-authentik-secret-new",
        "accept",
        "x-other",
    ]);
    (base, prop::collection::vec((any::<bool>(), 0..5usize), 32)).prop_map(|(base, changes)| {
        base.chars()
            .zip(changes.into_iter().cycle())
            .map(|(c, (upper, mark))| match c {
                '-' => ['-', '_', '.', '~', '!'][mark],
                c if upper => c.to_ascii_uppercase(),
                c => c,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn whatever_a_client_sends_the_application_sees_the_session(
        client in prop::collection::vec((client_name(), "[ -~]{0,12}"), 0..24),
        user in "\\PC{0,12}",
        groups in prop::collection::vec("\\PC{0,6}", 0..5),
        signed_in in any::<bool>(),
    ) {
        let identity = if signed_in {
            let mut claims = with_additional(json!({"X-Group-Header": "g"}));
            claims.preferred_username = user;
            claims.groups = groups.into_iter().map(Into::into).collect();
            headers_of(&claims)
        } else {
            anonymous_headers(&IdentityRule::default())
        };
        let mut sent: Vec<(String, String)> =
            client.iter().filter(|(name, _)| !identity.must_strip(name)).cloned().collect();
        sent.extend(identity.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        for (name, value) in identity.iter() {
            prop_assert_eq!(seen_by_application(&sent, name), vec![value.to_owned()]);
            prop_assert!(!value.contains(['\r', '\n', '\0']));
        }
        prop_assert!(seen_by_application(&sent, "x-authentik-secret-new").is_empty());
        for (name, value) in &client {
            if same_header(name, "accept") || same_header(name, "x-other") {
                prop_assert!(sent.contains(&(name.clone(), value.clone())));
            }
        }
    }

    #[test]
    fn no_claims_make_a_value_that_breaks_a_header(
        user in prop_oneof![any::<String>(), " ?\\PC{0,8} ?"], group in any::<String>(), name in any::<String>(),
        value in any::<String>(), encoding in 0..3usize,
    ) {
        let mut claims = with_additional(json!({ name: value }));
        claims.preferred_username = user;
        claims.groups = [group.into()].into();
        let encoding = [Encoding::Utf8, Encoding::Percent, Encoding::QuotedPrintable][encoding];
        let headers = encoded(&claims, encoding);
        for (name, value) in headers.iter() {
            prop_assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':'));
            prop_assert!(!value.chars().any(char::is_control));
            prop_assert!(encoding == Encoding::Utf8 || value.is_ascii());
            prop_assert_eq!(value.trim_matches([' ', '\t']), value);
        }
    }
}
