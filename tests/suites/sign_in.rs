//! Sign-in, sign-out, sessions and tokens, as browsers and applications see them.

use std::time::Duration;

use outpost_tests::{Answer, Browser, World};

mod forged;
mod outage;
mod restarts;
mod scripts;
mod sessions;
mod sign_out;
mod tabs;
mod targets;
mod tokens;

/// A world with the application at `app.test`.
async fn with_app() -> World {
    let world = World::start().await;
    world.serve([world.proxy()]).await;
    world
}

/// Opens `url` as far as core's authorize address.
async fn begin(browser: &Browser, url: &str) -> String {
    let mut next = url.to_owned();
    for _ in 0..5 {
        let answer = browser.get(&next).await;
        next = answer
            .redirect()
            .unwrap_or_else(|| panic!("{next}: {}: {}", answer.status, answer.body));
        if next.contains("/application/o/authorize/") {
            return next;
        }
    }
    panic!("{url} leads to no sign-in, last to {next}");
}

/// Begins at `url`, signs in at core without its page, and comes back: the callback's answer.
async fn come_back(world: &World, browser: &Browser, url: &str, user: &str) -> Answer {
    let authorize = begin(browser, url).await;
    browser.get(&world.core.sign_in(&authorize, user).unwrap()).await
}

/// The browser's session cookies: name and value.
fn session_cookie(browser: &Browser) -> Option<(String, String)> {
    let name = browser.cookie_names().into_iter().find(|name| is_session_cookie(name))?;
    let value = browser.cookie(&name)?;
    Some((name, value))
}

/// `authentik_proxy_` and eight digits.
fn is_session_cookie(name: &str) -> bool {
    name.strip_prefix("authentik_proxy_").is_some_and(|rest| rest.len() == 8)
}

/// Names of cookies of sign-ins under way.
fn flow_cookies(browser: &Browser) -> Vec<String> {
    browser.cookie_names().into_iter().filter(|name| name.contains("_f_")).collect()
}

/// Whom the application at `app.test` takes the browser for.
async fn whoami(world: &World, browser: &Browser) -> Option<String> {
    let answer = browser.get(&world.url("app.test", "/json")).await;
    if answer.status == 200 { answer.received("x-authentik-username") } else { None }
}

/// Waits until `condition` holds, at most twenty seconds.
async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let held = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), held).await.expect(what);
}
