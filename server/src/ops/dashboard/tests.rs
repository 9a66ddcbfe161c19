use actix_web::http::header::HeaderMap;
use actix_web::{App, test};
use outpost_dashboard::assets;

use tokio::sync::mpsc;

use super::answers::SECURITY;
use super::*;
use crate::actors::live::Seats;
use crate::drain::Drain;
use crate::limits::LimitFigures;
use crate::ops::api::ApiParts;
use crate::ops::views::testing;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

async fn send(request: test::TestRequest) -> Answer {
    ask(&crate::ops::access::testing::local(), request).await
}

async fn ask(access: &Arc<Access>, request: test::TestRequest) -> Answer {
    let access = Arc::clone(access);
    let views = testing::parts();
    let audit = Audit::new(mpsc::channel(64).0, "here".to_owned());
    let api = Api::new(ApiParts {
        views: testing::views(),
        sessions: views.sessions.clone(),
        snapshot: views.snapshot.clone(),
        metrics: Arc::clone(&views.metrics),
        access: Arc::clone(&access),
        audit: audit.clone(),
        changed: Arc::new(|_| {}),
    });
    let dashboard = Dashboard::new(DashboardParts {
        views: Views::new(views),
        access,
        live: LiveParts { seats: Seats::new(1, LimitFigures::unread()), drain: Drain::never() },
        api,
        audit,
        core: None,
    });
    let app = App::new().configure(|config| dashboard.configure(config));
    let app = test::init_service(app).await;
    let request = request.peer_addr("127.0.0.1:4711".parse().unwrap()).to_request();
    let answer = test::call_service(&app, request).await;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = String::from_utf8(test::read_body(answer).await.to_vec()).unwrap();
    Answer { status, headers, body }
}

fn get(path: &str) -> test::TestRequest {
    test::TestRequest::with_uri(path).insert_header(("host", "127.0.0.1:9301"))
}

#[actix_web::test]
async fn every_page_is_served() {
    for path in [
        "/",
        "/providers",
        "/sessions",
        "/sessions?by=nonsense&value=x",
        "/sessions/revoke?by=user&value=alice",
        "/sessions/revoke",
        "/decisions?provider=x&unknown=y",
        "/explain",
        "/explain?via=pigeon",
        "/doctor",
    ] {
        let answer = send(get(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.body.contains("<h1"), "{path}: {}", answer.body);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[actix_web::test]
async fn what_is_not_there_is_said() {
    let key = "ab".repeat(32);
    let session = format!("/sessions/{key}");
    for path in ["/other", "/providers/7", &session, "/decisions/abc", "/assets/other.js"] {
        let answer = send(get(path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.contains("<h1"), "{path}: {}", answer.body);
    }
    let long = format!("/explain?url={}", "x".repeat(URL_BYTES));
    assert_eq!(send(get(&long)).await.status, StatusCode::URI_TOO_LONG);
}

#[actix_web::test]
async fn pages_are_only_read() {
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        for path in ["/", "/doctor", assets::STYLE.path] {
            let answer = send(get(path).method(method.clone())).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
    assert_eq!(send(get("/").method(Method::HEAD)).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn files_are_sent_once() {
    for asset in assets::ALL {
        let answer = send(get(asset.path)).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, asset.body));
        assert_eq!(answer.header("content-type"), asset.content_type);
        assert_eq!(answer.header("cache-control"), "no-cache");
        let tag = answer.header("etag").to_owned();
        for (known, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (format!("\"x\", W/{tag}"), StatusCode::NOT_MODIFIED),
            ("\"x\"".to_owned(), StatusCode::OK),
            (String::new(), StatusCode::OK),
        ] {
            let again = send(get(asset.path).insert_header(("if-none-match", known.clone()))).await;
            assert_eq!(again.status, status, "{known}");
            assert_eq!(again.body.is_empty(), status == StatusCode::NOT_MODIFIED);
        }
    }
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
        for path in ["/", assets::STYLE.path, "/other"] {
            let mut request = test::TestRequest::with_uri(path);
            if let Some(host) = host {
                request = request.insert_header(("host", host));
            }
            let answer = send(request).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host:?} {path}");
            assert!(!answer.body.contains("Overview"), "{}", answer.body);
            assert!(answer.headers.contains_key("content-security-policy"));
        }
    }
}

#[actix_web::test]
async fn links_of_other_sites_lead_here_and_their_scripts_do_not() {
    let from = |site, mode, dest| {
        get("/")
            .insert_header(("sec-fetch-site", site))
            .insert_header(("sec-fetch-mode", mode))
            .insert_header(("sec-fetch-dest", dest))
    };
    for (request, status) in [
        (from("cross-site", "navigate", "document"), StatusCode::OK),
        (from("same-origin", "cors", "empty"), StatusCode::OK),
        (from("none", "navigate", "document"), StatusCode::OK),
        (from("cross-site", "navigate", "iframe"), StatusCode::FORBIDDEN),
        (from("cross-site", "no-cors", "image"), StatusCode::FORBIDDEN),
        (from("same-site", "cors", "empty"), StatusCode::FORBIDDEN),
        (from("cross-site", "navigate", "document").method(Method::POST), StatusCode::FORBIDDEN),
        (
            from("cross-site", "navigate", "document")
                .insert_header(("origin", "http://evil.example.com")),
            StatusCode::FORBIDDEN,
        ),
    ] {
        let shown = format!("{request:?}", request = status);
        assert_eq!(send(request).await.status, status, "{shown}");
    }
}

#[actix_web::test]
async fn every_answer_is_locked_down() {
    for path in ["/", "/other", "/providers/7"] {
        let answer = send(get(path)).await;
        for (name, value) in SECURITY {
            assert_eq!(answer.header(name), value, "{path}");
        }
    }
    let answer = send(get(assets::SCRIPT.path)).await;
    assert!(answer.headers.contains_key("content-security-policy"));
}

#[actix_web::test]
async fn what_was_done_is_told_by_its_number_alone() {
    for (query, shown) in [
        ("ended=1", Some("1 session was ended, on every replica.")),
        ("ended=20", Some("20 sessions were ended, on every replica.")),
        ("ended=0", Some("0 sessions were ended, on every replica.")),
        ("ended=<b>", None),
        ("ended=-1", None),
        ("", None),
    ] {
        assert_eq!(ended(query).as_deref(), shown, "{query}");
    }
}

mod signing_in;
