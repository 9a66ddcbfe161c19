//! Operators' browsers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use outpost_tests::{Answer, Browser, World};
use reqwest::Method;

/// May act.
pub(crate) const ACT: &str = "act-token-51c0-9d1e";

/// May look.
pub(crate) const VIEW: &str = "view-token-a7e2-40bb";

/// Settings with both tokens.
pub(crate) const TOKENS: [(&str, &str); 2] =
    [("OUTPOST__ADMIN__TOKEN", ACT), ("OUTPOST__ADMIN__VIEW_TOKEN", VIEW)];

/// Somebody's browser at the pages of one outpost.
pub(crate) struct Operator {
    pub(crate) browser: Browser,
    base: String,
}

impl Operator {
    /// A browser that has not been there yet.
    pub(crate) fn at(pages: SocketAddr) -> Self {
        Self { browser: Browser::new(), base: format!("http://{pages}") }
    }

    /// The same browser at the pages of another replica.
    pub(crate) fn also_at(&self, pages: SocketAddr) -> Self {
        Self { browser: self.browser.clone(), base: format!("http://{pages}") }
    }

    /// A browser that has signed in with a token.
    pub(crate) async fn by_token(pages: SocketAddr, token: &str) -> Self {
        let operator = Self::at(pages);
        let answer = operator.post("/sign-in", &[("token", token), ("next", "/doctor")]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/doctor"));
        operator
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.browser.get(&self.url(path)).await
    }

    /// Sends a form as a page of ours does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(&self.base, path, fields).await
    }

    /// Sends a form as a page of `origin` does.
    pub(crate) async fn post_from(
        &self,
        origin: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", origin)];
        self.browser.send(Method::POST, &self.url(path), &headers, Some(body)).await
    }

    /// What goes with the forms of a page.
    pub(crate) async fn csrf(&self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        csrf(&page.body)
    }

    /// Ends all sessions of a user, as the button of the plan does.
    pub(crate) async fn revoke(&self, user: &str, csrf: &str) -> Answer {
        self.post("/sessions/revoke", &[("by", "user"), ("value", user), ("csrf", csrf)]).await
    }

    pub(crate) async fn sign_out(&self) {
        let csrf = self.csrf("/").await;
        let answer = self.post("/sign-out", &[("csrf", &csrf)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in"));
    }

    /// Whether the pages let this browser in.
    pub(crate) async fn is_in(&self) -> bool {
        let page = self.get("/").await;
        assert!(page.status == 200 || page.status == 303, "{} {}", page.status, page.body);
        page.status == 200
    }
}

/// What goes with the forms of a page.
fn csrf(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\"").expect("a form on the page");
    let (_, rest) = rest.split_once("value=\"").expect("a value");
    rest.split_once('"').unwrap().0.to_owned()
}

/// The pages of the world's outpost.
pub(crate) fn pages(world: &World) -> SocketAddr {
    world.outpost.addresses.dashboard[0]
}

/// A browser in which `user` is signed in at the application.
pub(crate) async fn visitor(world: &World, user: &str) -> Browser {
    let browser = Browser::new();
    let page = browser.sign_in(&world.url("app.test", "/json"), user).await;
    assert_eq!(page.status, 200, "{}", page.body);
    browser
}

/// Whether the application still lets a browser in.
pub(crate) async fn is_visitor(world: &World, browser: &Browser) -> bool {
    browser.get(&world.url("app.test", "/json")).await.status == 200
}

/// An address that nobody listens on yet.
pub(crate) fn free() -> SocketAddr {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    SocketAddr::new(here, outpost_tests::ports::free(here))
}
