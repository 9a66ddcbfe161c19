//! Compose files: as Docker Compose reads them, with settings that the outpost takes.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use outpost_demo::core::{CoreOptions, StandInCore};
use outpost_tests::folder::Folder;
use outpost_tests::program::run;
use outpost_tests::repository::{read, root};
use outpost_tests::{Program, parts};
use serde_json::Value;

use crate::deploy::support::said;

const FILES: [&str; 2] = ["single.yml", "replicas.yml"];

/// What `docker compose config` says of a file.
fn config(file: &str, variables: &str) -> Output {
    let folder = Folder::new();
    let variables = folder.write("env", variables);
    let mut command = Command::new(parts::find("docker-compose"));
    command.current_dir(root().join("deploy/compose")).env_clear().arg("--env-file").arg(variables);
    command.args(["-f", file, "config", "--format", "json"]).output().unwrap()
}

/// A file with all that it refers to filled in, the variables being those of the example.
pub(crate) fn composed(file: &str) -> Value {
    let output = config(file, &read("deploy/compose/env.example"));
    assert!(output.status.success(), "{file}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The services of a file that are outposts, by name.
pub(crate) fn outposts(file: &Value) -> Vec<(String, Value)> {
    let services = file["services"].as_object().unwrap().iter();
    let outposts = services.filter(|(name, _)| name.starts_with("outpost"));
    outposts.map(|(name, service)| (name.clone(), service.clone())).collect()
}

#[test]
fn what_is_missing_is_named() {
    for file in FILES {
        let output = config(file, "");
        assert!(!output.status.success(), "{file}");
        assert!(said(&output).contains("AUTHENTIK_HOST"), "{file}: {}", said(&output));
    }
}

#[test]
fn the_outposts_settings_are_right() {
    for file in FILES {
        for (name, service) in outposts(&composed(file)) {
            let etc = Folder::new();
            etc.write("outpost_token", "a-token-of-the-outpost");
            etc.write("outpost_store", "redis://:password@redis:6379/0");
            let secrets = format!("{}/", etc.path().display());
            let variables: Vec<(String, String)> = service["environment"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| {
                    (name.clone(), value.as_str().unwrap().replace("/run/secrets/", &secrets))
                })
                .collect();
            let variables: Vec<_> =
                variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let said = run(&["config", "--check"], &variables);
            assert!(said.status.success(), "{file}, {name}: {said:?}");
            // Compose waits until it has finished what is under way.
            let said = run(&["config"], &variables);
            let settings = String::from_utf8(said.stdout).unwrap();
            let seconds = |key: &str| -> u64 {
                let line =
                    settings.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
                let value = line.unwrap_or_else(|| panic!("{key} in {settings}"));
                value.split_once("s\"").unwrap().0.parse().unwrap()
            };
            let needs = seconds("delay") + seconds("drain_timeout");
            let has = service["stop_grace_period"].as_str().unwrap().strip_suffix('s').unwrap();
            assert!(has.parse::<u64>().unwrap() > needs, "{file}, {name}: {has} s for {needs} s");
        }
    }
}

#[test]
fn no_container_can_gain_anything_or_show_a_secret() {
    for file in FILES {
        let composed = composed(file);
        let declared: BTreeSet<_> = composed["secrets"].as_object().unwrap().keys().collect();
        let mut used = BTreeSet::new();
        for (name, service) in composed["services"].as_object().unwrap() {
            assert_eq!(service["read_only"], true, "{file}, {name}");
            assert_eq!(service["cap_drop"][0], "ALL", "{file}, {name}");
            assert_eq!(service["security_opt"][0], "no-new-privileges:true", "{file}, {name}");
            assert!(service.get("privileged").is_none(), "{file}, {name}");
            for secret in service["secrets"].as_array().into_iter().flatten() {
                used.insert(secret["source"].as_str().unwrap().to_owned());
            }
            for (variable, value) in service["environment"].as_object().into_iter().flatten() {
                let secret =
                    ["TOKEN", "PASSWORD", "SECRET", "KEY"].iter().any(|it| variable.contains(it));
                let file = value.as_str().unwrap().starts_with("file:///run/secrets/");
                assert!(!secret || file, "{name}: {variable}");
            }
        }
        assert_eq!(used.iter().collect::<BTreeSet<_>>(), declared, "{file}");
    }
}

#[test]
fn replicas_differ_in_nothing() {
    let replicas = outposts(&composed("replicas.yml"));
    assert_eq!(replicas.len(), 3);
    for (name, replica) in &replicas {
        assert_eq!(replica, &replicas[0].1, "{name}");
        assert!(replica.get("ports").is_none(), "only the balancer is published: {name}");
    }
}

/// Forwarding headers are believed from one address, which is the balancer's own.
#[test]
fn nobody_but_the_balancer_is_believed() {
    const TRUSTED: &str = "AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS";
    let composed = composed("replicas.yml");
    let place = &composed["services"]["balancer"]["networks"]["outposts"]["ipv4_address"];
    let place = place.as_str().unwrap();
    for (name, replica) in outposts(&composed) {
        let trusted = replica["environment"][TRUSTED].as_str().unwrap();
        assert_eq!(trusted, format!("{place}/32"), "{name}");
    }
    let of = |name: &str| composed["networks"]["outposts"]["ipam"]["config"][0][name].clone();
    let (subnet, others) = (of("subnet"), of("ip_range"));
    // The others' half is above it.
    let (network, last) = place.rsplit_once('.').unwrap();
    assert_eq!(subnet.as_str().unwrap(), format!("{network}.0/24"));
    assert_eq!(others.as_str().unwrap(), format!("{network}.128/25"));
    assert!(last.parse::<u8>().unwrap() < 128, "{place}");
}

#[test]
fn a_single_outpost_believes_what_comes_from_its_host_and_nobody_where_browsers_reach_it() {
    const TRUSTED: &str = "AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS";
    let example = read("deploy/compose/env.example");
    let (_, none) = example.split_once("#OUTPOST_TRUSTED_PROXIES=").unwrap();
    let none = none.trim();
    let trusted = |variables: &str| {
        let output = config("single.yml", variables);
        let file: Value = serde_json::from_slice(&output.stdout).unwrap();
        let trusted = file["services"]["outpost"]["environment"][TRUSTED].as_str().unwrap();
        let network = &file["networks"]["outpost"]["ipam"]["config"][0]["gateway"];
        (trusted.to_owned(), format!("{}/32", network.as_str().unwrap()))
    };
    let (host, gateway) = trusted(&example);
    assert_eq!(host, gateway);
    let (told, _) = trusted(&format!("{example}OUTPOST_TRUSTED_PROXIES={none}\n"));
    assert_eq!(told, none);
    // RFC 5737: an address for documentation, which is nobody's.
    assert_eq!(told, "192.0.2.1/32");
}

/// An upgrade goes on with the next replica when this says that one can serve.
#[tokio::test]
async fn a_replica_is_healthy_when_it_is_ready() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let outpost = Program::start(&core, &[]);
    outpost.serves(0).await;
    let refused = Program::start(&core, &[("AUTHENTIK_TOKEN", "no-token-of-this-core")]);
    for file in FILES {
        for (name, service) in outposts(&composed(file)) {
            let test: Vec<String> =
                serde_json::from_value(service["healthcheck"]["test"].clone()).unwrap();
            assert_eq!(test[..2], ["CMD", "/usr/local/bin/outpost"], "{file}, {name}");
            let words: Vec<_> = test[2..].iter().map(String::as_str).collect();
            for (program, code) in [(&outpost, 0), (&refused, 1)] {
                let metrics = program.address("metrics").await.to_string();
                let (host, token) = (core.url(), core.token());
                let variables = [
                    ("AUTHENTIK_HOST", host.as_str()),
                    ("AUTHENTIK_TOKEN", &token),
                    ("AUTHENTIK_LISTEN__METRICS", &metrics),
                ];
                let said = run(&words, &variables);
                assert_eq!(said.status.code(), Some(code), "{file}, {name}: {said:?}");
            }
        }
    }
}

/// What the balancer listens on is what is published, and whom it asks is who there is.
#[test]
fn the_balancer_knows_the_outposts() {
    let composed = composed("replicas.yml");
    let balancer = read("deploy/compose/balancer.cfg");
    let bound: BTreeSet<u64> = balancer
        .lines()
        .filter_map(|line| line.trim().strip_prefix("bind :"))
        .map(|port| port.parse().unwrap())
        .collect();
    let published = composed["services"]["balancer"]["ports"].as_array().unwrap();
    let published: BTreeSet<u64> =
        published.iter().map(|port| port["target"].as_u64().unwrap()).collect();
    assert_eq!(bound, published);
    let asked: BTreeSet<&str> = balancer
        .lines()
        .filter_map(|line| line.trim().strip_prefix("server "))
        .map(|server| server.split_once(' ').unwrap().1.split_once(':').unwrap().0)
        .collect();
    let outposts = outposts(&composed);
    assert_eq!(asked, outposts.iter().map(|(name, _)| name.as_str()).collect());
}
