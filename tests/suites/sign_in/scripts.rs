//! Requests that are no page navigations.

use outpost_demo::core::CoreOptions;
use outpost_tests::{Browser, World};
use reqwest::Method;

use crate::sign_in::{begin, flow_cookies, with_app};

/// What marks a request as one of a script or of a page's parts.
const SCRIPTS: [(&str, &[(&str, &str)]); 8] = [
    ("GET", &[("x-requested-with", "XMLHttpRequest")]),
    ("GET", &[("sec-fetch-mode", "cors"), ("accept", "*/*")]),
    (
        "GET",
        &[
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "image"),
            ("accept", "image/avif,image/webp,*/*;q=0.8"),
        ],
    ),
    ("GET", &[("accept", "image/avif,image/webp,image/apng,*/*;q=0.8")]),
    ("GET", &[("accept", "application/json")]),
    ("GET", &[("accept", "text/event-stream")]),
    ("POST", &[("content-type", "application/json")]),
    ("OPTIONS", &[("access-control-request-method", "PUT"), ("origin", "https://other.test")]),
];

/// ak#10057 #17233, o2p#1522 #822: a script cannot follow a redirect to another origin.
#[tokio::test]
async fn scripts_get_401_with_json_and_no_cookie() {
    let world = with_app().await;
    let browser = Browser::new();
    for (method, headers) in SCRIPTS {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = browser.send(method, &world.url("app.test", "/api/data"), headers, None).await;
        assert_eq!(answer.status, 401, "{headers:?}: {}", answer.body);
        assert!(answer.header("www-authenticate").starts_with("Bearer realm="), "{headers:?}");
        assert!(answer.header("content-type").starts_with("application/json"), "{headers:?}");
        assert!(answer.json().is_object());
        assert_eq!(answer.header("set-cookie"), "", "{headers:?}");
    }
}

#[tokio::test]
async fn scripts_are_redirected_where_the_operator_wants_it_so() {
    let redirect = ("OUTPOST__SIGN_IN__UNAUTHENTICATED_SCRIPTS", "redirect");
    let world = World::with(CoreOptions::default(), &[redirect]).await;
    world.serve([world.proxy()]).await;
    let browser = Browser::new();
    for (method, headers) in SCRIPTS {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = browser.send(method, &world.url("app.test", "/api/data"), headers, None).await;
        assert_eq!(answer.status, 302, "{headers:?}: {}", answer.body);
        assert!(answer.header("location").contains("/outpost.goauthentik.io/start?rd="));
    }
}

/// ak#6886 #4732 #5603: after the sign-in people found themselves at a favicon or an API URL.
#[tokio::test]
async fn a_favicon_or_a_script_in_between_does_not_change_where_a_sign_in_leads() {
    let world = with_app().await;
    world.serve([world.forward_single()]).await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json?the=page");
    let authorize = begin(&browser, &url).await;
    for path in ["/favicon.ico", "/api/poll", "/outpost.goauthentik.io/start?rd=%2Fapi%2Fpoll"] {
        for (_, headers) in &SCRIPTS[..6] {
            let answer =
                browser.send(Method::GET, &world.url("app.test", path), headers, None).await;
            assert_eq!(answer.status, 401, "{path} {headers:?}");
        }
    }
    assert_eq!(flow_cookies(&browser).len(), 1, "nothing else was begun");
    let answer = browser.get(&world.core.sign_in(&authorize, "alice").unwrap()).await;
    assert_eq!(answer.header("location"), url);
}

/// The same behind nginx, which remembers the page by a cookie.
#[tokio::test]
async fn a_favicon_behind_nginx_does_not_change_where_a_sign_in_leads() {
    let world = with_app().await;
    world.serve([world.forward_single()]).await;
    let browser = Browser::new();
    let check = world.url("single.test", "/outpost.goauthentik.io/auth/nginx");
    let page = world.url("single.test", "/json?the=page&and=more");
    let icon = world.url("single.test", "/favicon.ico");
    let answer = browser.send(Method::GET, &check, &[("x-original-url", &page)], None).await;
    assert_eq!(answer.status, 401);
    for (_, headers) in &SCRIPTS[..6] {
        let mut headers = headers.to_vec();
        headers.push(("x-original-url", &icon));
        let answer = browser.send(Method::GET, &check, &headers, None).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (401, ""), "{headers:?}");
    }
    let start = browser.get(&world.url("single.test", "/outpost.goauthentik.io/start")).await;
    let callback = world.core.sign_in(start.header("location"), "alice").unwrap();
    assert_eq!(browser.get(&callback).await.header("location"), page);
}
