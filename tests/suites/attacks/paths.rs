//! Paths that two programs read differently, and what else is said to make them public.

use crate::attacks::exchange::Ask;
use crate::attacks::site::{DOORS, Site, forward_doors};

/// Spellings that lead out of `/public/`, or look like it, in some program.
const TRICKS: [&str; 34] = [
    "/public/../x",
    "/public/./../x",
    "/public/..",
    "/public/%2e%2e/x",
    "/public/%2E%2E/x",
    "/public/.%2e/x",
    "/public/..%2fx",
    "/public/..%2Fx",
    "/public/%2e%2e%2fx",
    "/public%2f..%2fx",
    "/public/%252e%252e/x",
    "/public/%252e%252e%252fx",
    "/public/..;/x",
    "/public/;/../x",
    "/public/x;a=b/../../x",
    "/public/%3b/../x",
    "/public//x",
    "//public/x",
    "/public/..%5cx",
    "/public/%5c..%5cx",
    "/public/%23/../x",
    "/public/%3f/../x",
    "/public/%23x",
    "/public/%3fx",
    "/public/%00/../x",
    "/public/x%00.png",
    "/public/%0d%0ax",
    "/public/%ff",
    "/public/%c0%ae%c0%ae/x",
    "/public/%zz",
    "/public/%",
    "/x/../public/x",
    "/%2e/public/x",
    "/public/x;jsessionid=1",
];

/// CVE-2026-41059, GHSA-7rh7-c77v-6434.
#[tokio::test]
async fn an_ambiguous_path_is_never_public() {
    let site = Site::start().await;
    for door in DOORS {
        for path in TRICKS {
            let about = format!("{door:?} {path}");
            let outcome = site.knock(door, &Ask::get(path)).await;
            outcome.assert_refused(&[302, 400, 401], &about);
        }
        site.knock(door, &Ask::get("/public/x")).await.assert_open_to("", &format!("{door:?}"));
    }
}

/// Bytes that no request line can hold, or that end one.
#[tokio::test]
async fn bytes_that_no_path_has_are_refused() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        let cookie = people[door.provider].session_pair();
        for path in
            ["/public/\0x", "/public/#/../x", "/public/\\..\\x", "/public/ x", "/public/\tx"]
        {
            // The outpost's own parser takes a fragment mark away with all that follows it, and
            // decides upon what is left.
            let is_cut = path.contains('#') && matches!(door.dialect, None | Some("envoy"));
            if is_cut || (path.contains('\\') && door.dialect.is_none()) {
                continue;
            }
            let outcome = site.knock(door, &Ask::get(path)).await;
            outcome.assert_refused(&[0, 302, 400, 401], &format!("{door:?} {path:?}"));
            let ask = Ask::get(path).line("Cookie", &cookie);
            if door.dialect.is_some() {
                let outcome = site.knock(door, &ask).await;
                outcome.assert_refused(&[0, 400], &format!("{door:?} {path:?} signed in"));
            }
        }
        let outcome = site.knock(door, &Ask::get("/x").line("Cookie", &cookie)).await;
        outcome.assert_open_to("alice", &format!("{door:?}"));
    }
}

/// CVE-2026-41059: what follows `?` or `#` is no path.
#[tokio::test]
async fn a_query_or_a_fragment_makes_no_path_public() {
    let site = Site::start().await;
    for door in DOORS {
        for path in [
            "/x?/public/",
            "/x?a=/public/x",
            "/x?a=http://single.test/public/",
            "/x?a=%0a/public/x",
            "/x#/public/x",
            "/x%23/public/x",
            "/x%3f/public/x",
            "/xhttp://wiki.domain.test/public/x",
            "/x/http://wiki.domain.test/public/x",
        ] {
            let outcome = site.knock(door, &Ask::get(path)).await;
            outcome.assert_refused(&[302, 400, 401], &format!("{door:?} {path}"));
        }
        let outcome = site.knock(door, &Ask::get("/public/x?a=b")).await;
        outcome.assert_open_to("", &format!("{door:?}"));
    }
}

/// nginx asks about the outpost's own paths as well, and they are let through: only those.
#[tokio::test]
async fn a_path_that_begins_like_ours_is_not_ours() {
    let site = Site::start().await;
    for door in DOORS {
        for path in [
            "/outpost.goauthentik.io/../x",
            "/outpost.goauthentik.io/start/../../x",
            "/outpost.goauthentik.io/%2e%2e/x",
            "/outpost.goauthentik.io/..%2fx",
            "/outpost.goauthentik.io/..;/x",
            "/outpost.goauthentik.io/start;/../../x",
            "/outpost.goauthentik.io/%252e%252e/x",
            "/outpost.goauthentik.io//../x",
            "/outpost.goauthentik.io\\..\\x",
            "/outpost.goauthentik.iox",
            "/outpost.goauthentik.io.evil/x",
            "/x/outpost.goauthentik.io/start",
        ] {
            if path.contains('\\') && door.dialect.is_none() {
                continue;
            }
            let outcome = site.knock(door, &Ask::get(path)).await;
            outcome.assert_shut(&format!("{door:?} {path}"));
        }
    }
    for door in forward_doors().filter(|door| door.dialect == Some("nginx")) {
        let outcome = site.knock(door, &Ask::get("/outpost.goauthentik.io/start")).await;
        assert_eq!(outcome.status, 200, "{outcome:?}");
    }
}

/// CVE-2026-34457.
#[tokio::test]
async fn a_health_checkers_name_opens_nothing() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        for agent in [
            "kube-probe/1.30",
            "GoogleHC/1.0",
            "ELB-HealthChecker/2.0",
            "Go-http-client/1.1",
            "Consul Health Check",
            "goauthentik.io/outpost/2025.10.0",
            "goauthentik.io/outpost/2025.10.0 healthcheck",
        ] {
            let ask = Ask::get("/x").line("User-Agent", agent);
            let about = format!("{door:?} {agent}");
            site.knock(door, &ask).await.assert_refused(&[302, 401], &about);
            let own = ask.line("Cookie", people[door.provider].session_pair());
            site.knock(door, &own).await.assert_open_to("alice", &about);
        }
    }
}
