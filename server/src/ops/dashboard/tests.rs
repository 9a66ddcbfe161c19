use actix_web::http::StatusCode;
use actix_web::{App, test};

use super::*;
use crate::ops::views::testing;

async fn ask(host: Option<&str>, path: &str) -> (StatusCode, HeaderMap, String) {
    let dashboard = Dashboard::new(testing::views());
    let app = App::new().configure(|config| dashboard.configure(config));
    let app = test::init_service(app).await;
    let mut request = test::TestRequest::get().uri(path);
    if let Some(host) = host {
        request = request.insert_header(("host", host));
    }
    let answer = test::call_service(&app, request.to_request()).await;
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, String::from_utf8(test::read_body(answer).await.to_vec()).unwrap())
}

#[actix_web::test]
async fn serves_the_page_and_its_style() {
    let (status, headers, body) = ask(Some("127.0.0.1:9301"), "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("<h1>"), "{body}");
    assert_eq!(headers.get("content-type").unwrap(), "text/html; charset=utf-8");
    let (status, headers, body) = ask(Some("[::1]:9301"), STYLE.path).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, STYLE.body));
    assert_eq!(headers.get("content-type").unwrap(), "text/css; charset=utf-8");
    assert_eq!(ask(Some("localhost"), "/other").await.0, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn other_host_names_get_nothing() {
    for host in [
        None,
        Some("evil.example.com"),
        Some("evil.example.com:9301"),
        Some("127.0.0.1.evil.example.com"),
        Some("notlocalhost"),
        Some("192.0.2.1"),
        Some(""),
    ] {
        for path in ["/", STYLE.path, "/other"] {
            let (status, headers, body) = ask(host, path).await;
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{host:?} {path}");
            assert!(!body.contains("<h1>"));
            assert!(headers.contains_key("content-security-policy"));
        }
    }
}

#[actix_web::test]
async fn every_answer_is_locked_down() {
    for path in ["/", STYLE.path, "/other"] {
        let (_, headers, _) = ask(Some("dashboard.localhost:9301"), path).await;
        for (name, value) in SECURITY {
            assert_eq!(headers.get(name).unwrap(), value, "{path}");
        }
    }
}
