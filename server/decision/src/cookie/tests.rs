use proptest::prelude::*;

use super::*;

const NAME: &str = "authentik_proxy_0011aabb";

fn spec(domain: Option<&str>, secure: bool) -> CookieSpec {
    CookieSpec {
        name: NAME.to_owned(),
        domain: domain.map(str::to_owned),
        path: "/".to_owned(),
        secure,
    }
}

fn read<'a>(headers: &[&'a [u8]]) -> Vec<&'a str> {
    values(headers.iter().copied(), NAME)
}

fn strip(header: &str) -> Option<String> {
    strip_own_cookies(header.as_bytes()).map(|kept| String::from_utf8(kept.into_owned()).unwrap())
}

#[test]
fn finds_the_value_among_noise() {
    for header in [
        "authentik_proxy_0011aabb=v",
        "a=b; authentik_proxy_0011aabb=v; c=d",
        ";;;authentik_proxy_0011aabb=v;;;",
        "; ; = ; =x; y ;authentik_proxy_0011aabb = v ;",
        "authentik_proxy_0011aabb=\"v\"",
        "xauthentik_proxy_0011aabb=no; authentik_proxy_0011aabb=v; authentik_proxy_0011aabbx=no",
    ] {
        assert_eq!(read(&[header.as_bytes()]), ["v"], "{header}");
    }
    assert_eq!(read(&[b"a=b", b"authentik_proxy_0011aabb=v"]), ["v"]);
}

#[test]
fn nothing_usable_is_no_value() {
    let long = format!("{NAME}={}", "x".repeat(MAX_VALUE_BYTES + 1));
    for header in [
        &b""[..],
        b";;;",
        b"authentik_proxy_0011aabb",
        b"authentik_proxy_0011aabb=",
        b"authentik_proxy_0011aabb=\"",
        b"authentik_proxy_0011aabb=\"\"",
        b"authentik_proxy_0011aabb=\xff\xfe",
        b"\xff\xfe=x; \xffauthentik_proxy_0011aabb=v",
        b"authentik_proxy_0011aabb=a b",
        b"authentik_proxy_0011aabb=a\0b",
        b"AUTHENTIK_PROXY_0011AABB=v",
        long.as_bytes(),
    ] {
        assert!(read(&[header]).is_empty(), "{}", String::from_utf8_lossy(header));
    }
}

#[test]
fn several_of_one_name_are_given_in_order_up_to_a_bound() {
    let header = (0..5000).map(|n| format!("{NAME}={n}")).collect::<Vec<_>>().join(";");
    let got = read(&[header.as_bytes()]);
    assert_eq!(got, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn bad_values_do_not_use_up_the_bound() {
    let mut header = format!("{NAME}=;").repeat(1000);
    header.push_str(&format!("{NAME}=good"));
    assert_eq!(read(&[header.as_bytes()]), ["good"]);
}

#[test]
fn ours_are_removed_and_the_rest_stays_byte_for_byte() {
    let same = "a=b;  c=\"d e\" ;;x; authentik=1";
    assert_eq!(strip(same).as_deref(), Some(same));
    assert!(matches!(strip_own_cookies(same.as_bytes()), Some(Cow::Borrowed(_))));
    assert_eq!(strip("authentik_proxy_0011aabb=v"), None);
    assert_eq!(strip("; authentik_proxy_0011aabb=v ;"), None);
    assert_eq!(strip("a=b; authentik_proxy_0011aabb=v; c=d").as_deref(), Some("a=b; c=d"));
    assert_eq!(strip("authentik_proxy_1=v; a=b;c=d").as_deref(), Some("a=b;c=d"));
    assert_eq!(strip("a=b; authentik_proxy_0011aabb_f_01020304=v").as_deref(), Some("a=b"));
    assert_eq!(strip("a=b;\tAuthentik_Proxy_x = v").as_deref(), Some("a=b"));
    assert_eq!(
        strip("authentik_proxy_; a=authentik_proxy_x").as_deref(),
        Some("a=authentik_proxy_x")
    );
    let odd = strip_own_cookies(b"\xff=\xfe; authentik_proxy_1=v").unwrap();
    assert_eq!(odd.as_ref(), b"\xff=\xfe");
}

#[test]
fn set_cookie_has_the_attributes_of_the_contract() {
    let plain = SetCookie::session(&spec(None, false), "abc-_9", 3601);
    assert_eq!(
        plain.to_string(),
        "authentik_proxy_0011aabb=abc-_9; Path=/; Max-Age=3601; HttpOnly; SameSite=Lax"
    );
    let full = SetCookie::session(&spec(Some("example.com"), true), "v", 1);
    assert_eq!(
        full.to_string(),
        "authentik_proxy_0011aabb=v; Path=/; Domain=example.com; Max-Age=1; Secure; HttpOnly; \
         SameSite=Lax"
    );
    let gone = SetCookie::remove_session(&spec(None, true)).to_string();
    assert_eq!(
        gone,
        "authentik_proxy_0011aabb=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; \
         Secure; HttpOnly; SameSite=Lax"
    );
}

#[test]
fn nothing_in_a_cookie_becomes_an_attribute_or_a_header() {
    let odd = spec(Some("example.com\r\nX: y"), false);
    let text = SetCookie::flow(&odd, "n".to_owned(), "v; Domain=evil\r\n", "/a;b\r\nc", 9);
    assert_eq!(text.to_string(), "n=vDomain=evil; Path=/abc; Max-Age=9; HttpOnly; SameSite=Lax");
    assert!(!format!("{text:?}").contains("evil"));
}

#[test]
fn surplus_flows_are_the_oldest() {
    let header = (0..40)
        .map(|n| format!("{NAME}_f_{n:08x}=v"))
        .chain([format!("{NAME}=s"), format!("{NAME}_f_xyz=v"), format!("{NAME}_f_0000000g=v")])
        .collect::<Vec<_>>()
        .join("; ");
    for (most, surplus) in [(40, 0), (39, 1), (32, 8), (1, 39)] {
        let got = surplus_flows([header.as_bytes()], NAME, most);
        let expected: Vec<_> = (0..surplus).map(|n| format!("{NAME}_f_{n:08x}")).collect();
        assert_eq!(got, expected, "{most}");
    }
    assert!(surplus_flows([b"a=b".as_slice()], NAME, 1).is_empty());
}

proptest! {
    #[test]
    fn stripping_leaves_none_of_ours_and_loses_none_of_theirs(
        parts in proptest::collection::vec("[ ]?(a|authentik_proxy_x|b c|authentik|AUTHENTIK_PROXY_)=[a-z;\"=]{0,4}", 0..12)
    ) {
        let header = parts.join(";");
        let kept = strip(&header).unwrap_or_default();
        let names = |text: &str| -> Vec<String> {
            text.split(';').map(|part| part.trim().to_owned()).filter(|p| !p.is_empty()).collect()
        };
        let own = |part: &String| part.to_ascii_lowercase().starts_with(OWN_PREFIX);
        prop_assert!(!names(&kept).iter().any(own));
        let theirs: Vec<_> = names(&header).into_iter().filter(|part| !own(part)).collect();
        prop_assert_eq!(names(&kept), theirs);
    }

    #[test]
    fn no_bytes_make_reading_or_stripping_fail(header in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&[&header]);
        let _ = strip_own_cookies(&header);
        let _ = surplus_flows([header.as_slice()], NAME, 32);
    }
}
