//! Who an application is told its user is.

use outpost_demo::core::UserSpec;
use serde_json::json;

use crate::ask::IDENTITY;
use crate::attacks::exchange::Ask;
use crate::attacks::site::{DOORS, PROXIED, STRANGER, Site};
use crate::tricks::spellings;

/// Every spelling of every name, twice, with a value that gives itself away; in portions that fit
/// into a request.
fn forgeries() -> Vec<Vec<(String, String)>> {
    let names = IDENTITY.into_iter().chain(["X-authentik-future"]);
    let lines: Vec<_> = names
        .flat_map(spellings)
        .flat_map(|name| [(name.clone(), "mallory".to_owned()), (name, "mallory".to_owned())])
        .collect();
    lines.chunks(80).map(<[_]>::to_vec).collect()
}

fn with_all(ask: Ask, lines: &[(String, String)]) -> Ask {
    lines.iter().fold(ask, |ask, (name, value)| ask.line(name, value))
}

/// CVE-2026-88011, CVE-2025-64484, GHSA-x677-9fxg-v5c5, GHSA-7r4p-vjf4-gxv4.
#[tokio::test]
async fn no_spelling_makes_a_person_another() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        let cookie = people[door.provider].session_pair();
        for forgery in forgeries() {
            for method in ["GET", "POST", "OPTIONS", "DELETE"] {
                let ask = with_all(Ask::new(method, "/x").line("Cookie", &cookie), &forgery);
                let outcome = site.knock(door, &ask).await;
                outcome.assert_open_to("alice", &format!("{door:?} {method}"));
                let heard = outcome.reached.concat() + &outcome.text();
                assert!(!heard.contains("mallory"), "{door:?} {method}: {heard}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_becomes_somebody_on_a_public_path() {
    let site = Site::start().await;
    for door in DOORS {
        for forgery in forgeries() {
            for method in ["GET", "HEAD", "POST", "OPTIONS"] {
                let outcome =
                    site.knock(door, &with_all(Ask::new(method, "/public/x"), &forgery)).await;
                outcome.assert_open_to("", &format!("{door:?} {method}"));
                let heard = outcome.reached.concat() + &outcome.text();
                assert!(!heard.contains("mallory"), "{door:?} {method}: {heard}");
            }
            let private = site.knock(door, &with_all(Ask::get("/x"), &forgery)).await;
            private.assert_refused(&[302, 401], &format!("{door:?}"));
        }
    }
}

/// The stock outpost in Rust dropped names with `_` unless the same name with `-` was there, and
/// compared in the wrong case: a spoofed `x_authentik_username` stayed.
#[tokio::test]
async fn a_name_with_underscores_goes_whether_or_not_its_twin_is_there() {
    let site = Site::start().await;
    let cookie = site.person(PROXIED, "alice").await.session_pair();
    for twin in [None, Some("x-authentik-username"), Some("X-Authentik-Username")] {
        for name in ["x_authentik_username", "X_AUTHENTIK_USERNAME", "x-authentik_username"] {
            for (path, cookie, user) in [("/x", Some(&cookie), "alice"), ("/public/x", None, "")] {
                let mut ask = Ask::get(path).line(name, "mallory");
                if let Some(twin) = twin {
                    ask = ask.line(twin, "mallory");
                }
                if let Some(cookie) = cookie {
                    ask = ask.line("Cookie", cookie);
                }
                let outcome = site.knock(PROXIED, &ask).await;
                outcome.assert_open_to(user, &format!("{name} {twin:?} {path}"));
            }
        }
    }
}

/// A preflight bears no cookie and opens nothing; where it is let through, it is nobody's.
#[tokio::test]
async fn a_preflight_tells_no_identity() {
    let site = Site::start().await;
    for door in DOORS {
        let preflight = |path| {
            Ask::new("OPTIONS", path)
                .line("Origin", "http://elsewhere.test")
                .line("Access-Control-Request-Method", "POST")
                .line("Access-Control-Request-Headers", "x-authentik-username")
                .line("X-authentik-username", "mallory")
        };
        site.knock(door, &preflight("/x")).await.assert_refused(&[401], &format!("{door:?}"));
        let public = site.knock(door, &preflight("/public/x")).await;
        public.assert_open_to("", &format!("{door:?}"));
    }
}

/// Trailers come when everything is decided.
#[tokio::test]
async fn trailers_tell_the_application_nothing() {
    let site = Site::start().await;
    let cookie = site.person(PROXIED, "alice").await.session_pair();
    for announced in [None, Some("X-authentik-username, Cookie"), Some("x_authentik_username")] {
        for (path, cookie, user) in [("/x", Some(&cookie), "alice"), ("/public/x", None, "")] {
            let mut ask = Ask::new("POST", path)
                .line("TE", "trailers")
                .line("Transfer-Encoding", "chunked")
                .body(
                    b"4\r\nbody\r\n0\r\nX-authentik-username: mallory\r\n\
                      x_authentik_username: mallory\r\nCookie: mallory=1\r\n\r\n",
                );
            if let Some(names) = announced {
                ask = ask.line("Trailer", names);
            }
            if let Some(cookie) = cookie {
                ask = ask.line("Cookie", cookie);
            }
            let outcome = site.knock(PROXIED, &ask).await;
            outcome.assert_open_to(user, &format!("{announced:?} {path}"));
            assert!(!outcome.reached[0].contains("mallory"), "{announced:?} {path}: {outcome:?}");
            assert!(outcome.reached[0].contains("body"), "{outcome:?}");
        }
    }
}

/// Careless proxies remove what `Connection` lists after they have set it.
#[tokio::test]
async fn a_name_listed_in_connection_takes_no_identity_away() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        let listed = IDENTITY.join(", ");
        for (path, user) in [("/x", "alice"), ("/public/x", "")] {
            let mut ask = Ask::get(path).line("Connection", format!("Cookie, Host, {listed}"));
            if !user.is_empty() {
                ask = ask.line("Cookie", people[door.provider].session_pair());
            }
            site.knock(door, &ask).await.assert_open_to(user, &format!("{door:?} {path}"));
        }
    }
}

/// CR, LF and NUL in what core says of a person: the client's header goes first, and then the value
/// is sent empty, not cut or cleaned.
#[tokio::test]
async fn claims_that_would_break_a_header_are_sent_empty() {
    let site = Site::start().await;
    for (number, bad) in
        ["a\r\nX-authentik-username: alice", "a\nX-authentik-groups: admins", "a\0b", "a\u{85}b"]
            .into_iter()
            .enumerate()
    {
        let user = format!("eve{number}");
        let attributes = json!({"additionalHeaders": {"X-Tenant": bad, "X-Sound": "sound"}});
        site.core.put_user(
            UserSpec::new(&user, "x")
                .name(bad)
                .email(bad)
                .groups(&[bad, "staff"])
                .attributes(attributes),
        );
        let people = site.people(&user).await;
        for door in DOORS {
            let about = format!("{door:?} {bad:?}");
            let ask = Ask::get("/x")
                .line("Cookie", people[door.provider].session_pair())
                .line("X-authentik-name", "mallory")
                .line("X-Tenant", "mallory");
            let outcome = site.knock(door, &ask).await;
            assert_eq!(outcome.status, 200, "{about}: {outcome:?}");
            for (name, value) in [
                ("X-authentik-username", user.as_str()),
                ("X-authentik-name", ""),
                ("X-authentik-email", ""),
                ("X-authentik-groups", "staff"),
                ("X-Tenant", ""),
                ("X-Sound", "sound"),
            ] {
                assert_eq!(outcome.told(name), [value], "{about}: {name}");
            }
        }
    }
}

/// A user name that is itself an attack is nobody's name.
#[tokio::test]
async fn a_user_name_with_line_breaks_is_never_another_user() {
    let site = Site::start().await;
    for name in ["eve\r\nX-authentik-username: alice", "alice\0", "alice\r\n"] {
        site.core.put_user(UserSpec::new(name, "x"));
        let people = site.people(name).await;
        for door in DOORS {
            let ask = Ask::get("/x")
                .line("Cookie", people[door.provider].session_pair())
                .line("X-authentik-username", "alice");
            let outcome = site.knock(door, &ask).await;
            assert_eq!(outcome.told("X-authentik-username"), [""], "{door:?} {name:?}");
            let heard = outcome.reached.concat();
            assert!(!heard.contains("username: alice"), "{door:?} {name:?}: {heard}");
        }
    }
    let people = site.people("alice").await;
    let ask = Ask::get("/x").line("Cookie", people["app"].session_pair());
    site.knock(PROXIED, &ask).await.assert_open_to("alice", "herself");
}

/// Headers that frameworks route or log by, from a client that is no proxy of ours.
#[tokio::test]
async fn a_strangers_claims_about_the_request_do_not_reach_the_application() {
    let site = Site::start().await;
    let cookie = site.person(PROXIED, "alice").await.session_pair();
    let names = [
        "X-Forwarded-Host",
        "X_Forwarded_Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Prefix",
        "X-Forwarded-Port",
        "X-Forwarded-Uri",
        "X-Forwarded-User",
        "X-Original-URL",
        "X-Original-URI",
        "X-Rewrite-URL",
        "X-Real-IP",
        "X_Real_IP",
        "Forwarded",
    ];
    for name in names {
        let ask = Ask::get("/x").line("Cookie", &cookie).line(name, "mallory");
        let outcome = site.knock(PROXIED, &ask).await;
        outcome.assert_open_to("alice", name);
        assert!(!outcome.reached[0].contains("mallory"), "{name}: {outcome:?}");
    }
    let outcome = site.knock(PROXIED, &Ask::get("/x").line("Cookie", &cookie)).await;
    assert_eq!(outcome.told("X-Forwarded-Host"), ["app.test"]);
    assert_eq!(outcome.told("X-Forwarded-For"), [STRANGER.to_string()]);
}
