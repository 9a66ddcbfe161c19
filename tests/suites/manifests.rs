//! What `outpost render` writes for Kubernetes and Compose, as the programs it is for read it: every
//! reviewed file of the renderer, held against the schemas that Kubernetes and the makers of custom
//! resources publish, and read by Docker Compose itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use outpost_tests::folder::Folder;
use outpost_tests::parts;
use outpost_tests::repository::root;
use serde::Deserialize;
use serde_json::Value;

/// What the validator says.
#[derive(Debug, Deserialize)]
struct Said {
    problems: Vec<String>,
    kinds: BTreeMap<String, usize>,
}

/// Files below the renderer's reviewed ones for these targets, in order.
fn reviewed(targets: &[&str]) -> Vec<PathBuf> {
    let golden = root().join("server/render/tests/golden");
    let mut files = Vec::new();
    for target in targets {
        let before = files.len();
        for case in fs::read_dir(golden.join(target)).unwrap() {
            let case = fs::read_dir(case.unwrap().path()).unwrap();
            files.extend(case.map(|file| file.unwrap().path()));
        }
        assert!(files.len() > before, "nothing for {target}");
    }
    files.sort();
    files
}

/// Python, with the packages that `tests/run` installs.
fn python() -> Command {
    Command::new(parts::find("kubernetes-validate").with_file_name("python"))
}

fn said(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn validated(files: &[PathBuf]) -> Said {
    let mut command = python();
    command
        .arg(root().join("tests/suites/manifests/validate.py"))
        .arg(root().join("tests/fixtures/crds"));
    serde_json::from_slice(&said(command.args(files))).unwrap()
}

#[test]
fn every_object_is_as_its_schema_wants_it() {
    let said = validated(&reviewed(&[
        "kubernetes",
        "ingress-nginx",
        "istio",
        "gateway",
        "traefik-crd",
        "traefik-crd-v2",
        "traefik-crd-akprox",
    ]));
    assert!(said.problems.is_empty(), "{:#?}", said.problems);
    for kind in [
        "AuthorizationPolicy",
        "ConfigMap",
        "Deployment",
        "HTTPRoute",
        "Ingress",
        "IngressRoute",
        "MeshConfig",
        "Middleware",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "ReferenceGrant",
        "Secret",
        "SecurityPolicy",
        "Service",
        "ServiceMonitor",
        "VirtualService",
    ] {
        assert!(said.kinds.contains_key(kind), "no {kind} in {:?}", said.kinds);
    }
}

/// Each with something wrong that is to be seen.
#[test]
fn what_is_wrong_with_an_object_would_be_seen() {
    let folder = Folder::new();
    let mut spoilt = Vec::new();
    for (number, (target, file, right, wrong)) in [
        ("kubernetes/defaults", "outpost.yaml", "replicas: 1", "replicas: one"),
        (
            "kubernetes/defaults",
            "outpost.yaml",
            "readOnlyRootFilesystem:",
            "readonlyRootFilesystem:",
        ),
        ("kubernetes/defaults", "outpost.yaml", "runAsNonRoot: true", "runAsNonRoot: \"yes\""),
        ("kubernetes/defaults", "outpost.yaml", "router.tls: \"true\"", "router.tls: true"),
        ("kubernetes/defaults", "servicemonitor.yaml", "matchLabels:", "matchlabels:"),
        (
            "kubernetes/defaults",
            "traefik-middleware.yaml",
            "authResponseHeaders:",
            "responseHeaders:",
        ),
        ("kubernetes/defaults", "traefik-middleware.yaml", "forwardAuth:", "forward:"),
        ("kubernetes/kubernetes_httproute", "httproute.yaml", "type: PathPrefix", "type: Prefix"),
        ("gateway/april_2026", "gateway.yaml", "headersToBackend:", "headersToUpstream:"),
        ("gateway/april_2026", "gateway.yaml", "port: 9000", "port: http"),
        ("istio/april_2026", "istio.yaml", "notPaths:", "exceptPaths:"),
        ("istio/april_2026", "istio.yaml", "action: CUSTOM", "action: ASK"),
        ("istio/april_2026", "istio.yaml", "number: 5678", "number: http"),
        ("istio/april_2026", "istio-mesh.yaml", "failOpen: false", "failOpen: off_"),
        ("ingress-nginx/april_2026", "ingress-nginx.yaml", "pathType: Prefix", "pathtype: Prefix"),
        ("traefik-crd/single", "traefik.yml", "middlewares:", "middleware:"),
        ("traefik-crd/single", "traefik.yml", "kind: Rule", "kind: Route"),
        ("traefik-crd-v2/single", "traefik.yml", "customRequestHeaders:", "customRequestHeader:"),
        (
            "traefik-crd-v2/single",
            "traefik.yml",
            "trustForwardHeader: ",
            "addAuthCookiesToResponse: [a]\n    trustForwardHeader: ",
        ),
        ("traefik-crd-akprox/published", "akprox.yml", "- kind: Rule", "- kind: Route"),
    ]
    .into_iter()
    .enumerate()
    {
        let golden = root().join("server/render/tests/golden");
        let text = fs::read_to_string(golden.join(target).join(file)).unwrap();
        assert!(text.contains(right), "{target}/{file} has no {right}");
        let file = folder.write(&format!("{number}.yaml"), &text.replace(right, wrong));
        spoilt.push((file, wrong));
    }
    let files: Vec<PathBuf> = spoilt.iter().map(|(file, _)| file.clone()).collect();
    let said = validated(&files);
    for (file, wrong) in spoilt {
        let name = format!("{}:", file.display());
        assert!(said.problems.iter().any(|text| text.starts_with(&name)), "{wrong} was not seen");
    }
}

/// `no`, `0755`, `1e3`, dates: what readers of YAML 1.1 take for something else.
#[test]
fn strings_stay_strings_for_readers_of_old() {
    const READ: &str = "import json, sys, yaml\n\
        read = yaml.safe_load(open(sys.argv[1], encoding='utf-8'))\n\
        assert read == json.load(open(sys.argv[2], encoding='utf-8')), read\n\
        print(len(read['values']))";
    let folder = root().join("server/render/tests/golden/yaml");
    let mut command = python();
    command.args(["-c", READ]).arg(folder.join("strings.yaml")).arg(folder.join("strings.json"));
    let count: usize = String::from_utf8(said(&mut command)).unwrap().trim().parse().unwrap();
    assert!(count > 50, "{count}");
}

#[test]
fn docker_compose_takes_every_file() {
    for file in reviewed(&["compose"]) {
        let folder = Folder::new();
        let text = fs::read_to_string(&file).unwrap();
        let copy = folder.write("compose.yml", &text);
        let mut command = Command::new(parts::find("docker-compose"));
        command.current_dir(folder.path()).env_clear().arg("-f").arg(copy);
        let read: Value =
            serde_json::from_slice(&said(command.args(["config", "--format", "json"]))).unwrap();
        let outpost = &read["services"]["outpost"];
        assert_eq!(outpost["read_only"], true, "{}", file.display());
        assert_eq!(outpost["cap_drop"][0], "ALL", "{}", file.display());
        // Nothing is replaced: every dollar sign stands twice.
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        for line in lines {
            assert!(!line.replace("$$", "").contains('$'), "{}: {line}", file.display());
        }
    }
}
