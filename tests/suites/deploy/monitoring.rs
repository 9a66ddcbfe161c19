//! Alerts and the dashboard: right by the tools of Prometheus and Grafana, about figures that the
//! outpost has, and with a section of the guide for each alert.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use outpost_decision::decision::{Action, Reason};
use outpost_demo::core::{CoreOptions, StandInCore};
use outpost_tests::folder::Folder;
use outpost_tests::repository::{read, root};
use outpost_tests::{Figures, Program, parts};
use serde_json::{Value, json};

use crate::deploy::guide::anchors;
use crate::deploy::promql::{Names, names};
use crate::deploy::support::{python, succeeds, yaml};

/// Labels that Prometheus sets, and the histograms' own.
const FOREIGN_LABELS: [&str; 3] = ["job", "instance", "le"];

/// Values that rules and panels may compare labels of a figure with, beside reasons and actions; and the
/// source that says them. A value that nobody ever says would select nothing, unseen.
const VALUES: [(&str, &str, &[&str], &str); 7] = [
    (
        "outpost_core_refreshes_total",
        "outcome",
        &["complete", "failed"],
        "server/src/ops/metrics.rs",
    ),
    ("outpost_trace_spans_total", "outcome", &FATES, "server/src/ops/metrics/telemetry.rs"),
    ("outpost_error_reports_total", "outcome", &FATES, "server/src/ops/metrics/telemetry.rs"),
    (
        "outpost_session_lookups_total",
        "source",
        &["cache", "store", "degraded"],
        "server/src/ops/metrics/sessions.rs",
    ),
    (
        "outpost_session_store_duration_seconds",
        "operation",
        &["log"],
        "server/src/session/follow.rs",
    ),
    ("outpost_findings", "severity", &["error", "warning"], "server/src/ops/metrics.rs"),
    (
        "authentik_outpost_proxy_request_duration_seconds",
        "type",
        &["app"],
        "server/src/ops/event.rs",
    ),
];

const FATES: [&str; 3] = ["sent", "dropped", "failed"];

fn promtool(arguments: &[&str]) -> String {
    let folder = root().join("deploy/monitoring");
    succeeds(Command::new(parts::find("promtool")).args(arguments).current_dir(folder))
}

/// The figures of the program by name, with their labels, as it registers them.
fn figures() -> BTreeMap<String, BTreeSet<String>> {
    let source = read("server/src/ops/metrics/names.rs");
    let mut figures = BTreeMap::new();
    for definition in source.split("figure(").skip(2) {
        // The text of help may hold anything but a quote.
        let texts: Vec<_> = definition.split('"').skip(1).step_by(2).collect();
        let [name, _help, ..] = texts[..] else { continue };
        let (_, labels) = definition.split_once("&[").unwrap();
        let (labels, _) = labels.split_once(']').unwrap();
        let labels = labels.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        figures.insert(name.to_owned(), labels);
    }
    assert!(figures.len() > 25, "{figures:?}");
    figures
}

fn alerts() -> Vec<Value> {
    let [rules] = &yaml(&read("deploy/monitoring/alerts.yml"))[..] else { panic!("one document") };
    let groups = rules["groups"].as_array().unwrap().iter();
    let rules: Vec<_> =
        groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect();
    assert!(rules.len() > 10, "{rules:?}");
    rules
}

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/monitoring/dashboard.json")).unwrap()
}

fn panels() -> Vec<Value> {
    dashboard()["panels"].as_array().unwrap().clone()
}

/// The expressions of the dashboard's panels.
fn dashboard_expressions() -> Vec<String> {
    let targets = panels()
        .into_iter()
        .flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

fn check_names(expression: &str, figures: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let Names { figures: named, labels, values } = names(expression);
    let mut known: BTreeSet<&str> = FOREIGN_LABELS.into();
    let mut found = BTreeSet::new();
    for name in named {
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| figures.get_key_value(name.strip_suffix(end)?))
            .or_else(|| figures.get_key_value(&name));
        let (family, labels) =
            family.unwrap_or_else(|| panic!("there is no figure {name}: {expression}"));
        known.extend(labels.iter().map(String::as_str));
        found.insert(family.clone());
    }
    for label in &labels {
        assert!(known.contains(label.as_str()), "no figure of it has {label}: {expression}");
    }
    for (label, value) in values {
        let exists = match label.as_str() {
            "reason" => Reason::ALL.iter().any(|reason| reason.code() == value),
            "action" => Action::CODES.contains(&value.as_str()),
            "job" | "instance" => true,
            _ => VALUES.iter().any(|(figure, name, values, _)| {
                found.contains(*figure) && *name == label && values.contains(&value.as_str())
            }),
        };
        assert!(exists, "there is no {label} {value}: {expression}");
    }
    found
}

#[test]
fn alerts_are_rules_that_fire_when_they_should() {
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["check", "rules", "alerts.yml"]);
    promtool(&["test", "rules", "alerts.test.yml"]);
    let tests = read("deploy/monitoring/alerts.test.yml");
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        let fires = format!("- alertname: {name}\n");
        let silent = format!("alertname: {name}, ");
        assert!(tests.contains(&fires), "nothing shows that {name} fires");
        assert!(tests.contains(&silent), "nothing shows that {name} is silent at times");
    }
}

#[test]
fn every_alert_leads_to_what_to_do() {
    let sections = anchors(&read("deploy/README.md"));
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap().to_owned();
        let severity = alert["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        for text in ["summary", "description", "runbook"] {
            assert!(alert["annotations"][text].is_string(), "{name} has no {text}");
        }
        let (file, section) =
            alert["annotations"]["runbook"].as_str().unwrap().split_once('#').unwrap();
        assert_eq!((file, section), ("deploy/README.md", name.to_lowercase().as_str()));
        assert!(sections.contains(section), "deploy/README.md has no section {section}");
        assert!(names.insert(name.clone()), "{name} twice");
    }
    for section in sections.iter().filter(|section| section.starts_with("outpost")) {
        let known = names.iter().any(|name| name.to_lowercase() == *section);
        assert!(known, "deploy/README.md has a section {section}, and there is no such alert");
    }
}

#[test]
fn values_that_are_compared_with_are_those_of_the_source() {
    for (figure, label, values, source) in VALUES {
        let text = read(source);
        for value in values {
            let told = text.contains(&format!("\"{value}\""));
            assert!(told, "{figure}: {source} never says {label} {value}");
        }
    }
    // That is heeded: one that nobody says is told.
    let wrong = "rate(outpost_trace_spans_total{outcome=\"lost\"}[5m])";
    let figures = figures();
    assert!(std::panic::catch_unwind(|| check_names(wrong, &figures)).is_err());
}

/// OutpostDown tells outposts by the name of their job: the example's has it, and so has the Service by
/// whose name the operator calls the job.
#[test]
fn the_alerts_find_the_job_of_the_example() {
    let [example] = &yaml(&read("deploy/monitoring/prometheus.yml"))[..] else { panic!("one") };
    assert_eq!(example["rule_files"], json!(["alerts.yml"]));
    for job in example["scrape_configs"].as_array().unwrap() {
        assert!(job["job_name"].as_str().unwrap().contains("outpost"), "{job}");
        let targets = job["static_configs"][0]["targets"].as_array().unwrap();
        assert!(targets.iter().all(|it| it.as_str().unwrap().ends_with(":9300")), "{job}");
    }
    let down = alerts().into_iter().find(|alert| alert["alert"] == "OutpostDown").unwrap();
    assert_eq!(down["expr"], "up{job=~\".*outpost.*\"} == 0");
}

#[test]
fn alerts_and_the_dashboard_name_figures_that_there_are() {
    let figures = figures();
    for alert in alerts() {
        check_names(alert["expr"].as_str().unwrap(), &figures);
    }
    let shown: BTreeSet<_> =
        dashboard_expressions().iter().flat_map(|text| check_names(text, &figures)).collect();
    let hidden: Vec<_> = figures.keys().filter(|name| !shown.contains(*name)).collect();
    assert!(hidden.is_empty(), "figures that the dashboard does not show: {hidden:?}");
    for variable in dashboard()["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "query" {
            check_names(variable["query"].as_str().unwrap(), &figures);
        }
    }
}

/// What is read out of the source is what the program says.
#[tokio::test]
async fn the_figures_are_those_of_a_running_outpost() {
    let figures = figures();
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let outpost = Program::start(&core, &[]);
    let metrics = outpost.address("metrics").await;
    outpost.serves(0).await;
    let said = Figures::at(metrics).await.text;
    let families: BTreeSet<_> =
        said.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(families.len() > 10, "{said}");
    for family in &families {
        assert!(figures.contains_key(*family), "{family} is not in names.rs");
    }
    // And the other way round. Figures by label show themselves when something has happened.
    for (figure, labels) in &figures {
        let there = families.contains(figure.as_str());
        assert!(there || !labels.is_empty(), "{figure} is not among the figures: {said}");
    }
    for (figure, ..) in VALUES.iter().filter(|(_, label, ..)| *label == "outcome") {
        assert!(families.contains(figure), "{figure} is not there from the start: {said}");
    }
}

#[test]
fn the_dashboard_is_what_grafana_understands() {
    let mut command = python();
    command.args(["-c", include_str!("dashboard.py")]);
    command.arg(root().join("deploy/monitoring/dashboard.json"));
    let lost: Vec<String> = serde_json::from_str(&succeeds(&mut command)).unwrap();
    assert_eq!(lost, Vec::<String>::new());
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "an id twice: {panel}");
        let of = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(of("x") + of("w") <= 24, "{panel}");
        for x in of("x")..of("x") + of("w") {
            for y in of("y")..of("y") + of("h") {
                assert!(taken.insert((x, y)), "it covers another one: {panel}");
            }
        }
    }
}

#[test]
fn prometheus_understands_what_the_dashboard_asks() {
    let rules: Vec<_> = dashboard_expressions()
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let text = text.replace("$__rate_interval", "5m").replace("=~\"$", "=~\"");
            json!({"record": format!("panel:{index}"), "expr": text})
        })
        .collect();
    assert!(rules.len() > 30, "{rules:?}");
    let folder = Folder::new();
    // YAML is more than JSON.
    let file = json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string();
    let file = folder.write("rules.yml", &file);
    promtool(&["check", "rules", file.to_str().unwrap()]);
}
