//! An outpost with an application and visitors, and its pages in a browser.

use outpost_demo::core::CoreOptions;
use outpost_tests::webdriver::Chromium;
use outpost_tests::{Browser, World};
use serde_json::{Value, json};

/// The token of operators who may act.
pub(crate) const TOKEN: &str = "a-token-of-operators-who-may-act";
/// The token of operators who may look.
pub(crate) const VIEW_TOKEN: &str = "a-token-of-operators-who-may-look";

/// An outpost of its own with an application at `app.localhost`.
pub(crate) struct Site {
    pub(crate) world: World,
}

impl Site {
    /// One whose pages are open to programs on this machine.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// One whose pages ask for a token.
    pub(crate) async fn locked() -> Self {
        let tokens = [("OUTPOST__ADMIN__TOKEN", TOKEN), ("OUTPOST__ADMIN__VIEW_TOKEN", VIEW_TOKEN)];
        Self::with(&tokens).await
    }

    async fn with(variables: &[(&str, &str)]) -> Self {
        let world = World::with(CoreOptions::default(), variables).await;
        let mut provider = world.proxy();
        provider.external_host = world.url("app.localhost", "");
        // With one provider alone, every host would be its.
        world.serve([provider, world.forward_single()]).await;
        Self { world }
    }

    /// Address of a page of ours.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.world.outpost.addresses.dashboard[0])
    }

    /// Address of a page of the application.
    pub(crate) fn app(&self, path: &str) -> String {
        self.world.url("app.localhost", path)
    }

    /// Somebody signed in to the application.
    pub(crate) async fn visitor(&self, user: &str) -> Browser {
        let visitor = Browser::new();
        let page = visitor.sign_in(&self.app("/json"), user).await;
        assert_eq!(page.status, 200, "{}", page.body);
        visitor
    }

    /// A request for a host that nobody serves; the id in its answer.
    pub(crate) async fn stranger(&self) -> String {
        let answer = Browser::new().get(&self.world.url("nowhere.localhost", "/lost?x=1")).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        decision_id(&answer.body)
    }
}

/// The id in an answer of the outpost, which people give to an operator.
pub(crate) fn decision_id(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap_or_else(|_| panic!("{answer}"));
    answer["id"].as_str().unwrap().to_owned()
}

/// A browser with a window of this size.
pub(crate) async fn chromium(width: u32) -> Chromium {
    Chromium::start(width, if width < 600 { 844 } else { 1000 }).await
}

/// Opens a page and waits until its feed is open.
pub(crate) async fn open_live(browser: &Chromium, url: &str) {
    browser.open(url).await;
    browser.sees("document.querySelector('.feed-state')?.textContent === 'Live'").await;
}

/// From now on counts the frames that the page has taken, as `frames`.
pub(crate) async fn count_frames(browser: &Chromium) {
    let script = "window.frames_taken = 0; const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (text) { window.frames_taken += 1; send.call(this, text); };";
    browser.run(script, json!([])).await;
}

/// How many frames the page has taken since they are counted.
pub(crate) async fn frames_taken(browser: &Chromium) -> u64 {
    browser.run("return window.frames_taken", json!([])).await.as_u64().unwrap()
}

/// Waits until the page has taken more than `before` frames. Ask for `before` ahead of what is to
/// show: afterwards its frame may have come already, and no other follows.
pub(crate) async fn takes_a_frame_after(browser: &Chromium, before: u64) {
    browser.sees(&format!("window.frames_taken > {before}")).await;
}

/// Asserts that nothing went wrong that the console tells of; hints to developers are no errors.
pub(crate) async fn assert_quiet(browser: &Chromium) {
    let mut lines = browser.console().await;
    let serious =
        |line: &String| ["\"SEVERE\"", "\"WARNING\""].iter().any(|level| line.starts_with(level));
    // Our pages name their icon: this one is asked of other sites.
    lines.retain(|line| serious(line) && !line.contains("/favicon.ico"));
    assert!(lines.is_empty(), "{lines:#?}");
}
