//! Commands against a running outpost, and people signed in at it.

use std::sync::Arc;

use outpost_demo::core::ProviderSpec;
use outpost_tests::program::run;
use outpost_tests::{Browser, FaultyStore, World};
use serde_json::Value;

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// What was printed, one JSON object a line.
    pub(crate) fn json(&self) -> Vec<Value> {
        assert_eq!(self.code, 0, "{self:?}");
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// `outpost sessions <arguments>` with the settings of the world's outpost, and more.
pub(crate) fn sessions_with(world: &World, arguments: &[&str], more: &[(&str, &str)]) -> Said {
    let listen = world.outpost.addresses.dashboard[0].to_string();
    let (host, token) = (world.core.url(), world.core.token());
    let mut variables = vec![
        ("AUTHENTIK_HOST", host.as_str()),
        ("AUTHENTIK_TOKEN", &token),
        ("OUTPOST__DASHBOARD__LISTEN", &listen),
    ];
    // What is named again wins.
    variables.extend_from_slice(more);
    let output = run(&[&["sessions"], arguments].concat(), &variables);
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The same without more.
pub(crate) fn sessions(world: &World, arguments: &[&str]) -> Said {
    sessions_with(world, arguments, &[])
}

/// Two applications that are forwarded to: `app` at `app.test`, `wiki` at `wiki.test`.
pub(crate) async fn two_applications() -> World {
    let world = World::start().await;
    serve_two(&world).await;
    world
}

/// The same over a store that can be away, with more variables.
pub(crate) async fn over_a_faulty_store(variables: &[(&str, &str)]) -> (World, Arc<FaultyStore>) {
    let (world, store) = World::over_a_faulty_store(variables).await;
    serve_two(&world).await;
    (world, store)
}

async fn serve_two(world: &World) {
    let wiki = ProviderSpec::proxy("wiki", &world.url("wiki.test", ""), &world.app.url());
    world.serve([world.proxy(), wiki.named("The wiki")]).await;
}

/// A browser in which `user` is signed in at these hosts.
pub(crate) async fn browser(world: &World, user: &str, hosts: &[&str]) -> Browser {
    let browser = Browser::new();
    for host in hosts {
        let page = browser.sign_in(&world.url(host, "/json"), user).await;
        assert_eq!(page.status, 200, "{}", page.body);
    }
    browser
}

/// Whether the application at `host` still lets the browser in; else it is asked to sign in.
pub(crate) async fn is_in(world: &World, browser: &Browser, host: &str) -> bool {
    let page = browser.get(&world.url(host, "/json")).await;
    assert!(page.status == 200 || page.status == 302, "{} {}", page.status, page.body);
    page.status == 200
}

/// Of the sessions listed, those in which `field` says `value`.
pub(crate) fn with<'a>(rows: &'a [Value], field: &str, value: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row[field] == value).collect()
}
