//! Session cookies that are none.

use outpost_tests::redis::RedisServer;

use crate::attacks::exchange::Ask;
use crate::attacks::site::{DOORS, HOMES, PROXIED, PROXY, Site};
use crate::tricks::GARBAGE_COOKIES;

/// CVE-2026-25748.
#[tokio::test]
async fn garbage_in_the_session_cookie_never_opens() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        let (name, value) = people[door.provider].session().unwrap();
        for garbage in GARBAGE_COOKIES {
            let pair = [name.as_bytes(), b"=", garbage].concat();
            let twice = [&pair[..], b"; ", &pair].concat();
            for cookie in [pair, twice] {
                let outcome = site.knock(door, &Ask::get("/x").line("Cookie", &cookie)).await;
                let about = format!(
                    "{door:?} {}",
                    String::from_utf8_lossy(&cookie[..40.min(cookie.len())])
                );
                outcome.assert_refused(&[302, 400, 401, 431], &about);
            }
        }
        // Among garbage, the real one counts.
        let both = format!("{name}=garbage; {name}={value}");
        let outcome = site.knock(door, &Ask::get("/x").line("Cookie", both)).await;
        outcome.assert_open_to("alice", &format!("{door:?}"));
    }
}

/// Each of the outpost's own endpoints, asked with a cookie that is none: none answers 200.
#[tokio::test]
async fn garbage_in_the_session_cookie_opens_no_endpoint() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for (home, provider) in HOMES.into_iter().zip(["app", "single", "domain"]) {
        let (name, _) = people[provider].session().unwrap();
        for path in [
            "/start",
            "/callback",
            "/callback?code=x&state=y",
            "/sign_out",
            "/auth/nginx",
            "/auth/x",
        ] {
            let path = format!("/outpost.goauthentik.io{path}");
            for garbage in GARBAGE_COOKIES {
                let cookie = [name.as_bytes(), b"=", garbage].concat();
                let ask = Ask::get(&path).line("Cookie", &cookie);
                let outcome = site.send(PROXY, &ask.to(home)).await;
                outcome.assert_shut(&format!("{} {path}", home));
            }
        }
    }
    let real = Ask::get("/x").line("Cookie", people["app"].session_pair());
    site.knock(PROXIED, &real).await.assert_open_to("alice", "the real one");
}

/// A session begun at one application is nothing at another, under whichever name it comes.
#[tokio::test]
async fn one_applications_session_is_nothing_at_another() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        let (own_name, _) = people[door.provider].session().unwrap();
        for (other, person) in &people {
            if *other == door.provider {
                continue;
            }
            let (name, value) = person.session().unwrap();
            for cookie in [format!("{name}={value}"), format!("{own_name}={value}")] {
                let outcome = site.knock(door, &Ask::get("/x").line("Cookie", &cookie)).await;
                outcome.assert_refused(&[302, 401], &format!("{door:?} {cookie}"));
            }
        }
        let own = people[door.provider].session_pair();
        let outcome = site.knock(door, &Ask::get("/x").line("Cookie", own)).await;
        outcome.assert_open_to("alice", &format!("{door:?}"));
    }
}

/// A store that cannot be asked is an outage: 503, never a way in.
#[tokio::test]
async fn a_store_that_fails_opens_nothing() {
    let store = RedisServer::start();
    let url = store.url();
    let variables = [("OUTPOST__SESSIONS__STORE", url.as_str())];
    let site = Site::with(&variables, |spec| spec).await;
    let people = site.people("alice").await;
    for door in DOORS {
        let own = people[door.provider].session_pair();
        let outcome = site.knock(door, &Ask::get("/x").line("Cookie", own)).await;
        outcome.assert_open_to("alice", "while the store answers");
    }
    drop(store);
    let unknown = "A".repeat(people["app"].session().unwrap().1.len());
    for door in DOORS {
        let (name, _) = people[door.provider].session().unwrap();
        let cookie = format!("{name}={unknown}");
        let outcome = site.knock(door, &Ask::get("/x").line("Cookie", &cookie)).await;
        outcome.assert_refused(&[503], &format!("{door:?}"));
        for path in ["/callback?code=x&state=y", "/sign_out"] {
            let path = format!("/outpost.goauthentik.io{path}");
            let ask = Ask::get(&path).line("Cookie", &cookie);
            let outcome = site.send(PROXY, &ask.to(door.home)).await;
            outcome.assert_refused(&[503], &format!("{} {path}", door.home));
        }
    }
}

/// CVE-2023-28625, CVE-2024-24814.
#[tokio::test]
async fn odd_and_endless_cookie_headers_are_survived() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        let knock =
            async |cookie: &str| site.knock(door, &Ask::get("/x").line("Cookie", cookie)).await;
        for odd in [";;;", ";", "=", "===;===", " ; ; ", "=;a=;b=;;c=", "\"", "a=\";b=\""] {
            knock(odd).await.assert_refused(&[302, 401], &format!("{door:?} {odd}"));
        }
        let own = people[door.provider].session_pair();
        let (name, _) = people[door.provider].session().unwrap();
        let thousands = "a=b;".repeat(5_000);
        knock(&thousands).await.assert_refused(&[302, 401], "thousands");
        knock(&format!("{name}=garbage;").repeat(500))
            .await
            .assert_refused(&[302, 401], "own name");
        knock(&"a=b;".repeat(12_000)).await.assert_refused(&[431], "too many");
        knock(&format!(";;;{own};;;")).await.assert_open_to("alice", "semicolons");
        knock(&format!("{thousands}{own}")).await.assert_open_to("alice", "among thousands");
    }
}

/// What the application is handed holds no cookie of ours: it could be used as the person.
#[tokio::test]
async fn the_application_never_sees_the_session_cookie() {
    let site = Site::start().await;
    let person = site.person(PROXIED, "alice").await;
    let (name, value) = person.session().unwrap();
    for cookie in [
        format!("{name}={value}; theirs=1"),
        format!("theirs=1; {name}={value}"),
        format!("theirs=1;{name}={value}"),
        format!("theirs=1; {name}={value}; {name}={value}"),
    ] {
        let outcome = site.knock(PROXIED, &Ask::get("/x").line("Cookie", &cookie)).await;
        outcome.assert_open_to("alice", &cookie);
        assert!(!outcome.reached[0].contains(value), "{cookie}: {outcome:?}");
        assert_eq!(outcome.told("Cookie"), ["theirs=1"], "{cookie}");
    }
}
