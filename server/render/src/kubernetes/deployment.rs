//! The pods.

use outpost_decision::OUTPOST_PREFIX;
use serde_json::{Value, json};

use super::object::is_stock;
use super::plan::Plan;
use crate::yaml::Document;

/// Seconds for which a pod that is to end goes on serving: load balancers hear of its end later
/// than it does.
const SHUTDOWN_DELAY: u32 = 10;
/// `shutdown.drain_timeout`, the program's default.
const DRAIN: u32 = 30;
/// Between what the program needs at the longest and the moment it is killed.
const SPARE: u32 = 20;
/// The user of the image, who is nobody.
const USER: u32 = 65532;

pub(super) fn deployment(plan: &Plan<'_>) -> Document {
    let replicas = plan.options.kubernetes.replicas;
    let selector = plan.selector();
    let mut labels = selector.clone();
    // Istio looks at the last two.
    for (name, value) in [
        ("app.kubernetes.io/version", plan.version()),
        ("app", "authentik-outpost".to_owned()),
        ("version", plan.version()),
    ] {
        labels.insert(name.to_owned(), value.into());
    }
    let spread = |key: &str| {
        json!({
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector},
        })
    };
    let mut pod = json!({
        "automountServiceAccountToken": false,
        "containers": [container(plan)],
        "enableServiceLinks": false,
        "securityContext": {
            "runAsGroup": USER,
            "runAsNonRoot": true,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": SHUTDOWN_DELAY + DRAIN + SPARE,
        "topologySpreadConstraints": [
            spread("kubernetes.io/hostname"),
            spread("topology.kubernetes.io/zone"),
        ],
    });
    let pull = &plan.options.kubernetes.image_pull_secrets;
    if !pull.is_empty() {
        pod["imagePullSecrets"] = pull.iter().map(|name| json!({"name": name})).collect();
    }
    let document = Document::new(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": plan.metadata(&plan.names.object),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": selector},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }));
    notes(plan, document)
}

fn container(plan: &Plan<'_>) -> Value {
    let ports = plan
        .ports()
        .into_iter()
        .map(|(name, port)| json!({"name": name, "containerPort": port, "protocol": "TCP"}));
    let probe = |path: &str, port: &str, period: u32, failures: u32| {
        json!({
            "httpGet": {"path": format!("{OUTPOST_PREFIX}/{path}"), "port": port},
            "periodSeconds": period,
            "failureThreshold": failures,
            "timeoutSeconds": 3,
        })
    };
    json!({
        "name": "proxy",
        "image": image(plan),
        "env": environment(plan),
        "ports": ports.collect::<Vec<_>>(),
        "startupProbe": probe("ping", "http", 1, 60),
        "readinessProbe": probe("ready", "http-metrics", 5, 2),
        "livenessProbe": probe("ping", "http", 10, 3),
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            "limits": {"memory": "512Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
        },
    })
}

fn image(plan: &Plan<'_>) -> String {
    let ours = || format!("outpost:{}", plan.version());
    plan.options.container_image.clone().unwrap_or_else(ours)
}

fn environment(plan: &Plan<'_>) -> Vec<Value> {
    let from = |variable: &str, secret: &str, key: &str| json!({"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}});
    let secret = plan.names.object.as_str();
    let mut variables = vec![
        from("AUTHENTIK_HOST", secret, "authentik_host"),
        from("AUTHENTIK_HOST_BROWSER", secret, "authentik_host_browser"),
        from("AUTHENTIK_TOKEN", secret, "token"),
        from("AUTHENTIK_INSECURE", secret, "authentik_host_insecure"),
        json!({"name": "OUTPOST__SHUTDOWN__DELAY", "value": format!("{SHUTDOWN_DELAY}s")}),
    ];
    if plan.akprox {
        variables.push(json!({"name": "OUTPOST__COMPAT__AKPROX", "value": "true"}));
    }
    if let Some(store) = &plan.input.site.store {
        variables.push(from("OUTPOST__SESSIONS__STORE", &store.name, &store.key));
    }
    variables
}

fn notes(plan: &Plan<'_>, mut document: Document) -> Document {
    let pod = "/spec/template/spec";
    let container = format!("{pod}/containers/0");
    if plan.options.kubernetes.replicas > 1 && plan.input.site.store.is_none() {
        let note = "NOT YET GOOD FOR MORE THAN ONE REPLICA: each would have sessions of its own, so \
                    that people are asked to sign in again and again. Give all of them one store \
                    (Redis or Valkey), with its URL in a Secret, and add to env below:\n  \
                    - name: OUTPOST__SESSIONS__STORE\n    valueFrom:\n      secretKeyRef:\n        \
                    name: outpost-store\n        key: url";
        document = document.note("/spec/replicas", note);
    }
    if plan.input.site.store.is_some() {
        let last = environment(plan).len() - 1;
        let note = "redis://[user:password@]host[:6379][/database] or another URL of \
                    sessions.store: where all replicas keep their sessions.";
        document = document.note(format!("{container}/env/{last}"), note);
    } else if plan.options.kubernetes.replicas == 1 {
        let note = "Sessions are in memory: people sign in again after a restart, silently where \
                    authentik still knows them. A store in Redis keeps them \
                    (OUTPOST__SESSIONS__STORE), and allows for more replicas.";
        document = document.note("/spec/replicas", note);
    }
    match &plan.options.container_image {
        None => {
            let note = "As deploy/container/Containerfile makes it: push it to a registry of yours, and name \
                        it in the outpost's option container_image.";
            document = document.note(format!("{container}/image"), note);
        }
        Some(image) if is_stock(image) => {
            let note = "FILL IN: the outpost's option container_image names authentik's own \
                        outpost, for which this is not made.";
            document = document.note(format!("{container}/image"), note);
        }
        Some(_) => {}
    }
    document
        .note(
            "/spec/selector",
            "Core's: a selector cannot be changed, so a Deployment can only be taken over with it.",
        )
        .note("/spec/strategy", "A new pod serves before an old one ends.")
        .note(
            format!("{container}/env/4"),
            "A pod that is to end still serves for this long, until every proxy has heard of it.",
        )
        .note(
            format!("{container}/readinessProbe"),
            "Ready means: there is a configuration to serve.",
        )
        .note(
            format!("{container}/resources"),
            "No limit on the processor: it would only make people wait.",
        )
        .note(
            format!("{pod}/enableServiceLinks"),
            "No variables for every Service of the namespace.",
        )
        .note(
            format!("{pod}/terminationGracePeriodSeconds"),
            format!(
                "shutdown.delay ({SHUTDOWN_DELAY} s), shutdown.drain_timeout ({DRAIN} s), and some \
                 to spare."
            ),
        )
}
