//! A real browser: Debian's Chromium, driven through chromedriver with plain WebDriver JSON
//! (W3C WebDriver, sections 8 to 17).

use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::process::Process;
use crate::wait;

/// How WebDriver names an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys without a sign (W3C WebDriver, section 17.4.2).
pub mod keys {
    /// The tabulator.
    pub const TAB: &str = "\u{e004}";
    /// Enter.
    pub const ENTER: &str = "\u{e007}";
}

/// One browser window with a profile of its own. [`Self::quit`] ends it in good order; dropping
/// it ends the driver.
#[derive(Debug)]
pub struct Chromium {
    client: Client,
    session: String,
    profile: PathBuf,
    _driver: Process,
}

impl Chromium {
    /// Starts the driver on a free port and a browser with a light page of `width` by `height`.
    pub async fn start(width: u32, height: u32) -> Self {
        let driver = Process::start(Command::new("chromedriver").arg("--port=0"));
        let port = driver.says("started successfully on port ").expect("chromedriver starts");
        let port = port.trim_end_matches('.');
        let profile =
            std::env::temp_dir().join(format!("outpost-chromium-{}", uuid::Uuid::new_v4()));
        let client = Client::builder().no_proxy().build().expect("a client");
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            format!("--user-data-dir={}", profile.display()),
        ]);
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"implicit": 30_000, "pageLoad": 60_000, "script": 60_000},
        }}});
        let driver_url = format!("http://127.0.0.1:{port}");
        let begun = command(&client, Method::POST, &format!("{driver_url}/session"), &wanted).await;
        let id = begun["sessionId"].as_str().expect("a session");
        let browser = Self {
            session: format!("{driver_url}/session/{id}"),
            client,
            profile,
            _driver: driver,
        };
        browser.resize(width, height).await;
        browser.prefer("light").await;
        browser
    }

    /// Gives the page another size.
    pub async fn resize(&self, width: u32, height: u32) {
        let screen =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// Has the system prefer colours: `light` or `dark`.
    pub async fn prefer(&self, scheme: &str) {
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", scheme).await;
    }

    /// Opens an address and waits for the page.
    pub async fn open(&self, url: &str) {
        self.post("/url", json!({"url": url})).await;
    }

    /// The address shown.
    pub async fn url(&self) -> String {
        let url =
            command(&self.client, Method::GET, &format!("{}/url", self.session), &Value::Null)
                .await;
        url.as_str().expect("an address").to_owned()
    }

    /// Types into the field that a CSS selector finds; waits for it.
    pub async fn type_into(&self, css: &str, text: &str) {
        let field = self.find("css selector", css).await;
        self.post(&format!("/element/{field}/value"), json!({"text": text})).await;
    }

    /// Clicks the element that a CSS selector finds; waits for it.
    pub async fn click(&self, css: &str) {
        let element = self.find("css selector", css).await;
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Waits for a heading that contains `text`, which must hold no quotes.
    pub async fn see_heading(&self, text: &str) {
        self.find("xpath", &format!("//h1[contains(., '{text}')]")).await;
    }

    /// Status that a script of the page shown gets for `path`.
    pub async fn fetch_status(&self, path: &str) -> Value {
        let script = "const done = arguments[1]; fetch(arguments[0]).then(a => done(a.status), e => done(String(e)))";
        self.post("/execute/async", json!({"script": script, "args": [path]})).await
    }

    /// The cookies that the browser sends to the page shown, as a header.
    pub async fn cookie_header(&self) -> String {
        let url = format!("{}/cookie", self.session);
        let cookies = command(&self.client, Method::GET, &url, &Value::Null).await;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let cookies = cookies.as_array().expect("cookies").iter();
        let pairs =
            cookies.map(|cookie| format!("{}={}", text(&cookie["name"]), text(&cookie["value"])));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// What a script of the page shown returns.
    pub async fn run(&self, script: &str, arguments: Value) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": arguments})).await
    }

    /// What a script of the page shown gives to the function that is its last argument.
    pub async fn run_until_done(&self, script: &str, arguments: Value) -> Value {
        self.post("/execute/async", json!({"script": script, "args": arguments})).await
    }

    /// Waits until an expression is true in the page shown; gives its value.
    pub async fn sees(&self, expression: &str) -> Value {
        wait::until_async(expression, async || {
            let value = self.run(&format!("return ({expression})"), json!([])).await;
            let holds = !matches!(&value, Value::Null | Value::Bool(false))
                && value != json!(0)
                && value != json!("");
            if holds { Ok(value) } else { Err(value.to_string()) }
        })
        .await
    }

    /// Presses a key and lets it go, wherever the focus is. Keys without a sign are in [`keys`].
    pub async fn press(&self, key: &str) {
        let strokes = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": strokes});
        self.post("/actions", json!({"actions": [keyboard]})).await;
    }

    /// Moves the mouse to a place of the window, in pixels from its upper left corner.
    pub async fn point_at(&self, x: u32, y: u32) {
        let there = json!([{"type": "pointerMove", "duration": 0, "x": x, "y": y}]);
        let mouse = json!({"type": "pointer", "id": "mouse", "actions": there});
        self.post("/actions", json!({"actions": [mouse]})).await;
    }

    /// What has been written to the console since this was last asked: errors of scripts, refused
    /// requests, violations of the page's policy.
    pub async fn console(&self) -> Vec<String> {
        let lines = self.post("/se/log", json!({"type": "browser"})).await;
        let lines = lines.as_array().expect("lines");
        lines.iter().map(|line| format!("{} {}", line["level"], line["message"])).collect()
    }

    /// Sends a form from the page shown, as its own markup would.
    pub async fn submit_form(&self, action: &str, fields: &[(&str, &str)]) {
        let script = "const form = document.createElement('form'); form.method = 'post'; form.action = arguments[0]; for (const [name, value] of arguments[1]) { const field = document.createElement('input'); field.name = name; field.value = value; form.append(field); } document.body.append(form); form.submit();";
        self.post("/execute/sync", json!({"script": script, "args": [action, fields]})).await;
    }

    /// Goes to the tab of this place in the order in which they were opened; waits for it.
    pub async fn go_to_tab(&self, index: usize) {
        let url = format!("{}/window/handles", self.session);
        let handle = wait::until_async("a tab", async || {
            let handles = command(&self.client, Method::GET, &url, &Value::Null).await;
            handles.get(index).cloned().ok_or_else(|| handles.to_string())
        })
        .await;
        self.post("/window", json!({"handle": handle})).await;
    }

    /// The text of the page once it holds `wanted`.
    pub async fn text_with(&self, wanted: &str) -> String {
        wait::until_async(wanted, async || {
            let script = "return document.body ? document.body.innerText : ''";
            let text = self.post("/execute/sync", json!({"script": script, "args": []})).await;
            let text = text.as_str().unwrap_or_default().to_owned();
            if text.contains(wanted) { Ok(text) } else { Err(text) }
        })
        .await
    }

    /// What the window shows, as PNG.
    pub async fn screenshot(&self) -> Vec<u8> {
        let url = format!("{}/screenshot", self.session);
        let image = command(&self.client, Method::GET, &url, &Value::Null).await;
        STANDARD.decode(image.as_str().expect("an image")).expect("base64")
    }

    /// Closes the browser and removes its profile.
    pub async fn quit(self) {
        command(&self.client, Method::DELETE, &self.session, &Value::Null).await;
    }

    async fn find(&self, strategy: &str, selector: &str) -> String {
        let found = self.post("/element", json!({"using": strategy, "value": selector})).await;
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    async fn devtools(&self, name: &str, parameters: Value) {
        self.post("/goog/cdp/execute", json!({"cmd": name, "params": parameters})).await;
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        command(&self.client, Method::POST, &format!("{}{path}", self.session), &body).await
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// One command; the `value` of its answer.
async fn command(client: &Client, method: Method, url: &str, body: &Value) -> Value {
    let mut request = client.request(method, url);
    if !body.is_null() {
        request = request.json(body);
    }
    let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
    let status = response.status();
    let mut answer: Value =
        response.json().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
    assert!(status.is_success(), "{url}: {status}: {}", answer["value"]);
    answer["value"].take()
}
