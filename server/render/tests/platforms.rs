//! What runs and reaches an outpost on Kubernetes and Compose, as files that are reviewed as
//! diffs: one case for each option of the outpost.
//!
//! `UPDATE_GOLDEN=1 cargo test -p outpost-render --test platforms` writes them anew.

#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "proxies/cases.rs"]
mod cases;
#[path = "platforms/clusters.rs"]
mod clusters;
#[path = "platforms/options.rs"]
mod options;

use std::path::PathBuf;

use outpost_render::{Input, RenderError, Target, render, suitable, yaml};
use serde_json::json;

/// What `target` writes for `input`, compared with what was reviewed.
fn golden(target: Target, case: &str, input: &Input) {
    let rendered = render(target, input).expect("it can be written");
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let folder = folder.join(target.code()).join(case);
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        // A file that is written no more must not stay.
        let _ = std::fs::remove_dir_all(&folder);
    }
    for file in &rendered.files {
        assert!(file.text.ends_with('\n') && !file.text.ends_with("\n\n"), "{target:?} {case}");
        let path = folder.join(file.name);
        if update {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&path, &file.text).expect("written");
        }
        let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(file.text, reviewed, "{} differs", path.display());
    }
    let kept = std::fs::read_dir(&folder).expect("a folder").count();
    assert_eq!(kept, rendered.files.len(), "{} holds more than is written", folder.display());
}

#[test]
fn every_option_about_kubernetes_is_followed_as_reviewed() {
    for (case, input) in options::kubernetes() {
        golden(Target::Kubernetes, case, &input);
    }
}

#[test]
fn every_option_about_docker_is_followed_as_reviewed() {
    for (case, input) in options::docker() {
        golden(Target::Compose, case, &input);
    }
}

#[test]
fn applications_on_a_cluster_are_guarded_as_reviewed() {
    for (case, input) in clusters::all() {
        for target in [Target::IngressNginx, Target::Gateway, Target::Istio] {
            // Its policies have no way to say it; see below.
            if target == Target::Istio && WILDCARDS.contains(&case) {
                continue;
            }
            let mut input = input.clone();
            if target != Target::IngressNginx {
                // They cannot take a client's own away; see below.
                input.applications.iter_mut().for_each(|app| app.additional.clear());
            }
            golden(target, case, &input);
        }
    }
}

/// Cases with hosts such as `*.example.com`.
const WILDCARDS: [&str; 2] = ["wildcard", "domain_with_hosts"];

#[test]
fn what_istio_would_let_pass_unchecked_is_an_error() {
    let cases = clusters::all().into_iter().filter(|(case, _)| WILDCARDS.contains(case));
    let errors: Vec<RenderError> =
        cases.map(|(case, input)| render(Target::Istio, &input).expect_err(case)).collect();
    assert_eq!(errors.len(), WILDCARDS.len());
    for error in errors {
        assert!(error.to_string().contains("wildcard host"), "{error}");
    }
}

/// Envoy overwrites only what the answer to a check carries: `--header Remote-User` would leave the
/// `Remote-User` of a client to everybody whom the outpost sends none for.
#[test]
fn what_envoy_would_leave_as_the_client_sent_it_is_an_error() {
    let all = clusters::all();
    let (_, input) = all.iter().find(|(case, _)| *case == "more_headers").expect("a case");
    assert!(!input.applications[0].additional.is_empty());
    for target in [Target::Istio, Target::Gateway] {
        let error = render(target, input).expect_err("refused").to_string();
        assert!(error.contains("Remote-User") && error.contains("no answer carries"), "{error}");
    }
    // In proxy mode the outpost itself makes the request.
    let (_, mut input) = all.into_iter().find(|(case, _)| *case == "proxy").expect("a case");
    input.applications[0].additional = vec!["Remote-User".to_owned()];
    for target in [Target::Istio, Target::Gateway] {
        render(target, &input).expect("it can be written");
    }
}

#[test]
fn what_kubernetes_cannot_name_is_an_error() {
    let with = |change: fn(&mut Input)| {
        let (_, mut input) = clusters::all().pop().expect("a case");
        change(&mut input);
        input
    };
    for (input, says) in [
        (with(|input| input.site.namespace = Some("Not One".to_owned())), "namespace"),
        (
            with(|input| input.site.upstream = "http://10.0.0.7:80".parse().ok()),
            "http://service:port",
        ),
        (
            with(|input| input.site.upstream = "http://app.other:80".parse().ok()),
            "http://service:port",
        ),
        (
            with(|input| {
                let external = "http://192.0.2.7:8000";
                input.applications[0] = cases::application(
                    1,
                    "address",
                    "forward_single",
                    external,
                    serde_json::json!({}),
                );
            }),
            "cannot name the host",
        ),
    ] {
        for target in [Target::IngressNginx, Target::Istio, Target::Gateway] {
            let error = render(target, &input).expect_err(says);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}

#[test]
fn a_provider_is_offered_what_can_be_written_for_it() {
    let offered = |case: &str| {
        let (_, input) = clusters::all().into_iter().find(|(name, _)| *name == case).expect(case);
        suitable(&input)
    };
    let all = offered("single");
    for target in [Target::Nginx, Target::Caddy, Target::IngressNginx, Target::Istio] {
        assert!(all.contains(&target) && offered("proxy").contains(&target), "{target:?}");
    }
    for target in [Target::Kubernetes, Target::Compose] {
        assert!(!all.contains(&target), "{target:?} is about no application");
    }
    let wildcard = offered("wildcard");
    assert!(wildcard.contains(&Target::Nginx) && !wildcard.contains(&Target::Istio));
}

#[test]
fn no_ingress_needs_a_snippet() {
    for (_, input) in clusters::all() {
        let rendered = render(Target::IngressNginx, &input).expect("it can be written");
        assert!(!rendered.to_string().contains("-snippet"), "{rendered}");
    }
}

/// Every object that is written for a cluster, by what tells it from others.
#[test]
fn no_object_takes_the_place_of_another() {
    let mut objects = Vec::new();
    for (case, input) in clusters::all().into_iter().filter(|(_, i)| i.applications.len() > 1) {
        for target in [Target::IngressNginx, Target::Gateway, Target::Istio] {
            let rendered = render(target, &input).expect("it can be written");
            for document in rendered.to_string().split("\n---\n") {
                let line = |start: &str| {
                    document.lines().find_map(|l| l.strip_prefix(start)).unwrap_or_default()
                };
                let (kind, name) = (line("kind: "), line("  name: "));
                if !kind.is_empty() {
                    objects.push(format!("{target:?} {case} {kind} {name}"));
                }
            }
        }
    }
    assert!(objects.iter().any(|object| object.ends_with(" Ingress a-outpost-2")), "{objects:?}");
    let count = objects.len();
    objects.sort_unstable();
    objects.dedup();
    assert_eq!(objects.len(), count, "{objects:#?}");
}

/// A request that is checked for one path must not be served as one for another.
#[test]
fn what_clients_say_in_the_words_of_proxies_is_taken_away() {
    let (_, input) = clusters::all().into_iter().find(|(case, _)| *case == "april_2026").expect("");
    let (_, outpost) = options::kubernetes().into_iter().next().expect("a case");
    for (target, input, written) in [
        (Target::IngressNginx, &input, "  X-Rewrite-URL: \"\""),
        // An upgrade to h2c begins a tunnel that nobody looks into.
        (Target::IngressNginx, &input, "  HTTP2-Settings: \"\""),
        (Target::Kubernetes, &outpost, "|http2[-_.]settings)"),
        (Target::Compose, &outpost, "|http2[-_.]settings)"),
        (Target::Istio, &input, "- x_rewrite-url"),
        (Target::Istio, &input, "- x.authentik_username"),
        (Target::Gateway, &input, "- X-Rewrite-URL"),
        (Target::Kubernetes, &outpost, "x[-_.]rewrite[-_.]url"),
        (Target::Compose, &outpost, "x[-_.]rewrite[-_.]url"),
    ] {
        let text = render(target, input).expect("it can be written").to_string();
        assert!(text.contains(written), "{target:?}: {text}");
    }
}

#[test]
fn names_of_components_that_there_are_not_are_told() {
    let input = options::with(json!({"kubernetes_disabled_components": ["Pods\nx: y"]}));
    let text = render(Target::Kubernetes, &input).expect("it can be written").to_string();
    let told: String = text.lines().take_while(|line| line.starts_with('#')).collect();
    assert!(told.contains("what is not made here: pods_x: y."), "{told}");
}

#[test]
fn an_outpost_of_which_nothing_is_left_is_an_error() {
    let input = options::with(json!({"kubernetes_disabled_components": [
        "secret", "deployment", "service", "ingress", "traefik middleware", "httproute",
        "prometheus servicemonitor", "poddisruptionbudget", "networkpolicy",
    ]}));
    let error = render(Target::Kubernetes, &input).expect_err("nothing");
    assert!(matches!(error, RenderError::Option { option: "kubernetes_disabled_components", .. }));
}

#[test]
fn nothing_that_core_or_an_operator_names_breaks_out_of_its_place() {
    let nasty = "x\"'`$(id)${HOME}\n---\nkind: Secret # {{ .Values }} \u{85}\u{2028}: - ";
    let mut input = options::with(json!({
        "docker_labels": {nasty: nasty},
        "kubernetes_ingress_annotations": {"a/b": nasty},
        "authentik_host": "https://core.test/'$(id)'\"#",
    }));
    input.outpost.name = nasty.to_owned();
    input.applications[0].additional.push("X-Ok".to_owned());
    let files = [Target::Kubernetes, Target::Compose]
        .map(|target| render(target, &input).expect("it can be written").files);
    for file in files.iter().flatten() {
        assert!(!file.text.lines().any(|line| line.starts_with("kind: Secret #")), "{}", file.text);
        for line in file.text.lines() {
            let is_plain = line.chars().all(|c| !c.is_control() && c != '\u{2028}');
            assert!(is_plain, "{line:?}");
        }
    }
}

/// Read back by a reader of YAML 1.1 in the suite `manifests`.
#[test]
fn strings_are_written_for_every_reader() {
    let values = vec![
        "no",
        "No",
        "NO",
        "yes",
        "on",
        "On",
        "off",
        "y",
        "n",
        "true",
        "False",
        "null",
        "~",
        "",
        " ",
        "0755",
        "0o755",
        "0x1F",
        "0b11",
        "1e3",
        "1.5",
        ".5",
        "1_000",
        "+1",
        "-1",
        "12:30:45",
        "190:20:30",
        ".inf",
        ".nan",
        "2001-12-14",
        "2001-12-14 21:59:43.10 -5",
        "<<",
        "=",
        "-",
        "- a",
        "?",
        ":",
        "a: b",
        "a:",
        "a #b",
        "#",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "{}",
        "[]",
        ",",
        "'",
        "\"",
        "---",
        "...",
        " lead",
        "trail ",
        "\ttab",
        "a\tb",
        "a\u{85}b",
        "\u{feff}x",
        "a\u{2028}b",
        "line\nline\n",
        "\n lead\n\nline",
        "ä 日本 😀",
        "host:80",
        "*.example.com:*",
    ];
    let names: serde_json::Map<String, serde_json::Value> =
        values.iter().map(|text| ((*text).to_owned(), (*text).into())).collect();
    let value = json!({"values": values, "names": names});
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/yaml");
    let json = serde_json::to_string_pretty(&value).expect("JSON") + "\n";
    for (name, text) in [("strings.yaml", yaml::to_text(&value)), ("strings.json", json)] {
        let path = folder.join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&path, &text).expect("written");
        }
        let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, reviewed, "{} differs", path.display());
    }
}
