use super::*;

const LIMIT: usize = 100;

fn target(scheme: Scheme, authority: &str) -> Target {
    Target {
        scheme,
        authority: Authority::parse(authority).unwrap(),
        path: "/edit".to_owned(),
        query: None,
    }
}

/// A form as browsers send it to `https://app.test/edit`.
const FORM: [(&str, &str); 7] = [
    ("content-type", "application/x-www-form-urlencoded"),
    ("content-length", "100"),
    ("origin", "https://app.test"),
    ("referer", "https://app.test/edit?id=1"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];

/// [`FORM`] with headers changed, added or, with an empty value, left out.
fn kept(changes: &[(&str, &str)]) -> Option<Form> {
    let changed = |name: &str| changes.iter().any(|(key, _)| *key == name);
    let headers: Vec<_> = FORM
        .into_iter()
        .filter(|(name, _)| !changed(name))
        .chain(changes.iter().copied().filter(|(_, value)| !value.is_empty()))
        .collect();
    keepable("POST", &headers[..], &target(Scheme::Https, "app.test"), LIMIT)
}

/// An older browser, or one on plain HTTP.
const OLD: [(&str, &str); 4] = [
    ("sec-fetch-site", ""),
    ("sec-fetch-mode", ""),
    ("sec-fetch-dest", ""),
    ("accept", "text/html,*/*"),
];

fn old(changes: &[(&'static str, &'static str)]) -> Option<Form> {
    let all: Vec<_> = OLD
        .into_iter()
        .filter(|(name, _)| !changes.iter().any(|(key, _)| key == name))
        .chain(changes.iter().copied())
        .collect();
    kept(&all)
}

#[test]
fn a_form_of_a_page_of_the_application_is_kept_as_it_is() {
    let form = kept(&[("content-type", "text/plain; charset=utf-8")]).unwrap();
    assert_eq!(
        form,
        Form {
            content_type: "text/plain; charset=utf-8".into(),
            origin: Some("https://app.test".into()),
            referer: Some("https://app.test/edit?id=1".into()),
            length: 100,
        }
    );
    assert!(old(&[]).is_some());
    assert!(kept(&[("origin", "https://app.test:443")]).is_some());
    assert!(kept(&[("origin", "")]).is_some(), "the browser says same-origin");
    assert!(kept(&[("content-length", "0")]).is_some());
}

#[test]
fn what_may_be_of_another_site_is_never_kept() {
    for changes in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.test")],
        &[("origin", "null")],
        &[("origin", "http://app.test")],
        &[("origin", "https://app.test:8443")],
        &[("origin", "https://app.test.evil.test")],
        &[("origin", "https://app.test"), ("origin", "https://app.test")],
    ] {
        assert_eq!(kept(changes), None, "{changes:?}");
    }
    for changes in [
        &[("origin", "https://evil.test")][..],
        &[("origin", ""), ("referer", "")],
        &[("origin", ""), ("referer", "https://evil.test/https://app.test/")],
        &[("origin", ""), ("referer", "https://app.test@evil.test/")],
        &[("origin", "null")],
    ] {
        assert_eq!(old(changes), None, "{changes:?}");
    }
    assert!(old(&[("origin", "")]).is_some(), "the referer tells");
}

#[test]
fn what_is_no_small_form_in_a_navigation_is_not_kept() {
    for changes in [
        &[("content-type", "application/json")][..],
        &[("content-type", "multipart/form-data; boundary=x")],
        &[("content-type", "")],
        &[("content-length", "101")],
        &[("content-length", "")],
        &[("content-length", "-1")],
        &[("content-length", "18446744073709551616")],
        &[("content-length", "1"), ("content-length", "1")],
        &[("transfer-encoding", "chunked")],
        &[("content-encoding", "gzip")],
        &[("sec-fetch-mode", "cors")],
        &[("sec-fetch-dest", "iframe")],
        &[("sec-fetch-mode", ""), ("x-requested-with", "XMLHttpRequest"), ("accept", "text/html")],
    ] {
        assert_eq!(kept(changes), None, "{changes:?}");
    }
    assert_eq!(old(&[("accept", "application/json")]), None);
    assert_eq!(old(&[("accept", "")]), None);
    for method in ["GET", "PUT", "post", "PATCH", "DELETE"] {
        let target = target(Scheme::Https, "app.test");
        assert_eq!(keepable(method, &FORM[..], &target, LIMIT), None, "{method}");
    }
    let http = target(Scheme::Http, "app.test");
    assert_eq!(keepable("POST", &FORM[..], &http, LIMIT), None, "another scheme is another site");
}

#[test]
fn a_form_comes_back_to_where_it_was_sent() {
    for (path, resent) in [
        ("/edit", "/edit?X-authentik-resend=true"),
        ("/edit?", "/edit?&X-authentik-resend=true"),
        ("/edit?id=1", "/edit?id=1&X-authentik-resend=true"),
    ] {
        assert_eq!(resend_path(path), resent);
        let (_, query) = resent.split_once('?').unwrap();
        assert!(is_resent(Some(query)), "{resent}");
    }
    for query in [
        None,
        Some(""),
        Some("id=1"),
        Some("X-authentik-resend=true&id=1"),
        Some("xX-authentik-resend=true"),
        Some("X-authentik-resend=false"),
    ] {
        assert!(!is_resent(query), "{query:?}");
    }
}

#[test]
fn a_kept_form_is_for_its_address_its_user_and_its_time() {
    let mark = |sub| user_mark(b"secret", sub);
    let kept = KeptForm {
        id: "1".into(),
        path_and_query: "/edit?id=1".into(),
        user: Some(mark("alice")),
        until: Timestamp(100),
        form: kept(&[]).unwrap(),
    };
    let path = "/edit?id=1&X-authentik-resend=true";
    let alice = mark("alice");
    assert_eq!(kept.check(path, &alice, Timestamp(99)), Ok(()));
    assert_eq!(kept.check(path, &alice, Timestamp(100)), Err(NotSent::TooLate));
    assert_eq!(kept.check(path, &mark("bob"), Timestamp(99)), Err(NotSent::OtherUser));
    for other in ["/edit?id=2&X-authentik-resend=true", "/edit?id=1", "/other"] {
        assert_eq!(kept.check(other, &alice, Timestamp(99)), Err(NotSent::OtherTarget));
    }
    let of_nobody = KeptForm { user: None, ..kept };
    assert_eq!(of_nobody.check(path, &mark("bob"), Timestamp(99)), Err(NotSent::OtherUser));
    assert_ne!(mark("alice"), user_mark(b"another secret", "alice"));
}
