//! Which headers, how encoded, and how large: an operator's choice for one application.

use super::*;

fn limited(max_bytes: usize) -> IdentityRule {
    IdentityRule { max_bytes: Some(max_bytes), ..IdentityRule::default() }
}

/// Bytes on the wire of HTTP/1.1.
fn bytes(headers: &IdentityHeaders) -> usize {
    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n").len()).sum()
}

fn member_of(groups: usize) -> Claims {
    let groups: Vec<_> = (0..groups).map(|number| format!("group-{number:05}")).collect();
    claims(json!({
        "sub": "uid-1", "preferred_username": "alice", "email": "alice@example.com",
        "name": "Alice Änderson", "groups": groups, "entitlements": ["read", "write"],
    }))
}

#[test]
fn a_set_is_full_minimal_or_named() {
    for (text, shown) in [
        ("full", "full"),
        ("Minimal", "minimal"),
        ("username+groups+email+name+uid", "minimal"),
        ("groups+USERNAME", "username+groups"),
        ("meta-app", "meta-app"),
        ("jwt+jwt", "jwt"),
    ] {
        assert_eq!(HeaderSet::parse(text).unwrap().to_string(), shown, "{text}");
    }
    for (text, wrong) in [("", ""), ("username+", ""), ("user", "user"), ("full+jwt", "full")] {
        assert_eq!(HeaderSet::parse(text).unwrap_err(), wrong, "{text}");
    }
    assert_eq!(HeaderSet::default(), HeaderSet::FULL);
}

#[test]
fn headers_that_are_not_for_the_application_still_overwrite_what_a_client_sent() {
    let rule = IdentityRule { names: HeaderSet::MINIMAL, ..IdentityRule::default() };
    let headers = ruled(&member_of(2), &rule).unwrap();
    let told: Vec<_> = headers.told().map(|(name, _)| name).collect();
    assert_eq!(
        told,
        [
            "X-authentik-username",
            "X-authentik-groups",
            "X-authentik-email",
            "X-authentik-name",
            "X-authentik-uid",
        ]
    );
    let all: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    assert_eq!(all, IDENTITY_NAMES, "a proxy that copies headers copies all of them");
    for (name, value) in headers.iter() {
        assert_eq!(value.is_empty(), !told.contains(&name), "{name}");
        assert!(headers.must_strip(name));
    }
    let nobody = anonymous_headers(&rule);
    assert_eq!(nobody.told().map(|(name, _)| name).collect::<Vec<_>>(), told);
    assert_eq!(nobody.iter().len(), IDENTITY_NAMES.len());
}

#[test]
fn what_is_chosen_for_one_user_is_told_whatever_the_set() {
    let rule = IdentityRule { names: HeaderSet::parse("uid").unwrap(), ..IdentityRule::default() };
    let claims = with_additional(json!({"X-Role": "r", "X-authentik-jwt": "chosen"}));
    let headers = ruled(&claims, &rule).unwrap();
    let told: Vec<_> = headers.told().collect();
    let expected = [("X-authentik-uid", "uid-1"), ("X-authentik-jwt", "chosen"), ("X-Role", "r")];
    assert_eq!(told, expected);
}

#[test]
fn quoted_printable_is_what_grafana_decodes() {
    let claims = claims(json!({
        "sub": "s", "name": "Jürgen = 100%", "groups": ["grüße", "a|b", "plain"]
    }));
    let headers = encoded(&claims, Encoding::QuotedPrintable);
    assert_eq!(headers.get("X-authentik-name"), Some("J=C3=BCrgen =3D 100%"));
    assert_eq!(headers.get("X-authentik-groups"), Some("gr=C3=BC=C3=9Fe|a=7Cb|plain"));
    assert_eq!(headers.get("X-authentik-uid"), Some("s"));
    assert!(headers.notes().is_empty());
}

#[test]
fn without_a_limit_nothing_is_missing_and_nothing_is_added() {
    let headers = headers_of(&member_of(10_000));
    assert_eq!(headers.get("X-authentik-groups").unwrap().split('|').count(), 10_000);
    assert_eq!(headers.get(fit::INCOMPLETE), None);
    assert!(headers.notes().is_empty());
}

#[test]
fn what_fits_is_whole_and_says_so() {
    let rule = limited(4096);
    let headers = ruled(&member_of(10), &rule).unwrap();
    assert_eq!(headers.get(fit::INCOMPLETE), Some(""));
    assert_eq!(headers.get("X-authentik-jwt"), Some("t.o.k"));
    assert!(headers.notes().is_empty());
    assert_eq!(
        anonymous_headers(&rule).get(fit::INCOMPLETE),
        Some(""),
        "a client's is overwritten"
    );
}

#[test]
fn ten_thousand_groups_become_as_many_whole_ones_as_fit() {
    for limit in [1024, 1025, 2000, 4096, 65_536] {
        let headers = ruled(&member_of(10_000), &limited(limit)).unwrap();
        assert!(bytes(&headers) <= limit, "{limit}: {}", bytes(&headers));
        assert!(bytes(&headers) + 60 > limit, "{limit}: {} is too little", bytes(&headers));
        let groups: Vec<_> = headers.get("X-authentik-groups").unwrap().split('|').collect();
        let expected: Vec<_> = (0..groups.len()).map(|n| format!("group-{n:05}")).collect();
        assert_eq!(groups, expected);
        assert_eq!(headers.get("X-authentik-username"), Some("alice"));
        assert_eq!(headers.get("X-authentik-entitlements"), Some("read|write"));
        assert_eq!(headers.get("X-authentik-jwt"), Some(""));
        assert_eq!(headers.get(fit::INCOMPLETE), Some("jwt|meta|groups"));
        let told = problems(&headers);
        assert!(told.contains(&("X-authentik-jwt", HeaderProblem::LeftOut)), "{told:?}");
        assert!(told.contains(&("X-authentik-groups", HeaderProblem::Cut)), "{told:?}");
    }
}

#[test]
fn the_least_needed_goes_first() {
    let whole = bytes(&ruled(&member_of(4), &limited(100_000)).unwrap());
    let claims = member_of(4);
    let token = "t".repeat(500);
    let with_token =
        |limit| identity_headers(&provider(), &claims, &token, &OUTPOST, &limited(limit)).unwrap();
    let (enough, rest) = (whole - 5 + 500, whole - 5);
    for (limit, incomplete) in [
        (enough, ""),
        (enough - 1, "jwt"),
        (rest + 33, "jwt"),
        (rest, "jwt|meta"),
        (rest - 70, "jwt|meta"),
    ] {
        let headers = with_token(limit);
        assert_eq!(headers.get(fit::INCOMPLETE), Some(incomplete), "{limit} of {enough}");
        assert!(bytes(&headers) <= limit);
    }
}

#[test]
fn a_name_of_a_megabyte_is_left_out_and_a_user_name_of_one_is_refused() {
    let long = "x".repeat(1 << 20);
    let mut claims = member_of(3);
    claims.name = long.as_str().into();
    let headers = ruled(&claims, &limited(4096)).unwrap();
    assert_eq!(headers.get("X-authentik-name"), Some(""));
    assert_eq!(headers.get("X-authentik-username"), Some("alice"));
    assert_eq!(headers.get(fit::INCOMPLETE), Some("jwt|meta|groups|entitlements|name"));
    claims.preferred_username = long;
    let refused = ruled(&claims, &limited(4096)).unwrap_err();
    assert_eq!(refused.limit, 4096);
    assert!(refused.bytes > 1 << 20);
}

#[test]
fn headers_that_somebody_chose_are_not_left_out_but_refused() {
    let claims = with_additional(json!({"X-Role": "r".repeat(2000)}));
    assert!(ruled(&claims, &limited(1024)).is_err());
    assert!(ruled(&claims, &limited(4096)).is_ok());
}

#[test]
fn whoever_wants_all_or_nothing_gets_a_refusal() {
    let rule = IdentityRule { when_over: WhenOver::Refuse, ..limited(4096) };
    assert!(ruled(&member_of(10), &rule).is_ok());
    let refused = ruled(&member_of(10_000), &rule).unwrap_err();
    assert!(refused.bytes > 120_000 && refused.limit == 4096, "{refused}");
}

#[test]
fn a_problem_of_ten_thousand_groups_is_told_once() {
    let groups = vec!["a\r\nb"; 10_000];
    let headers = headers_of(&claims(json!({"sub": "s", "groups": groups})));
    assert_eq!(problems(&headers), [("X-authentik-groups", HeaderProblem::ControlCharacter)]);
    assert_eq!(headers.get("X-authentik-groups"), Some(""));
}

proptest! {
    #[test]
    fn whatever_the_limit_what_is_sent_keeps_it_and_groups_are_whole(
        limit in 400..3000usize,
        groups in prop::collection::vec("\\PC{0,20}", 0..60),
        name in "\\PC{0,40}",
        encoding in 0..3usize,
    ) {
        let mut of = member_of(0);
        of.groups = groups.iter().map(|group| (**group).into()).collect();
        of.name = name.into();
        let encoding = [Encoding::Utf8, Encoding::Percent, Encoding::QuotedPrintable][encoding];
        let rule = IdentityRule { encoding, ..limited(limit) };
        let all = encoded(&of, encoding);
        let all: Vec<_> = all.get("X-authentik-groups").unwrap().split('|').collect();
        if let Ok(headers) = ruled(&of, &rule) {
            prop_assert!(bytes(&headers) <= limit);
            let sent = headers.get("X-authentik-groups").unwrap();
            let sent: Vec<_> = sent.split('|').collect();
            prop_assert!(sent == [""] || all.starts_with(&sent));
            prop_assert_eq!(headers.get("X-authentik-uid"), Some("uid-1"));
        }
    }
}
