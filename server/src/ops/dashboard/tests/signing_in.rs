//! Where everybody has to say who they are: the way in and out.

use super::*;
use crate::ops::access::{AccessParts, testing as access};

const HOST: &str = "o.example.com:9301";

fn doors() -> Arc<Access> {
    Arc::new(Access::new(AccessParts {
        token: Some("act-token".into()),
        view_token: Some("view-token".into()),
        ..access::parts()
    }))
}

fn to(path: &str) -> test::TestRequest {
    test::TestRequest::with_uri(path).insert_header(("host", HOST))
}

fn form(path: &str, fields: &[(&str, &str)]) -> test::TestRequest {
    let request = to(path).method(Method::POST).insert_header(("origin", format!("http://{HOST}")));
    request.set_form(fields)
}

/// The cookie that an answer sets, as a browser sends it.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn enter(access: &Arc<Access>, token: &str) -> String {
    let answer = ask(access, form("/sign-in", &[("token", token), ("next", "/doctor")])).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/doctor"));
    cookie(&answer)
}

/// The token of the forms on a page.
fn csrf(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
    rest.split_once('"').unwrap().0
}

#[actix_web::test]
async fn pages_lead_to_the_entrance_and_from_there_back() {
    let access = doors();
    let answer = ask(&access, to("/sessions?by=user&value=a b".replace(' ', "%20").as_str())).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let entrance = answer.header("location").to_owned();
    assert_eq!(entrance, "/sign-in?next=%2Fsessions%3Fby%3Duser%26value%3Da%2520b");
    let answer = ask(&access, to(&entrance)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("/sessions?by=user&amp;value=a%20b"), "{}", answer.body);
    assert_eq!(ask(&access, to(assets::STYLE.path)).await.status, StatusCode::OK);
    assert_eq!(ask(&access, to("/other")).await.status, StatusCode::NOT_FOUND);
    let live = ask(&access, to("/live?page=%2F")).await;
    assert_eq!(live.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_token_opens_and_signing_out_closes() {
    let access = doors();
    let session = enter(&access, "act-token").await;
    let page = ask(&access, to("/").insert_header(("cookie", session.clone()))).await;
    assert_eq!(page.status, StatusCode::OK);
    // Whoever is in already is not asked again.
    let again =
        ask(&access, to("/sign-in?next=%2Fdoctor").insert_header(("cookie", session.clone())));
    assert_eq!(again.await.header("location"), "/doctor");

    let out = |csrf: &str| {
        form("/sign-out", &[("csrf", csrf)]).insert_header(("cookie", session.clone()))
    };
    assert_eq!(ask(&access, out("made-up")).await.status, StatusCode::FORBIDDEN);
    let left = ask(&access, out(csrf(&page.body))).await;
    assert_eq!((left.status, left.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(left.header("set-cookie").contains("Max-Age=0"), "{}", left.header("set-cookie"));
    let page = ask(&access, to("/").insert_header(("cookie", session))).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn a_wrong_token_is_told_and_counted() {
    let access = doors();
    for _ in 0..10 {
        let answer =
            ask(&access, form("/sign-in", &[("token", "sesame"), ("next", "/doctor")])).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.header("set-cookie").is_empty());
        assert!(answer.body.contains("This is not the token."), "{}", answer.body);
        assert!(!answer.body.contains("sesame"), "{}", answer.body);
    }
    let answer = ask(&access, form("/sign-in", &[("token", "act-token")])).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[actix_web::test]
async fn nobody_is_signed_in_by_another_site() {
    let access = doors();
    let bare = || to("/sign-in").method(Method::POST).set_form([("token", "act-token")]);
    for request in [
        bare(),
        bare().insert_header(("origin", "http://evil.example.com")),
        bare().insert_header(("origin", "null")),
    ] {
        let answer = ask(&access, request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.header("set-cookie").is_empty());
    }
    let plain = form("/sign-in", &[]).insert_header(("content-type", "text/plain"));
    let answer = ask(&access, plain.set_payload("token=act-token")).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[actix_web::test]
async fn who_may_look_sees_no_plan() {
    let access = doors();
    let session = enter(&access, "view-token").await;
    let plan = "/sessions/revoke?by=user&value=alice";
    let answer = ask(&access, to(plan).insert_header(("cookie", session.clone()))).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let live = to("/live?page=%2Fsessions%2Frevoke%3Fby%3Duser%26value%3Da");
    let live = live.insert_header(("origin", format!("http://{HOST}")));
    let answer = ask(&access, live.insert_header(("cookie", session))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_feed_is_for_pages_of_ours() {
    let access = doors();
    let session = enter(&access, "act-token").await;
    for (origin, status) in [
        (None, StatusCode::FORBIDDEN),
        (Some("http://evil.example.com"), StatusCode::FORBIDDEN),
        (Some("http://o.example.com:9301"), StatusCode::BAD_REQUEST),
    ] {
        let mut live = to("/live?page=%2F").insert_header(("cookie", session.clone()));
        if let Some(origin) = origin {
            live = live.insert_header(("origin", origin));
        }
        let answer = ask(&access, live).await;
        assert_eq!(answer.status, status, "{origin:?} {}", answer.body);
    }
}
