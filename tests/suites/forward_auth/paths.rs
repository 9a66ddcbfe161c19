//! Paths that two programs may read differently (CVE-2026-41059, GHSA-7rh7-c77v-6434).

use crate::ask::{DIALECTS, ask, cookie, world};

/// Spellings that lead out of `/public/` (or look like it) in some program.
const TRICKS: [&str; 30] = [
    "/public/../private",
    "/public/./../private",
    "/public/..",
    "/public/%2e%2e/private",
    "/public/%2E%2E/private",
    "/public/.%2e/private",
    "/public/..%2fprivate",
    "/public/..%2Fprivate",
    "/public/%2e%2e%2fprivate",
    "/public%2f..%2fprivate",
    "/public/%252e%252e/private",
    "/public/%252e%252e%252fprivate",
    "/public/..;/private",
    "/public/;/../private",
    "/public/x;a=b/../../private",
    "/public/%3b/../private",
    "/public//private",
    "//public/x",
    "/public/..%5cprivate",
    "/public/%5c..%5cprivate",
    "/public/%23/../private",
    "/public/%3f/../private",
    "/public/%00/../private",
    "/public/x%00.png",
    "/public/%0d%0ax",
    "/public/%ff",
    "/public/%c0%ae%c0%ae/private",
    "/public/%zz",
    "/public/%",
    "/private/../public/x",
];

#[tokio::test]
async fn an_ambiguous_path_is_never_public() {
    let world = world().await;
    for host in ["single.test", "app.domain.test"] {
        for dialect in DIALECTS {
            for path in TRICKS {
                let verdict = ask(&world, dialect, &world.url(host, path), &[]).await;
                assert!(
                    matches!(verdict.status, 302 | 400 | 401),
                    "{dialect} {host} {path}: {verdict:?}"
                );
            }
            let verdict = ask(&world, dialect, &world.url(host, "/public/x"), &[]).await;
            assert_eq!(verdict.status, 200, "{dialect} {host}: the plain one is");
        }
    }
}

/// The same spellings are the application's own business once somebody is signed in.
#[tokio::test]
async fn people_who_are_signed_in_may_use_odd_paths() {
    let world = world().await;
    let cookie = cookie(&world, "single.test", "alice").await;
    for dialect in DIALECTS {
        for path in ["/a;v=1/b", "/a//b", "/a%2Fb", "/a/%252e", "/a/../b"] {
            let more = [("Cookie", cookie.as_str())];
            let verdict = ask(&world, dialect, &world.url("single.test", path), &more).await;
            assert_eq!(verdict.status, 200, "{dialect} {path}: {verdict:?}");
        }
    }
}

/// A public path is public by its path: what stands in the query changes nothing (ak#5925).
#[tokio::test]
async fn a_query_makes_no_path_public() {
    let world = world().await;
    for host in ["single.test", "app.domain.test"] {
        for dialect in DIALECTS {
            for path in ["/private?x=/public/", "/private?/../public/", "/privatehttp://a/public/"]
            {
                let verdict = ask(&world, dialect, &world.url(host, path), &[]).await;
                assert!(matches!(verdict.status, 302 | 400 | 401), "{dialect} {path}: {verdict:?}");
            }
        }
    }
}
