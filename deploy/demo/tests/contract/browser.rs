//! The browser's side: authorize, the sign-in flow, sign-out.

use serde_json::Value;

use crate::world::{Answer, core, exchanges, fixture, send, text};

fn captured_location(exchange: &Value) -> &str {
    let headers = exchange["response"]["headers"].as_array().unwrap();
    headers.iter().find(|pair| pair[0] == "location").map(|pair| pair[1].as_str().unwrap()).unwrap()
}

/// The cookie pair a `Set-Cookie` sets.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn authorize_errors_are_pages_or_redirects_with_two_question_marks() {
    let core = core(true);
    for exchange in exchanges("20_authorize_errors") {
        let answer = send(&core, &exchange["request"]).await;
        let note = text(&exchange, "/note");
        assert_eq!(
            u64::from(answer.status),
            exchange["response"]["status"].as_u64().unwrap(),
            "{note}"
        );
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        if answer.status == 302 {
            assert_eq!(answer.header("location"), Some(captured_location(&exchange)), "{note}");
        } else {
            let title =
                if note == "unknown client_id" { "Client ID Error" } else { "Redirect URI Error" };
            assert!(answer.body.contains(title), "{note}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_browser_passes_the_captured_stops_and_comes_back_with_a_code() {
    let core = core(true);
    let stops = exchanges("12_login_implicit_consent");
    for exchange in &stops[..2] {
        let mut request = exchange["request"].clone();
        request["headers"].as_object_mut().unwrap().remove("Cookie");
        let answer = send(&core, &request).await;
        assert_eq!(answer.header("location"), Some(captured_location(exchange)));
    }
    let page = send(&core, &stops[2]["request"]).await;
    assert_eq!(page.status, 200);
    let action = page
        .body
        .split("action=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&");
    let authorize = &stops[0]["request"];
    assert_eq!(format!("http://127.0.0.1:8000{action}"), text(authorize, "/url"));

    let mut post = authorize.clone();
    post["method"] = "POST".into();
    post["headers"]["Content-Type"] = "application/x-www-form-urlencoded".into();
    post["form"] = serde_json::json!({"username": "alice", "password": "wrong"});
    let refused = send(&core, &post).await;
    assert_eq!((refused.status, refused.body.contains("Invalid password")), (200, true));
    post["form"]["password"] = "alice-pass-1".into();
    let granted = send(&core, &post).await;
    same_callback(
        granted.header("location").unwrap(),
        text(&fixture("12_login_implicit_consent"), "/final_url"),
    );

    // A second authorize in the same browser is silent.
    let silent = &exchanges("16_login_sso")[0];
    let mut request = silent["request"].clone();
    request["headers"]["Cookie"] = cookie(&granted).into();
    let answer = send(&core, &request).await;
    assert_eq!(answer.status, 302);
    same_callback(answer.header("location").unwrap(), captured_location(silent));
}

/// The same URL but for the code.
fn same_callback(ours: &str, captured: &str) {
    let masked = |url: &str| {
        let (before, after) = url.split_once("&code=").unwrap();
        let (code, state) = after.split_once('&').unwrap();
        (before.to_owned(), code.len(), state.to_owned())
    };
    assert_eq!(masked(ours), masked(captured));
}

#[tokio::test]
async fn somebody_without_access_never_comes_back() {
    let core = core(false);
    let mut request = exchanges("24_authorize_denied_user")[0]["request"].clone();
    request["method"] = "POST".into();
    request["headers"] = serde_json::json!({"Content-Type": "application/x-www-form-urlencoded"});
    request["form"] = serde_json::json!({"username": "bob", "password": "bob-pass-1"});
    let answer = send(&core, &request).await;
    assert_eq!((answer.status, answer.body.contains("Permission denied")), (200, true));
}

#[tokio::test]
async fn end_session_does_not_sign_out_of_core() {
    let core = core(true);
    let stops = exchanges("25_end_session");
    let mut post = stops[3]["request"].clone();
    post["method"] = "POST".into();
    post["headers"] = serde_json::json!({"Content-Type": "application/x-www-form-urlencoded"});
    post["form"] = serde_json::json!({"username": "alice", "password": "alice-pass-1"});
    let session = cookie(&send(&core, &post).await);
    for (index, exchange) in stops.iter().enumerate() {
        let url = text(exchange, "/request/url");
        if url.contains("/api/v3/flows/") || url.contains("/introspect/") {
            continue;
        }
        let mut request = exchange["request"].clone();
        let headers = request["headers"].as_object_mut().unwrap();
        headers.remove("Cookie");
        // The first four stops were made with a session, the others without.
        if index < 4 {
            headers.insert("Cookie".to_owned(), session.clone().into());
        }
        let answer = send(&core, &request).await;
        assert_eq!(
            u64::from(answer.status),
            exchange["response"]["status"].as_u64().unwrap(),
            "{url}"
        );
        match answer.header("location") {
            Some(location) if location.contains("&code=") => {
                same_callback(location, captured_location(exchange))
            }
            Some(location) => assert_eq!(location, captured_location(exchange)),
            None => assert!(answer.body.contains("logged out of")),
        }
    }
}
