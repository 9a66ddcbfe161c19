//! Whom it renders for.

use outpost_demo::core::ProviderSpec;
use serde_json::{Value, json};

use super::support::{cast, core, fine, one_provider, render, render_from, run};

fn two(change: impl FnOnce(&mut Value)) -> Value {
    let mut saved = one_provider();
    let mut second = saved["providers"][0].clone();
    second["pk"] = 8.into();
    second["name"] = "wiki".into();
    second["external_host"] = "https://wiki.example.com".into();
    second["assigned_application_slug"] = "wiki-slug".into();
    change(&mut second);
    saved["providers"].as_array_mut().unwrap().push(second);
    saved
}

#[test]
fn a_provider_is_named_by_name_slug_or_number() {
    let saved = two(|_| ());
    let by = |names: &[&str]| {
        let named = names.iter().flat_map(|name| ["--provider", name]);
        fine(render_from(&saved, &["nginx"].into_iter().chain(named).collect::<Vec<_>>()))
    };
    let wiki = by(&["wiki"]);
    assert!(wiki.contains("wiki.example.com") && !wiki.contains("shop.example.com"), "{wiki}");
    assert_eq!(by(&["wiki-slug"]), wiki);
    assert_eq!(by(&["8"]), wiki);
    assert_eq!(by(&["8", "wiki"]), wiki);
    assert_eq!(by(&["wiki", "shop"]), by(&[]));
}

#[test]
fn a_name_that_means_nobody_or_several_is_told() {
    let saved = two(|_| ());
    let nobody = render_from(&saved, &["nginx", "--provider", "blog"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (2, ""), "{}", nobody.err);
    let expected = "nobody is called \"blog\"; there are: \"shop\" (7), \"wiki\" (8)";
    assert!(nobody.err.contains(expected), "{}", nobody.err);

    let same = two(|second| second["name"] = "shop".into());
    let several = render_from(&same, &["nginx", "--provider", "shop"]);
    assert_eq!((several.code, several.out.as_str()), (2, ""), "{}", several.err);
    let expected = "may mean any of the providers 7, 8; name it by its number";
    assert!(several.err.contains(expected), "{}", several.err);
    fine(render_from(&same, &["nginx", "--provider", "8"]));
}

#[test]
fn a_provider_that_cannot_be_served_stops_no_other() {
    let broken =
        ProviderSpec::forward_single("broken", "shop.example.com").named("Bro\u{1b}[31mken");
    let unreadable = ProviderSpec::forward_single("odd", "https://odd.example.com")
        .raw("skip_path_regex", json!({"s3cret": 1}));
    let core = core(cast().into_iter().chain([broken, unreadable]));
    let said = render(&core, &["nginx"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("wiki.example.com"), "{}", said.out);
    for told in [
        "cannot be served and is left out",
        "error: external_host_",
        "What to do: ",
        "\"odd\"",
        "skip_path_regex: invalid type, expected a string",
    ] {
        assert!(said.err.contains(told), "{told}: {}", said.err);
    }
    assert!(!said.err.contains('\u{1b}') && !said.err.contains("s3cret"), "{}", said.err);

    let named = render(&core, &["nginx", "--provider", "broken"]);
    assert_eq!((named.code, named.out.as_str()), (1, ""), "{}", named.err);
    assert!(named.err.contains("error: external_host_"), "{}", named.err);
}

#[test]
fn an_outpost_without_a_provider_to_serve_is_told_what_to_do() {
    let mut none = one_provider();
    none["providers"] = json!([]);
    let said = render_from(&none, &["nginx"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
    assert!(said.err.contains("assign one to the outpost in authentik"), "{}", said.err);

    let mut refused = one_provider();
    refused["providers"][0]["mode"] = "of tomorrow".into();
    let said = render_from(&refused, &["nginx"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
    assert!(said.err.contains("error: mode_unknown"), "{}", said.err);
    assert!(said.err.contains("none of the outpost's providers can be served"), "{}", said.err);
}

#[test]
fn targets_are_listed_and_a_wrong_one_is_refused() {
    let help = run(&["--help"], &[], "");
    assert_eq!(help.code, 0);
    for target in outpost_render::Target::ALL {
        let line = help.out.lines().find(|line| {
            line.trim_start()
                .strip_prefix("- ")
                .is_some_and(|line| line.starts_with(&format!("{}:", target.code())))
        });
        let line = line.unwrap_or_else(|| panic!("{}: {}", target.code(), help.out));
        assert!(line.contains(target.about().split(' ').next().unwrap()), "{line}");
    }
    for wrong in [&["apache"][..], &[], &["nginx", "--dump"], &["nginx", "--force"]] {
        let said = run(wrong, &[], "");
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{wrong:?}: {}", said.err);
    }
}

#[test]
fn an_option_that_changes_nothing_is_told() {
    let saved = one_provider();
    let said = render_from(&saved, &["nginx", "--namespace", "apps"]);
    assert_eq!(said.code, 0);
    assert_eq!(said.err, "outpost render: --namespace changes nothing in the output for nginx\n");
    assert_eq!(said.out, fine(render_from(&saved, &["nginx"])));
    let used = ["nginx", "--upstream", "http://app:8080", "--header", "X-Team"];
    let text = fine(render_from(&saved, &used));
    assert!(text.contains("app:8080") && text.contains("X-Team"), "{text}");
}
