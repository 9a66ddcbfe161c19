//! Whence it knows the providers: core itself, what core answers, what was written before.

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_tests::ports;
use serde_json::{Value, json};

use super::support::{
    cast, core, fine, one_provider, render, render_from, render_with, run, saved, targets,
};

#[test]
fn core_is_asked_and_no_outpost_needs_to_run() {
    let core = core(cast());
    let text = fine(render(&core, &["nginx"]));
    for host in ["wiki.example.com", "shop.example.com", "auth.example.org"] {
        assert!(text.contains(host), "{host}: {text}");
    }
    assert!(text.ends_with('\n'));
}

/// What core answers to an outpost.
async fn answer(core: &StandInCore, path: &str) -> Value {
    let client = reqwest::Client::new();
    let asked = client.get(format!("{}/api/v3/outposts/{path}/", core.url()));
    asked.bearer_auth(core.token()).send().await.unwrap().json().await.unwrap()
}

#[actix_rt::test]
async fn a_file_of_core_s_answers_and_a_dump_give_what_core_gives() {
    let core = core(cast());
    let answers = json!({
        "outpost": answer(&core, "instances").await, "providers": answer(&core, "proxy").await,
    });
    let dump = saved(&core);
    for target in targets() {
        let live = fine(render(&core, &[target]));
        assert_eq!(fine(render_from(&answers, &[target])), live, "{target}");
        assert_eq!(fine(render_from(&dump, &[target])), live, "{target}");
    }
    let again = fine(render_from(&dump, &["--dump"]));
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), dump);
}

#[test]
fn the_same_configuration_is_the_same_text_in_whatever_order_core_says_it() {
    let core = core(cast());
    let dump = saved(&core);
    let mut turned = dump.clone();
    turned["providers"].as_array_mut().unwrap().reverse();
    assert_ne!(turned, dump);
    for target in targets() {
        let first = fine(render_from(&dump, &[target]));
        assert_eq!(fine(render_from(&dump, &[target])), first, "{target}");
        assert_eq!(fine(render_from(&turned, &[target])), first, "{target}");
    }
}

#[test]
fn the_outpost_s_own_settings_count() {
    let core = core(cast());
    assert!(!fine(render(&core, &["nginx"])).contains("X-authentik-incomplete"));
    let limited = [("OUTPOST__IDENTITY__MAX_BYTES", "4096")];
    let limited = fine(render_with(&core, &["nginx"], &limited));
    assert!(limited.contains("X-authentik-incomplete"), "{limited}");
    let compatible = [("OUTPOST__COMPAT__AKPROX", "true")];
    let compatible = fine(render_with(&core, &["nginx"], &compatible));
    assert!(compatible.contains("X-Auth-Username"), "{compatible}");
    let elsewhere = [("OUTPOST__RENDER__OUTPOST_URL", "http://edge.internal:9123")];
    let elsewhere = fine(render_with(&core, &["nginx"], &elsewhere));
    assert!(elsewhere.contains("edge.internal:9123"), "{elsewhere}");
    let named = fine(render(&core, &["nginx", "--outpost", "http://edge.internal:9123"]));
    assert_eq!(named, elsewhere);
}

#[test]
fn a_core_that_does_not_answer_is_told_with_what_to_do() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    core.put_provider(ProviderSpec::forward_single("shop", "https://shop.example.com")).unwrap();
    let refused = render_with(&core, &["nginx"], &[("AUTHENTIK_TOKEN", "another-t0ken")]);
    assert_eq!((refused.code, refused.out.as_str()), (3, ""), "{}", refused.err);
    assert!(refused.err.contains("check AUTHENTIK_TOKEN"), "{}", refused.err);
    assert!(!refused.err.contains("another-t0ken"), "{}", refused.err);

    let nobody = format!("http://127.0.0.1:{}", ports::free("127.0.0.1".parse().unwrap()));
    let away = render_with(&core, &["nginx"], &[("AUTHENTIK_HOST", &nobody)]);
    assert_eq!((away.code, away.out.as_str()), (3, ""), "{}", away.err);
    assert!(away.err.contains("Check AUTHENTIK_HOST"), "{}", away.err);
    assert!(away.err.contains("--from"), "{}", away.err);
}

#[test]
fn without_a_core_only_what_asks_one_needs_it() {
    fine(render_from(&one_provider(), &["nginx"]));
    let said = run(&["nginx"], &[], "");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("AUTHENTIK_HOST"), "{}", said.err);
}

#[test]
fn a_file_that_is_none_is_told_with_what_belongs_into_it() {
    let missing = run(&["nginx", "--from", "/nowhere/saved.json"], &[], "");
    assert_eq!(missing.code, 3, "{}", missing.err);
    assert!(missing.err.contains("/nowhere/saved.json: No such file"), "{}", missing.err);
    let no_json = run(&["nginx", "--from", "-"], &[], "outpost: s3cret");
    assert_eq!(no_json.code, 3, "{}", no_json.err);
    assert!(no_json.err.contains("standard input: it is not JSON (line 1"), "{}", no_json.err);
    assert!(!no_json.err.contains("s3cret"), "{}", no_json.err);
    let half = render_from(&json!({"providers": []}), &["nginx"]);
    assert_eq!(half.code, 3, "{}", half.err);
    assert!(half.err.contains("GET /api/v3/outposts/instances/"), "{}", half.err);
    assert!(half.err.contains("outpost render --dump"), "{}", half.err);
}
