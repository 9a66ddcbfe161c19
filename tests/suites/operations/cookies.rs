//! CVE-2026-25748 and its kin: whatever stands in a session cookie, nobody is let in by it.

use outpost_tests::{Browser, World};
use reqwest::header::{COOKIE, HeaderValue};
use reqwest::{Method, StatusCode};

use crate::tricks::GARBAGE_COOKIES;

/// Questions about something that needs a sign-in, in every mode and dialect: host, path, headers.
fn questions(world: &World) -> Vec<(String, Vec<(&'static str, String)>)> {
    let port = world.port();
    let mut questions = vec![(world.url("app.test", "/json"), Vec::new())];
    for host in ["single.test", "auth.domain.test", "any.domain.test"] {
        let original = format!("http://{host}:{port}/json");
        for dialect in ["traefik", "caddy"] {
            let forwarded = vec![
                ("x-forwarded-proto", "http".to_owned()),
                ("x-forwarded-host", format!("{host}:{port}")),
                ("x-forwarded-uri", "/json".to_owned()),
                ("x-forwarded-method", "GET".to_owned()),
            ];
            let path = format!("/outpost.goauthentik.io/auth/{dialect}");
            questions.push((world.url(host, &path), forwarded));
        }
        let nginx = world.url(host, "/outpost.goauthentik.io/auth/nginx");
        questions.push((nginx, vec![("x-original-url", original)]));
        let envoy = world.url(host, "/outpost.goauthentik.io/auth/envoy/json");
        questions.push((envoy, Vec::new()));
    }
    questions
}

async fn ask(
    browser: &Browser,
    url: &str,
    headers: &[(&str, String)],
    cookies: &[&[u8]],
) -> StatusCode {
    let mut request = browser.client().request(Method::GET, url);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    for cookie in cookies {
        request = request.header(COOKIE, HeaderValue::from_bytes(cookie).expect("a header value"));
    }
    request.send().await.expect("an answer").status()
}

/// A world with a provider in each mode, and the names of their session cookies with the value
/// that belongs to somebody signed in there.
async fn world() -> (World, Vec<(String, String)>) {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single(), world.forward_domain()]).await;
    let mut sessions = Vec::new();
    for (host, path) in [
        ("app.test", "/json"),
        ("single.test", "/outpost.goauthentik.io/start"),
        ("auth.domain.test", "/outpost.goauthentik.io/start"),
    ] {
        let browser = Browser::new();
        browser.sign_in(&world.url(host, path), "alice").await;
        let name = browser
            .cookie_names()
            .into_iter()
            .find(|name| name.strip_prefix("authentik_proxy_").is_some_and(|hash| hash.len() == 8));
        let name = name.expect("a session cookie");
        let value = browser.cookie(&name).expect("its value");
        sessions.push((name, value));
    }
    (world, sessions)
}

#[tokio::test]
async fn no_cookie_that_is_not_a_session_opens_anything() {
    let (world, sessions) = world().await;
    let browser = Browser::new();
    for (url, headers) in questions(&world) {
        for value in GARBAGE_COOKIES {
            // Under the name of every provider, once and twice.
            let cookies: Vec<Vec<u8>> =
                sessions.iter().map(|(name, _)| [name.as_bytes(), b"=", value].concat()).collect();
            let small = value.len() < 1000;
            let together = if small { cookies.join(&b"; "[..]) } else { cookies[0].clone() };
            let twice = [together.as_slice(), b"; ", together.as_slice()].concat();
            for header in [&together, &twice] {
                let status = ask(&browser, &url, &headers, &[header]).await;
                let refused = matches!(status.as_u16(), 302 | 400 | 401 | 431);
                assert!(refused, "{status} from {url} for {}", String::from_utf8_lossy(value));
            }
        }
        // A session of somebody at another provider, under every name.
        for (_, foreign) in &sessions {
            for (name, own) in &sessions {
                if own != foreign {
                    let header = format!("{name}={foreign}");
                    let status = ask(&browser, &url, &headers, &[header.as_bytes()]).await;
                    assert!(matches!(status.as_u16(), 302 | 401), "{status} from {url}");
                }
            }
        }
    }
    assert_eq!(world.sessions().await, sessions.len(), "nothing was begun by any of it");
}

#[tokio::test]
async fn a_real_session_is_found_among_garbage_of_the_same_name() {
    let (world, sessions) = world().await;
    let browser = Browser::new();
    let (name, value) = &sessions[0];
    let url = world.url("app.test", "/json");
    for header in [
        format!("{name}={value}"),
        format!("{name}=garbage; {name}={value}"),
        format!("{name}={value}; {name}=garbage"),
        format!(";;;{name}={value};;;"),
    ] {
        assert_eq!(ask(&browser, &url, &[], &[header.as_bytes()]).await, 200, "{header}");
    }
}

/// CVE-2023-28625, CVE-2024-24814.
#[tokio::test]
async fn odd_and_endless_cookie_headers_are_survived() {
    let (world, sessions) = world().await;
    let browser = Browser::new();
    let (name, value) = &sessions[0];
    let url = world.url("app.test", "/json");
    for odd in [";;;", ";", "=", "===;===", " ; ; ", "=;a;=b;;c=", "\"", "a=\";b=\""] {
        assert_eq!(ask(&browser, &url, &[], &[odd.as_bytes()]).await, 302, "{odd:?}");
    }
    let thousands = "a=b;".repeat(5_000);
    assert_eq!(ask(&browser, &url, &[], &[thousands.as_bytes()]).await, 302);
    let among = format!("{thousands}{name}={value}");
    assert_eq!(ask(&browser, &url, &[], &[among.as_bytes()]).await, 200);
    let too_many = "a=b;".repeat(12_000);
    assert_eq!(ask(&browser, &url, &[], &[too_many.as_bytes()]).await, 431);
    let own: Vec<u8> = format!("{name}=garbage;").repeat(500).into_bytes();
    assert_eq!(ask(&browser, &url, &[], &[&own]).await, 302);
}
