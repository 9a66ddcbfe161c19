//! The Kustomize base and its components: what the program itself writes, valid, and put together
//! right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use outpost_render::{Input, Outpost, SecretKey, Site, Target, render};
use outpost_tests::daemon::Daemon;
use outpost_tests::folder::Folder;
use outpost_tests::repository::{read, root};
use outpost_tests::{parts, ports, wait};
use serde_json::{Value, json};

use crate::deploy::compose::composed;
use crate::deploy::support::{files, succeeds, yaml};

const FOLDER: &str = "deploy/kubernetes";

const MIB: u64 = 1024 * 1024;

/// The oldest and the newest Kubernetes that the objects must be valid for.
const VERSIONS: [&str; 2] = ["1.28", "1.37"];

/// The outpost of the base: three replicas, whatever is exposed left to an overlay.
fn input() -> Input {
    let config = json!({
        "object_naming_template": "outpost",
        "kubernetes_namespace": "authentik",
        "kubernetes_replicas": 3,
        "kubernetes_disabled_components": ["secret", "ingress", "httproute", "traefik middleware"],
    });
    let Value::Object(config) = config else { unreachable!("an object") };
    Input {
        outpost: Outpost {
            uuid: "00000000000000000000000000000000".to_owned(),
            name: "outpost".to_owned(),
            config,
        },
        applications: Vec::new(),
        site: Site {
            store: Some(SecretKey { name: "outpost-store".to_owned(), key: "url".to_owned() }),
            ..Site::default()
        },
    }
}

/// `UPDATE_GOLDEN=1` writes the files anew.
#[test]
fn the_base_is_what_the_program_writes() {
    let rendered = render(Target::Kubernetes, &input()).unwrap();
    let mut written = BTreeSet::new();
    for file in &rendered.files {
        let path = match file.name {
            "outpost.yaml" => format!("{FOLDER}/base/outpost.yaml"),
            "servicemonitor.yaml" => format!("{FOLDER}/components/prometheus/servicemonitor.yaml"),
            other => panic!("where does {other} belong?"),
        };
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(root().join(&path), &file.text).unwrap();
        }
        assert!(file.text == read(&path), "{path} is old: UPDATE_GOLDEN=1 writes it");
        written.insert(file.name);
    }
    assert_eq!(written.len(), 2, "{written:?}");
}

/// The objects of the base, as `kubectl` puts them together.
fn base() -> Vec<Value> {
    let mut command = Command::new(parts::find("kubectl"));
    command.arg("kustomize").arg(root().join(FOLDER).join("base"));
    let objects = yaml(&succeeds(&mut command));
    assert!(objects.len() > 5, "{objects:?}");
    objects
}

fn of_kind(objects: &[Value], kind: &str) -> Vec<Value> {
    let found: Vec<_> = objects.iter().filter(|object| object["kind"] == kind).cloned().collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

#[test]
fn kustomize_puts_the_base_together() {
    let objects = base();
    let names: BTreeSet<_> = objects
        .iter()
        .map(|object| format!("{}/{}", object["kind"], object["metadata"]["name"]).replace('"', ""))
        .collect();
    let wanted = [
        "Deployment/outpost",
        "NetworkPolicy/outpost",
        "NetworkPolicy/outpost-redis",
        "PodDisruptionBudget/outpost",
        "Service/outpost",
        "Service/outpost-redis",
        "StatefulSet/outpost-redis",
    ];
    assert_eq!(names, wanted.map(str::to_owned).into());
    let [deployment] = &of_kind(&objects, "Deployment")[..] else { panic!("one") };
    assert_eq!(deployment["spec"]["replicas"], 3);
    for object in objects {
        assert_eq!(object["metadata"]["namespace"], "authentik", "{object}");
    }
}

/// The alerts as the operator's own kind of object: the file of alerts, two blanks further in.
#[test]
fn the_component_has_the_alerts() {
    let path = format!("{FOLDER}/components/prometheus/prometheusrule.yaml");
    let alerts = read("deploy/monitoring/alerts.yml");
    let groups = &alerts[alerts.find("groups:\n").unwrap()..];
    let there = read(&path);
    let (head, _) = there.split_once("spec:\n").unwrap();
    let mut text = format!("{head}spec:\n");
    for line in groups.lines() {
        let blanks = if line.is_empty() { "" } else { "  " };
        let _ = writeln!(text, "{blanks}{line}");
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join(&path), &text).unwrap();
    }
    assert!(text == there, "{path} is old: UPDATE_GOLDEN=1 writes it");
    let [rule] = &yaml(&there)[..] else { panic!("one") };
    assert_eq!(
        (&rule["kind"], &rule["apiVersion"]),
        (&json!("PrometheusRule"), &json!("monitoring.coreos.com/v1"),)
    );
    assert!(rule["spec"]["groups"][0]["rules"].as_array().unwrap().len() > 10, "{rule}");
}

/// The `kubectl` at hand is older than components: here is what it would look at.
#[test]
fn every_file_is_named_by_its_kustomization_and_every_name_is_a_file() {
    for (folder, kind) in [("base", "Kustomization"), ("components/prometheus", "Component")] {
        let folder = format!("{FOLDER}/{folder}");
        let [file] = &yaml(&read(&format!("{folder}/kustomization.yaml")))[..] else {
            panic!("one")
        };
        assert_eq!(file["kind"], kind, "{folder}");
        let named: BTreeSet<String> = serde_json::from_value(file["resources"].clone()).unwrap();
        let mut there: BTreeSet<_> = files(&folder, ".yaml").into_iter().collect();
        there.remove("kustomization.yaml");
        assert_eq!(named, there, "{folder}");
    }
}

#[test]
fn kubernetes_takes_the_objects() {
    for file in ["base/outpost.yaml", "base/redis.yaml", "secrets.example.yaml"] {
        for version in VERSIONS {
            let mut validate = Command::new(parts::find("kubernetes-validate"));
            validate.args(["--strict", "--kubernetes-version", version]);
            succeeds(validate.arg(root().join(FOLDER).join(file)));
        }
    }
}

#[test]
fn what_is_wrong_would_be_seen() {
    let folder = Folder::new();
    let wrong = read(&format!("{FOLDER}/base/redis.yaml"))
        .replace("containerPort: 6379", "containerPort: many");
    let file = folder.write("redis.yaml", &wrong);
    let mut validate = Command::new(parts::find("kubernetes-validate"));
    let said = validate.args(["--strict", "--kubernetes-version", VERSIONS[0]]).arg(file).output();
    assert!(!said.unwrap().status.success());
}

/// Each secret that a pod refers to, with its keys.
fn needed(value: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    if let Some(reference) = value.get("secretKeyRef") {
        let text = |field: &str| reference[field].as_str().unwrap().to_owned();
        found.entry(text("name")).or_default().insert(text("key"));
    }
    if let Some(secret) = value.get("secret") {
        let keys = secret["items"].as_array().unwrap().iter();
        let keys = keys.map(|item| item["key"].as_str().unwrap().to_owned());
        found.entry(secret["secretName"].as_str().unwrap().to_owned()).or_default().extend(keys);
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| needed(value, found)),
        Value::Object(map) => map.values().for_each(|value| needed(value, found)),
        _ => {}
    }
}

#[test]
fn the_example_has_every_secret_that_is_needed_and_no_other() {
    let mut wanted = BTreeMap::new();
    base().iter().for_each(|object| needed(object, &mut wanted));
    let text = read(&format!("{FOLDER}/secrets.example.yaml"));
    let there: BTreeMap<String, BTreeSet<String>> = yaml(&text)
        .iter()
        .map(|secret| {
            let keys = secret["stringData"].as_object().unwrap().keys().cloned().collect();
            (secret["metadata"]["name"].as_str().unwrap().to_owned(), keys)
        })
        .collect();
    assert_eq!(wanted, there);
    for (name, keys) in there {
        assert!(text.contains(&format!("create secret generic {name} ")), "{name}");
        for key in keys {
            let told =
                text.contains(&format!("{key}=")) || text.contains(&format!("{key}=/dev/stdin"));
            assert!(told, "{name}: {key}");
        }
    }
}

fn labels(object: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{object}: {error}"))
}

/// Selectors are texts that nobody checks: one that selects nothing is no error to Kubernetes.
#[test]
fn every_selector_selects_what_it_is_for() {
    let objects = base();
    let pods: BTreeMap<String, BTreeMap<String, String>> = objects
        .iter()
        .filter(|object| ["Deployment", "StatefulSet"].contains(&object["kind"].as_str().unwrap()))
        .map(|object| {
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            (name, labels(&object["spec"]["template"]["metadata"]["labels"]))
        })
        .collect();
    let selects = |selector: &Value, pod: &str| {
        let wanted = labels(selector);
        !wanted.is_empty() && wanted.iter().all(|label| pods[pod].get(label.0) == Some(label.1))
    };
    for object in &objects {
        let name = object["metadata"]["name"].as_str().unwrap();
        let spec = &object["spec"];
        let selector = match object["kind"].as_str().unwrap() {
            "Service" => &spec["selector"],
            "NetworkPolicy" => &spec["podSelector"]["matchLabels"],
            _ => &spec["selector"]["matchLabels"],
        };
        for pod in pods.keys() {
            assert_eq!(selects(selector, pod), pod == name, "{object}");
        }
    }
    let policies = of_kind(&objects, "NetworkPolicy");
    let redis = policies.iter().find(|it| it["metadata"]["name"] == "outpost-redis").unwrap();
    let from = &redis["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"];
    assert!(selects(from, "outpost") && !selects(from, "outpost-redis"), "{redis}");
    // The monitor finds the Service by that one's own labels.
    let monitor = read(&format!("{FOLDER}/components/prometheus/servicemonitor.yaml"));
    let monitor = labels(&yaml(&monitor)[0]["spec"]["selector"]["matchLabels"]);
    for service in of_kind(&objects, "Service") {
        let own = labels(&service["metadata"]["labels"]);
        let found = monitor.iter().all(|label| own.get(label.0) == Some(label.1));
        assert_eq!(found, service["metadata"]["name"] == "outpost", "{service}");
    }
}

#[test]
fn nothing_in_the_base_can_gain_anything() {
    for object in base() {
        let pod = &object["spec"]["template"]["spec"];
        for container in pod["containers"].as_array().into_iter().flatten() {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false, "{object}");
            assert_eq!(context["readOnlyRootFilesystem"], true, "{object}");
            assert_eq!(context["capabilities"]["drop"][0], "ALL", "{object}");
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{object}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{object}");
        }
    }
}

/// What the Redis of the base and that of the compose file are started with, given to a real one.
#[test]
fn redis_takes_its_command_line() {
    let texts = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let stateful = of_kind(&base(), "StatefulSet");
    let in_base = texts(&stateful[0]["spec"]["template"]["spec"]["containers"][0]["args"]);
    let in_compose = texts(&composed("replicas.yml")["services"]["redis"]["command"]);
    assert_eq!(in_compose[0], "redis-server");
    assert_eq!(in_base[1..], in_compose[2..], "both are the same");
    let folder = Folder::new();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let configuration = folder.write("redis.conf", "requirepass of-the-test\n");
    let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let port = ports::free(own).to_string();
    let mut command = Command::new(parts::find("redis-server"));
    command.arg(configuration);
    for argument in &in_base[1..] {
        command.arg(if argument == "/data" { data.to_str().unwrap() } else { argument });
    }
    command.args(["--bind", "127.0.0.1", "--port", &port]);
    let mut redis = Daemon::start(command, &folder.path().join("log"));
    let ask = |words: &[&str]| {
        let mut cli = Command::new(parts::find("redis-cli"));
        let said =
            cli.args(["-p", &port, "-a", "of-the-test", "--no-auth-warning"]).args(words).output();
        String::from_utf8(said.unwrap().stdout).unwrap()
    };
    wait::until("a Redis", || {
        assert!(redis.ended().is_none(), "{}", redis.said());
        let said = ask(&["ping"]);
        if said.trim() == "PONG" { Ok(()) } else { Err(format!("{said}; {}", redis.said())) }
    });
    assert!(ask(&["config", "get", "appendonly"]).contains("yes"));
    assert!(ask(&["config", "get", "maxmemory-policy"]).contains("noeviction"));
    // Without a bound that is below the container's limit, the policy never comes to bear.
    let bound = ask(&["config", "get", "maxmemory"]);
    let bound: u64 = bound.lines().nth(1).unwrap().parse().unwrap();
    let container = &stateful[0]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"]["memory"], "512Mi");
    assert_eq!(composed("replicas.yml")["services"]["redis"]["mem_limit"], (512 * MIB).to_string());
    assert!(bound > 0 && bound < 400 * MIB, "{bound} bytes");
}
