//! What pages say, and to whom.

use crate::attacks::exchange::Ask;
use crate::attacks::site::{DOORS, HOMES, PROXY, Person, Site};

/// What would run if a page said it as it is.
const SCRIPTS: [&str; 4] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-'",
    "</title></style><svg onload=alert(1)>",
];

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// CVE-2024-21637.
#[tokio::test]
async fn nothing_that_a_page_echoes_runs() {
    let site = Site::start().await;
    let mut pages = 0;
    for home in HOMES {
        for script in SCRIPTS {
            let raw = escaped(script);
            let mut person = Person::default();
            let authorize = site.begin(&mut person, home, "/").await;
            let state = url::Url::parse(&authorize).unwrap();
            let state = state.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
            let mine = person.cookie_header().unwrap();
            let callback = "/outpost.goauthentik.io/callback?X-authentik-auth-callback=true";
            for (path, cookie) in [
                // An error that answers the browser's own sign-in, as core sends it and in one piece.
                (format!("{callback}?error={raw}&error_description={raw}&state={state}"), true),
                (format!("{callback}&error={raw}&error_description={raw}&state={state}"), true),
                (format!("{callback}&error=access_denied&error_description={raw}"), false),
                (format!("{callback}&code={raw}&state={raw}"), false),
                (format!("/outpost.goauthentik.io/start?rd={raw}"), false),
                (format!("/outpost.goauthentik.io/{raw}"), false),
                (format!("/outpost.goauthentik.io/auth/nginx?{raw}"), false),
            ] {
                let mut ask = Ask::get(&path)
                    .line("Accept", "text/html")
                    .line("User-Agent", script)
                    .line("Referer", script)
                    .line("X-Request-Id", script);
                if cookie {
                    ask = ask.line("Cookie", &mine);
                }
                let outcome = site.send(PROXY, &ask.to(home)).await;
                assert!(!outcome.body.contains(script), "{home} {path}: {}", outcome.body);
                assert!(!outcome.body.contains("<svg"), "{home} {path}: {}", outcome.body);
                if outcome.body.contains("<html") {
                    pages += 1;
                    let policy = outcome.header("content-security-policy").unwrap_or_default();
                    assert!(policy.contains("default-src 'none'"), "{home} {path}: {policy}");
                    assert!(!policy.contains("unsafe"), "{policy}");
                }
                if path.contains("error=%3Cscript") && cookie {
                    // The reason is told, in letters that are only letters.
                    assert!(outcome.body.contains("&lt;script&gt;"), "{}", outcome.body);
                }
            }
        }
    }
    assert!(pages > 20, "{pages} pages were looked at");
}

/// A link with an error in it, made by anybody, puts no words into our mouth.
#[tokio::test]
async fn an_error_that_answers_no_sign_in_of_this_browser_is_not_repeated() {
    let site = Site::start().await;
    for home in HOMES {
        let callback = "/outpost.goauthentik.io/callback?X-authentik-auth-callback=true";
        let words = "Call%20555-0100%20and%20tell%20your%20password";
        let mut person = Person::default();
        let authorize = site.begin(&mut person, home, "/").await;
        let state = url::Url::parse(&authorize).unwrap();
        let state = state.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
        let mine = person.cookie_header().unwrap();
        for (query, cookie, told) in [
            (format!("error=x&error_description={words}"), None, false),
            (format!("error=x&error_description={words}&state=x"), None, false),
            (format!("error=x&error_description={words}&state={state}"), None, false),
            (format!("error=x&error_description={words}&state={state}"), Some(&mine), true),
        ] {
            let mut ask = Ask::get(&format!("{callback}&{query}")).line("Accept", "text/html");
            if let Some(cookie) = cookie {
                ask = ask.line("Cookie", cookie);
            }
            let outcome = site.send(PROXY, &ask.to(home)).await;
            outcome.assert_shut(home);
            assert_eq!(outcome.body.contains("555-0100"), told, "{home} {query}: {}", outcome.body);
        }
    }
}

/// GHSA-59jp-rwph-878r: what comes with a redirect or a 401 is ours alone; the application has not
/// been asked.
#[tokio::test]
async fn no_content_comes_with_a_redirect() {
    let site = Site::start().await;
    let people = site.people("alice").await;
    for door in DOORS {
        for ask in [
            Ask::get("/x"),
            Ask::get("/x").line("Range", "bytes=0-"),
            Ask::get("/x").line("If-None-Match", "*"),
            Ask::new("HEAD", "/x"),
            Ask::new("PROPFIND", "/x").line("Depth", "1"),
            Ask::get("/x").line("Accept", "application/json"),
            Ask::get("/x").line("Expect", "100-continue"),
        ] {
            let outcome = site.knock(door, &ask).await;
            outcome.assert_refused(&[302, 401], &format!("{door:?} {ask:?}"));
            assert!(!outcome.body.contains("captured"), "{door:?}: {outcome:?}");
            if outcome.status == 302 {
                assert_eq!(outcome.body, "", "{door:?} {ask:?}");
            }
            assert_eq!(outcome.header("cache-control"), Some("no-store"), "{door:?} {ask:?}");
        }
        let own = Ask::get("/x").line("Cookie", people[door.provider].session_pair());
        let outcome = site.knock(door, &own).await;
        outcome.assert_open_to("alice", &format!("{door:?}"));
        assert_eq!(outcome.body.contains("captured"), door.dialect.is_none());
    }
}

/// What the outpost knows of the application's whereabouts is for superusers.
#[tokio::test]
async fn a_page_names_no_address_behind_the_outpost() {
    let dead = "http://127.0.0.1:9";
    let site = Site::with(&[], |spec| match spec.name.as_str() {
        "app" => outpost_demo::core::ProviderSpec { internal_host: dead.to_owned(), ..spec },
        _ => spec,
    })
    .await;
    for (user, sees) in [("bob", false), ("alice", true)] {
        let person = site.person(DOORS[0], user).await;
        let ask = Ask::get("/x").line("Cookie", person.session_pair()).line("Accept", "text/html");
        let outcome = site.knock(DOORS[0], &ask).await;
        outcome.assert_refused(&[502], user);
        assert_eq!(outcome.body.contains("127.0.0.1"), sees, "{user}: {}", outcome.body);
        assert_eq!(outcome.body.contains("refused"), sees, "{user}: {}", outcome.body);
    }
    let public = Ask::get("/public/x").line("Accept", "text/html");
    let outcome = site.knock(DOORS[0], &public).await;
    assert_eq!(outcome.status, 502);
    assert!(!outcome.body.contains("127.0.0.1"), "{}", outcome.body);
}
