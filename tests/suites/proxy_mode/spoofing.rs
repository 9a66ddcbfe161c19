//! Whatever a client says about who it is, in whatever spelling and on whatever way, the
//! application does not hear it (CVE-2025-64484, GHSA-x677-9fxg-v5c5,
//! GHSA-7r4p-vjf4-gxv4).

use outpost_decision::headers::IDENTITY_NAMES;
use outpost_demo::core::{ProviderSpec, UserSpec};
use outpost_tests::{Capture, World};
use serde_json::json;

use crate::proxy_mode::support::{browser_of, cookies, raw, status};
use crate::tricks::spellings;

/// Every spelling of every name, twice, with a value that gives itself away; in portions that fit
/// into a request.
fn forged(more: &[&str]) -> Vec<String> {
    let names = IDENTITY_NAMES.iter().chain(&["X-authentik-future"]).chain(more);
    let lines: Vec<String> = names
        .flat_map(|name| spellings(name))
        .map(|name| format!("{name}: mallory\r\n{name}: mallory\r\n"))
        .collect();
    lines.chunks(40).map(|portion| portion.concat()).collect()
}

async fn world() -> (World, Capture, String) {
    let world = World::start().await;
    let capture = Capture::start().await;
    let attributes = json!({"additionalHeaders": {"X-Tenant": "acme"}});
    world.core.put_user(UserSpec::new("carol", "carol-password").attributes(attributes));
    world.serve([ProviderSpec { internal_host: capture.url(), ..world.proxy() }]).await;
    let browser = browser_of(&world, "carol").await;
    let cookie = format!("Cookie: {}\r\n", cookies(&world, &browser));
    capture.take();
    (world, capture, cookie)
}

async fn send(world: &World, line: &str, rest: &str) -> String {
    let port = world.port();
    let request = format!("{line} HTTP/1.1\r\nHost: app.test:{port}\r\n{rest}");
    raw(world.http(), request.as_bytes()).await
}

/// The one request that reached the application, without a trace of the client's claims.
fn clean(capture: &Capture) -> String {
    let mut seen = capture.take();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let seen = seen.remove(0);
    assert!(!seen.contains("mallory"), "{seen}");
    seen
}

#[tokio::test]
async fn a_signed_in_person_cannot_become_another_by_any_spelling_or_method() {
    let (world, capture, cookie) = world().await;
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "REPORT"] {
        for forged in forged(&["X-Tenant"]) {
            let rest = format!("{cookie}{forged}Connection: close\r\nContent-Length: 0\r\n\r\n");
            let answer = send(&world, &format!("{method} /x"), &rest).await;
            assert_eq!(status(&answer), 200, "{method}: {answer}");
            let seen = clean(&capture).to_lowercase();
            assert_eq!(seen.matches("\r\nx-authentik-username: carol\r\n").count(), 1, "{seen}");
            assert_eq!(seen.matches("\r\nx-tenant: acme\r\n").count(), 1, "{seen}");
        }
    }
}

#[tokio::test]
async fn nobody_becomes_somebody_on_a_path_without_sign_in() {
    let (world, capture, _) = world().await;
    for method in ["GET", "HEAD", "POST", "OPTIONS"] {
        for forged in forged(&[]) {
            let rest = format!("{forged}Connection: close\r\nContent-Length: 0\r\n\r\n");
            let answer = send(&world, &format!("{method} /public/x"), &rest).await;
            assert_eq!(status(&answer), 200, "{method}: {answer}");
            let seen = clean(&capture).to_lowercase();
            assert_eq!(seen.matches("\r\nx-authentik-username:").count(), 1, "{seen}");
            assert!(seen.contains("\r\nx-authentik-username: \r\n"), "{seen}");
        }
    }
    // A preflight elsewhere is answered by us, not by the application.
    let preflight = format!(
        "{}Origin: http://x.test\r\nAccess-Control-Request-Method: GET\r\n\
         Connection: close\r\n\r\n",
        forged(&[])[0]
    );
    assert_eq!(status(&send(&world, "OPTIONS /x", &preflight).await), 401);
    assert_eq!(capture.take(), Vec::<String>::new());
}

/// A name listed in `Connection` is removed by careless proxies after they have set it.
#[tokio::test]
async fn connection_cannot_take_the_identity_away() {
    let (world, capture, cookie) = world().await;
    let listed = IDENTITY_NAMES.join(", ");
    let rest = format!("{cookie}Connection: close, Cookie, Host, X-Tenant, {listed}\r\n\r\n");
    let answer = send(&world, "GET /x", &rest).await;
    assert_eq!(status(&answer), 200, "{answer}");
    let seen = clean(&capture).to_lowercase();
    for wanted in ["x-authentik-username: carol", "x-tenant: acme", "host: app.test"] {
        assert!(seen.contains(&format!("\r\n{wanted}")), "{wanted}: {seen}");
    }
}

#[tokio::test]
async fn trailers_tell_the_application_nothing() {
    let (world, capture, cookie) = world().await;
    for te in ["", "TE: trailers\r\n", "Trailer: X-authentik-username\r\n"] {
        for (path, cookie) in [("/x", cookie.as_str()), ("/public/x", "")] {
            let rest = format!(
                "{cookie}{te}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
                 4\r\nbody\r\n0\r\nX-authentik-username: mallory\r\nX-Tenant: mallory\r\n\r\n"
            );
            let answer = send(&world, &format!("POST {path}"), &rest).await;
            // Refusing is as good as leaving them out.
            if status(&answer) == 200 {
                clean(&capture);
            } else {
                assert!(matches!(status(&answer), 0 | 400), "{answer}");
                assert!(!capture.take().concat().contains("mallory"));
            }
        }
    }
}
