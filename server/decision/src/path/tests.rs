use proptest::prelude::*;

use super::*;

#[test]
fn plain_paths_decode_as_go_does() {
    for (raw, text) in [
        ("/", "/"),
        ("/public/", "/public/"),
        ("/a.b/..c/d..", "/a.b/..c/d.."),
        ("/.well-known/acme", "/.well-known/acme"),
        ("/...", "/..."),
        ("/%70ublic", "/public"),
        ("/a%20b", "/a b"),
        ("/caf%C3%A9", "/café"),
        ("/a+b&c=d@e:f", "/a+b&c=d@e:f"),
        ("/~user/(x)!*'$,|\"<>^`{}", "/~user/(x)!*'$,|\"<>^`{}"),
    ] {
        assert_eq!(view(raw), PathView::Plain(Cow::Borrowed(text)), "{raw}");
    }
}

#[test]
fn a_plain_path_without_escapes_is_borrowed() {
    assert!(matches!(view("/public/logo.png"), PathView::Plain(Cow::Borrowed(_))));
}

#[test]
fn everything_that_parsers_read_differently_is_ambiguous() {
    for (raw, reason) in [
        ("", "path that does not begin with a slash"),
        ("public", "path that does not begin with a slash"),
        ("*", "path that does not begin with a slash"),
        ("/public/../private", "dot segment"),
        ("/public/..", "dot segment"),
        ("/./private", "dot segment"),
        ("/public/%2e%2e/private", "encoded dot"),
        ("/public/%2E./private", "encoded dot"),
        ("/public%2fx", "encoded slash"),
        ("/public%2Fx", "encoded slash"),
        ("/public/..%5cprivate", "encoded backslash"),
        ("/public\\..\\private", "backslash"),
        ("/public/%252e%252e/private", "encoded percent sign"),
        ("/private%00/public/", "encoded NUL"),
        ("/private%0a/public/", "encoded control character"),
        ("/private%7f", "encoded control character"),
        ("/private%C2%85", "encoded control character"),
        ("//public/", "empty segment"),
        ("/public//x", "empty segment"),
        ("/public/..;/private", "semicolon"),
        ("/private;/public/", "semicolon"),
        ("/private%3b/public/", "encoded semicolon"),
        ("/private#/public/", "fragment mark"),
        ("/private%23/public/", "encoded fragment mark"),
        ("/private?/public/", "question mark"),
        ("/private%3f/public/", "encoded question mark"),
        ("/private /public/", "blank or control character"),
        ("/private\t/public/", "blank or control character"),
        ("/private\0/public/", "blank or control character"),
        ("/café", "raw non-ASCII byte"),
        ("/a%", "invalid percent escape"),
        ("/a%4", "invalid percent escape"),
        ("/a%zz", "invalid percent escape"),
        ("/a%+1", "invalid percent escape"),
        ("/a%u002e", "invalid percent escape"),
        ("/a%ff", "encoded bytes that are not UTF-8"),
        ("/a%C0%AE", "encoded bytes that are not UTF-8"),
        ("/a%ED%A0%80", "encoded bytes that are not UTF-8"),
    ] {
        assert_eq!(view(raw), PathView::Ambiguous(reason), "{raw:?}");
    }
}

proptest! {
    /// A plain path survives what any server does to paths: decoding again or resolving dot
    /// segments changes nothing.
    #[test]
    fn plain_means_stable(raw in "/[a-z./%2e5cF;\\\\?#é ]{0,12}") {
        if let PathView::Plain(text) = view(&raw) {
            prop_assert!(!text.contains('%'));
            prop_assert!(!text.contains("//") && !text.contains('\\'));
            prop_assert!(!text.split('/').any(|segment| segment == "." || segment == ".."));
            let url = url::Url::parse("https://app").unwrap().join(&raw).unwrap();
            prop_assert_eq!(percent_decode_str(url.path()).decode_utf8().unwrap(), text);
        }
    }

    #[test]
    fn any_text_is_classified_without_panic(raw in "\\PC*") {
        let _ = view(&raw);
    }
}
