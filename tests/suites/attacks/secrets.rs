//! What must not be told, and what must not be guessed piece by piece.

use std::collections::BTreeSet;

use outpost_demo::core::Endpoint;
use outpost_tests::{Browser, Figures};
use reqwest::Method;

use crate::attacks::exchange::Ask;
use crate::attacks::site::{DOORS, HOMES, Person, Site};

/// May act at the dashboard.
const ACT: &str = "act-token-51c0-9d1e-77";

/// GHSA-m9h4-7j9c-55x9.
#[tokio::test]
async fn no_secret_is_in_any_page_answer_log_line_or_metric() {
    let variables = [
        ("AUTHENTIK_LOG_LEVEL", "trace"),
        ("AUTHENTIK_LOG__HTTP_HEADERS", "User-Agent,Authorization,Cookie,Referer"),
        ("OUTPOST__ADMIN__TOKEN", ACT),
    ];
    let site = Site::with(&variables, |spec| spec).await;
    let mut secrets: BTreeSet<(String, &str)> = BTreeSet::new();
    for home in HOMES {
        let mut person = Person::default();
        let authorize = site.begin(&mut person, home, "/").await;
        secrets.extend(person.cookies.values().map(|value| (value.clone(), "flow cookie")));
        site.visit(&mut person, home, &site.callback(&authorize, "alice")).await;
        secrets.insert((person.session().unwrap().1.to_owned(), "session cookie"));
        for door in DOORS.into_iter().filter(|door| door.home == home) {
            let ask = Ask::get("/x?token=query-secret-88d2").line("Cookie", person.session_pair());
            let outcome = site.knock(door, &ask).await;
            secrets.insert((outcome.told("X-authentik-jwt").remove(0), "access token"));
            let basic = "Basic YWxpY2U6YWxpY2UtYXBwLXBhc3N3b3Jk";
            site.knock(door, &Ask::get("/y").line("Authorization", basic)).await;
            let wrong = "Bearer header-secret-71aa-header-secret";
            site.knock(door, &Ask::get("/z").line("Authorization", wrong)).await;
        }
        site.visit(&mut person, home, "/outpost.goauthentik.io/sign_out").await;
    }
    for name in ["app", "single", "domain"] {
        let spec = site.core.provider(name).unwrap();
        secrets.insert((spec.client_secret, "client secret"));
        secrets.insert((spec.cookie_secret, "cookie secret"));
    }
    site.core.observe(|seen| {
        for request in seen.requests_to(Endpoint::Token) {
            for field in ["code", "code_verifier"] {
                secrets.extend(
                    request.form_value(field).map(|it| (it.to_owned(), "code or verifier")),
                );
            }
        }
    });
    secrets.extend([
        (site.core.token(), "token of the outpost"),
        (ACT.to_owned(), "operator's token"),
        ("YWxpY2U6YWxpY2UtYXBwLXBhc3N3b3Jk".to_owned(), "app password"),
        ("header-secret-71aa-header-secret".to_owned(), "refused token"),
        ("query-secret-88d2".to_owned(), "token in a query"),
    ]);

    let browser = Browser::new();
    let mut shown: Vec<(String, String)> = Vec::new();
    let pages = site.outpost.address("dashboard").await;
    let bearer = format!("Bearer {ACT}");
    for path in [
        "/api/v1/sessions",
        "/api/v1/decisions",
        "/api/v1/providers",
        "/api/v1/overview",
        "/api/v1/doctor",
    ] {
        let headers = [("authorization", bearer.as_str()), ("accept", "application/json")];
        let url = format!("http://{pages}{path}");
        let answer = browser.send(Method::GET, &url, &headers, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        shown.push((path.to_owned(), answer.body));
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let own = format!("http://{pages}");
    let headers = [form[0], ("origin", own.as_str())];
    let entered = browser
        .send(
            Method::POST,
            &format!("{own}/sign-in"),
            &headers,
            Some(format!("token={ACT}&next=/")),
        )
        .await;
    assert_eq!(entered.status, 303, "{}", entered.body);
    for path in ["/", "/providers", "/sessions", "/decisions", "/doctor", "/explain"] {
        let page = browser.get(&format!("{own}{path}")).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        shown.push((path.to_owned(), page.body));
    }
    assert!(shown.iter().any(|(_, text)| text.contains("single.test")), "something is shown");
    let metrics = site.outpost.address("metrics").await;
    shown.push(("metrics".to_owned(), Figures::at(metrics).await.text));
    let lines = site.outpost.lines();
    assert!(lines.len() > 100 && lines.iter().any(|line| line.contains("TRACE")));
    shown.extend(lines.into_iter().map(|line| ("log".to_owned(), line)));
    for (secret, kind) in &secrets {
        assert!(secret.len() > 8, "{kind}: {secret}");
        // A token begins as every other does; its end is what counts.
        let tail = &secret[secret.len().saturating_sub(24)..];
        for (what, text) in &shown {
            assert!(!text.contains(tail), "{kind} {secret} in {what}: {text:.2000}");
        }
    }
}

/// CVE-2024-52307: whoever can guess a secret piece by piece needs not guess it whole. Times are not
/// measured here (that comparisons take the same time is for the one function that makes them);
/// what a part of a secret opens is.
#[tokio::test]
async fn a_part_of_a_secret_is_no_secret() {
    let site = Site::with(&[("OUTPOST__ADMIN__TOKEN", ACT)], |spec| spec).await;
    let near = |secret: &str| {
        let last = if secret.ends_with('A') { "B" } else { "A" };
        [
            secret[..secret.len() - 1].to_owned(),
            secret[..1].to_owned(),
            secret[..secret.len() / 2].to_owned(),
            format!("{secret}A"),
            format!("{secret}{secret}"),
            format!("{}{last}", &secret[..secret.len() - 1]),
            secret.to_uppercase(),
            String::new(),
        ]
    };
    // The session's.
    let people = site.people("alice").await;
    for door in DOORS {
        let (name, value) = people[door.provider].session().unwrap();
        for guess in near(value) {
            let ask = Ask::get("/x").line("Cookie", format!("{name}={guess}"));
            site.knock(door, &ask).await.assert_refused(&[302, 401], &format!("{door:?} {guess}"));
        }
        let ask = Ask::get("/x").line("Cookie", format!("{name}={value}"));
        site.knock(door, &ask).await.assert_open_to("alice", &format!("{door:?}"));
    }
    // The operators'.
    let pages = site.outpost.address("dashboard").await;
    let calls = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("accept", "application/json")];
        let url = format!("http://{pages}/api/v1/sessions");
        Browser::new().send(Method::GET, &url, &headers, None).await.status.as_u16()
    };
    assert_eq!(calls(ACT).await, 200);
    for guess in near(ACT) {
        assert!(matches!(calls(&guess).await, 401 | 403 | 429), "{guess}");
    }
}
