//! Options that change while the outpost runs.

use outpost_demo::core::CoreOptions;
use outpost_tests::{Browser, Figures, Program, World, wait};
use serde_json::{Map, Value, json};

fn options(options: &Value) -> Map<String, Value> {
    options.as_object().expect("an object").clone()
}

/// Refreshes until what core says now is in effect: the refresh after the one that may run.
async fn refreshed(program: &Program) {
    let metrics = program.address("metrics").await;
    for _ in 0..2 {
        let refreshes = async || {
            let series = "outpost_core_refreshes_total{outcome=\"complete\"}";
            Figures::at(metrics).await.count(series).unwrap_or(0)
        };
        let before = refreshes().await;
        program.signal("USR1");
        wait::until_async("a refresh", async || {
            let now = refreshes().await;
            if now > before { Ok(()) } else { Err(format!("{now} so far")) }
        })
        .await;
    }
}

#[tokio::test]
async fn the_log_level_is_core_s_and_changes_while_the_outpost_runs() {
    let world = World::start().await;
    let program = Program::start(&world.core, &[("AUTHENTIK_LOG_LEVEL", "")]);
    let http = program.address("http").await;
    let ask = async |path: &str| Browser::new().get(&format!("http://{http}{path}")).await;
    refreshed(&program).await;
    ask("/at-info").await;
    program.line("/at-info").await;
    assert_eq!(program.count("\"level\":\"DEBUG\""), 0);

    world.core.set_config(options(&json!({"log_level": "error"})));
    refreshed(&program).await;
    ask("/at-error").await;

    world.core.set_config(options(&json!({"log_level": "debug"})));
    refreshed(&program).await;
    ask("/at-debug").await;
    program.line("/at-debug").await;
    program.signal("USR1");
    program.line("\"level\":\"DEBUG\"").await;
    assert_eq!(program.count("/at-error"), 0);
}

#[tokio::test]
async fn a_level_set_here_is_not_core_s_to_change() {
    let config = options(&json!({"log_level": "debug"}));
    let world = World::with(CoreOptions { config, ..CoreOptions::default() }, &[]).await;
    let program = Program::start(&world.core, &[("AUTHENTIK_LOG_LEVEL", "info")]);
    refreshed(&program).await;
    let http = program.address("http").await;
    Browser::new().get(&format!("http://{http}/once-more")).await;
    program.line("/once-more").await;
    assert_eq!(program.count("\"level\":\"DEBUG\""), 0);
}

#[tokio::test]
async fn options_that_nobody_knows_and_values_that_make_no_sense_change_nothing() {
    let world = World::start().await;
    let program = Program::start(&world.core, &[("AUTHENTIK_LOG_LEVEL", "")]);
    refreshed(&program).await;
    world.core.set_config(options(&json!({
        "log_level": "loud",
        "what_the_future_brings": {"a": [1, null]},
        "refresh_interval": 7,
        "authentik_host_browser": ["no", "text"],
        "kubernetes_replicas": "many",
    })));
    program.signal("USR1");
    program.line("core names a log level that does not exist").await;
    refreshed(&program).await;
    let http = program.address("http").await;
    Browser::new().get(&format!("http://{http}/still-here")).await;
    program.line("/still-here").await;
}

#[tokio::test]
async fn browsers_are_sent_where_core_says_unless_it_is_set_here() {
    let browser_host = json!({"authentik_host_browser": "https://sso.example.test"});
    for (variables, expected) in [
        (vec![], "https://sso.example.test/application/o/authorize/"),
        (
            vec![("AUTHENTIK_HOST_BROWSER", "https://own.example.test")],
            "https://own.example.test/application/o/authorize/",
        ),
    ] {
        let world = World::with(CoreOptions::default(), &variables).await;
        world.serve([world.proxy()]).await;
        world.core.set_config(options(&browser_host));
        world.refreshed().await;
        let start = world.url("app.test", "/outpost.goauthentik.io/start");
        let location = Browser::new().get(&start).await.redirect().expect("a redirect");
        assert!(location.starts_with(expected), "{location}");
    }
}

#[tokio::test]
async fn the_refresh_interval_is_core_s_and_bounded() {
    let world = World::start().await;
    for (seconds, expected) in [(300, 300), (45, 45), (1, 30), (0, 300), (-1, 300)] {
        world.core.set_refresh_interval(seconds);
        world.refreshed().await;
        let published = &world.outpost.published;
        let told = published.snapshot.load().outpost.refresh_interval_seconds;
        assert_eq!(told, expected, "{seconds}");
        let status = published.status.load();
        let next = status.next_attempt.zip(status.last_success).expect("a plan");
        let wait = next.1.seconds_until(next.0).unsigned_abs();
        assert!(wait.abs_diff(expected) <= 1, "{seconds}: {wait}");
    }
}
