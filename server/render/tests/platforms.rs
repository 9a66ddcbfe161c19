//! What runs and reaches an outpost on Kubernetes and Compose, as files that are reviewed as
//! diffs: one case for each option of the outpost.
//!
//! `UPDATE_GOLDEN=1 cargo test -p outpost-render --test platforms` writes them anew.

#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

#[expect(dead_code, reason = "the suite of reverse proxies uses the rest")]
#[path = "proxies/cases.rs"]
mod cases;
#[path = "platforms/options.rs"]
mod options;

use std::path::PathBuf;

use outpost_render::{Input, RenderError, Target, render};
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
    let rendered = render(Target::Kubernetes, &input).expect("it can be written");
    for file in &rendered.files {
        assert!(!file.text.lines().any(|line| line.starts_with("kind: Secret #")), "{}", file.text);
        for line in file.text.lines() {
            let is_plain = line.chars().all(|c| !c.is_control() && c != '\u{2028}');
            assert!(is_plain, "{line:?}");
        }
    }
}
