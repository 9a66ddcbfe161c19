//! The demo, as a newcomer meets it: the program itself, and a real browser.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use outpost_tests::process::Process;
use outpost_tests::webdriver::Chromium;

/// A running demo on ports of its own.
struct Demo {
    _process: Process,
    port: u16,
}

impl Demo {
    fn start() -> Self {
        // Between choosing ports and taking them another program may take one.
        (0..5).find_map(|_| Self::try_start()).expect("the demo starts")
    }

    fn try_start() -> Option<Self> {
        let flags = ["http", "https", "metrics", "dashboard", "core", "app"]
            .map(|name| format!("--{name}-port"));
        let held = flags.clone().map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let ports = held.map(|listener| listener.local_addr().unwrap().port());
        let mut command = Command::new(program());
        for (flag, port) in flags.iter().zip(ports) {
            command.arg(flag).arg(port.to_string());
        }
        let process = Process::start(&mut command);
        process.says("The demo is running")?;
        Some(Self { _process: process, port: ports[0] })
    }

    fn url(&self, path: &str) -> String {
        format!("http://app.localhost:{}{path}", self.port)
    }
}

/// The demo's program, beside the directory of this test's.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("outpost-demo");
    assert!(program.exists(), "{}: build it: cargo build -p outpost-demo", program.display());
    program
}

#[tokio::test]
async fn alice_signs_in_with_a_real_browser_sees_her_name_and_signs_out() {
    let demo = Demo::start();
    let browser = Chromium::start(1200, 900).await;

    browser.open(&demo.url("/?from=a%20link&x=1")).await;
    browser.see_heading("Sign in").await;
    browser.type_into("input[name=username]", "alice").await;
    browser.type_into("input[name=password]", "alice-password").await;
    browser.click("button").await;

    browser.see_heading("Hello, Alice Anders").await;
    assert_eq!(browser.url().await, demo.url("/?from=a%20link&x=1"), "where she wanted to go");
    assert_eq!(browser.fetch_status("/json").await, 200);
    let image = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signed-in.png");
    std::fs::write(image, browser.screenshot().await).unwrap();

    browser.click("a[href='/outpost.goauthentik.io/sign_out']").await;
    browser.see_heading("logged out of Sample application").await;
    browser.open(&demo.url("/public/hello")).await;
    browser.see_heading("A page for everybody").await;
    assert_eq!(browser.fetch_status("/json").await, 401, "signed out");
    browser.quit().await;
}
