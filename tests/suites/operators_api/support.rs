//! Questions to the API of an outpost.

use std::net::SocketAddr;

use outpost_tests::Browser;
use reqwest::Method;
use serde_json::Value;

/// The API of the outpost whose dashboard listens here.
pub(crate) struct Api {
    at: SocketAddr,
    browser: Browser,
}

impl Api {
    pub(crate) fn new(at: SocketAddr) -> Self {
        Self { at, browser: Browser::new() }
    }

    /// Status and text of an answer.
    pub(crate) async fn ask(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}/api/{path}", self.at);
        let headers = [("accept", "application/json")];
        let answer = self.browser.send(Method::GET, &url, &headers, None).await;
        (answer.status.as_u16(), answer.body)
    }

    /// An answer that must come.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The page of a decision, which its id must find.
    pub(crate) async fn decision(&self, id: &str) -> Value {
        self.get(&format!("v1/decisions/{id}")).await
    }
}
