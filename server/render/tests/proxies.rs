//! Configurations of reverse proxies, as files that are reviewed as diffs.
//!
//! `UPDATE_GOLDEN=1 cargo test -p outpost-render --test proxies` writes them anew.

#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "proxies/cases.rs"]
mod cases;

use std::path::PathBuf;

use outpost_render::{Input, RenderError, Target, render};
use proptest::prelude::*;
use serde_json::json;

const TARGETS: [Target; 9] = [
    Target::Nginx,
    Target::NginxProxyManager,
    Target::Caddy,
    Target::Envoy,
    Target::HaProxy,
    Target::Traefik,
    Target::TraefikLabels,
    Target::TraefikCrd,
    Target::TraefikCrdV2,
];

/// The forms of 2021.5.
const AKPROX: [Target; 5] = [
    Target::NginxAkprox,
    Target::IngressNginxAkprox,
    Target::TraefikAkprox,
    Target::TraefikLabelsAkprox,
    Target::TraefikCrdAkprox,
];

/// What `target` writes for `input`, compared with what was reviewed.
fn golden(target: Target, case: &str, input: &Input) {
    let rendered = render(target, input).expect("it can be written");
    for file in &rendered.files {
        assert!(file.text.ends_with('\n') && !file.text.ends_with("\n\n"), "{target:?} {case}");
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let folder = folder.join(target.code()).join(case);
        let path = folder.join(file.name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&path, &file.text).expect("written");
        }
        let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(file.text, reviewed, "{} differs", path.display());
    }
}

#[test]
fn every_kind_of_provider_is_written_as_reviewed() {
    for (case, input) in cases::all() {
        for target in TARGETS {
            golden(target, case, &input);
        }
    }
}

/// What was published in May 2021, for an application of today.
#[test]
fn the_form_of_2021_is_written_with_the_switch_on() {
    for target in AKPROX {
        golden(target, "published", &akprox());
        for (case, input) in cases::all().into_iter().filter(|(case, _)| *case != "more_headers") {
            assert!(render(target, &input).is_err(), "{target:?} {case}: without the switch");
        }
    }
}

/// An application of a set-up of 2021.5, on its old port.
fn akprox() -> Input {
    let more = json!({"akprox": true});
    let old = cases::application(1, "app", "forward_single", "https://app.example.com", more);
    let mut input = cases::input(vec![old]);
    input.site.outpost = "http://outpost:4180".parse().expect("a URL");
    let template = json!("authentik-outpost-%(uuid)s");
    input.outpost.uuid = "4a5b1c3e-0d2f-4e6a-8b7c-9d0e1f2a3b4c".to_owned();
    input.outpost.config.insert("object_naming_template".to_owned(), template);
    input
}

/// Each header of an application that is asked about is copied; what the outpost does not send is
/// named nowhere.
#[test]
fn exactly_the_headers_of_the_application_are_copied() {
    for (case, input) in cases::all() {
        let [application] = input.applications.as_slice() else { continue };
        let forwards = application.provider.mode == outpost_decision::provider::Mode::Proxy;
        for target in TARGETS {
            let text = render(target, &input).expect("it can be written").to_string();
            // Fields of Envoy's that only begin alike.
            let text = text.to_ascii_lowercase().replace("authorization_re", "");
            for name in application.headers() {
                let name = name.to_ascii_lowercase();
                assert!(forwards || text.contains(&name), "{target:?} {case}: {name}");
            }
            for name in ["x-auth-username", "remote-user", "authorization"] {
                let sent = application.headers().iter().any(|sent| sent.eq_ignore_ascii_case(name));
                assert_eq!(text.contains(name), sent, "{target:?} {case}: {name}");
            }
        }
    }
}

/// Docker labels say what the file says.
#[test]
fn labels_say_what_the_file_says() {
    for (case, input) in cases::all() {
        let file = parsed(Target::Traefik, &input);
        let mut said = std::collections::BTreeMap::new();
        for part in ["routers", "middlewares"] {
            flatten(&mut said, &format!("traefik.http.{part}"), &file["http"][part]);
        }
        let mut labels = std::collections::BTreeMap::new();
        let services = parsed(Target::TraefikLabels, &input);
        for (_, service) in services["services"].as_object().expect("services") {
            for (name, value) in service["labels"].as_object().expect("labels") {
                let value = value.as_str().expect("a text").replace("$$", "$");
                labels.insert(name.to_ascii_lowercase(), value);
            }
        }
        labels.retain(|name, _| {
            name.starts_with("traefik.http.routers.")
                || name.starts_with("traefik.http.middlewares.")
        });
        assert_eq!(labels, said, "{case}");
    }
}

fn parsed(target: Target, input: &Input) -> serde_json::Value {
    let rendered = render(target, input).expect("it can be written");
    serde_saphyr::from_str(&rendered.files[0].text).expect("YAML")
}

/// As Docker labels are written.
fn flatten(
    said: &mut std::collections::BTreeMap<String, String>,
    name: &str,
    value: &serde_json::Value,
) {
    use serde_json::Value;
    let scalar = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = match value {
        Value::Object(members) if members.is_empty() => "true".to_owned(),
        Value::Object(members) => {
            for (member, value) in members {
                flatten(said, &format!("{name}.{}", member.to_ascii_lowercase()), value);
            }
            return;
        }
        Value::Array(items) => items.iter().map(scalar).collect::<Vec<_>>().join(","),
        other => scalar(other),
    };
    said.insert(name.to_owned(), text);
}

/// Slugs are core's to choose: none takes the name of something else in a configuration, and none
/// that Kubernetes would take for another's.
#[test]
fn no_slug_takes_another_ones_name() {
    let slugs = ["clean", "outpost", "Wiki", "wiki", "a_b", "a-b", "provider-1", "websocket"];
    let applications = slugs.iter().zip(1..).map(|(slug, pk)| {
        let external = format!("https://host.example.com/p{pk}/");
        cases::application(pk, slug, "forward_single", &external, json!({}))
    });
    let input = cases::input(applications.collect());
    let file = parsed(Target::Traefik, &input);
    let middlewares = file["http"]["middlewares"].as_object().expect("middlewares");
    let asking = middlewares.values().filter(|one| one.get("forwardAuth").is_some());
    assert_eq!(asking.count(), slugs.len());
    assert!(middlewares["outpost-clean"].get("headers").is_some());
    assert_eq!(file["http"]["routers"].as_object().expect("routers").len(), slugs.len() + 1);
    for target in [Target::TraefikCrd, Target::TraefikCrdV2] {
        let text = render(target, &input).expect("it can be written").to_string();
        let mut names = std::collections::HashSet::new();
        let lines: Vec<&str> = text.lines().collect();
        let kinds = lines.iter().enumerate().filter(|(_, line)| line.starts_with("kind: "));
        for (at, kind) in kinds {
            let name = lines[at..].iter().find(|line| line.starts_with("  name: "));
            assert!(names.insert((*kind, name)), "{target:?}: {kind} {name:?}");
        }
        assert_eq!(names.len(), 2 + slugs.len() * 2 + 1, "{target:?}");
    }
    let caddy = render(Target::Caddy, &input).expect("it can be written").to_string();
    let mut matchers: Vec<&str> = caddy
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with('@') && !line.starts_with("@said_"))
        // Within the answer to a check: a place of its own.
        .filter(|line| !line.starts_with("@let_through") && !line.starts_with("@odd"))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let all = matchers.len();
    matchers.sort_unstable();
    matchers.dedup();
    assert_eq!(matchers.len(), all, "{matchers:?}");
}

/// A configuration that is written for somebody's mistake is worse than none.
#[test]
fn what_cannot_be_written_is_refused_with_what_to_change() {
    let site = |change: fn(&mut outpost_render::Site)| {
        let mut input = cases::all().swap_remove(1).1;
        change(&mut input.site);
        input
    };
    for (what, input) in [
        ("outpost", site(|site| site.outpost = "http://o/path".parse().expect("a URL"))),
        ("outpost", site(|site| site.outpost = "http://a;b{c".parse().expect("a URL"))),
        ("upstream", site(|site| site.upstream = "ftp://a".parse().ok())),
        ("upstream", site(|site| site.upstream = "http://user@a".parse().ok())),
        ("host", site(|site| site.hosts = vec!["a b".to_owned()])),
        ("host", site(|site| site.hosts = vec!["app.example.com;".to_owned()])),
        (
            "tls",
            site(|site| {
                site.tls = Some(outpost_render::TlsFiles {
                    certificate: "/etc/a;b".to_owned(),
                    key: "/k".to_owned(),
                });
            }),
        ),
    ] {
        for target in TARGETS {
            // Not everything is written for each of them.
            let Err(error) = render(target, &input) else { continue };
            let RenderError::Site { what: named, .. } = error else {
                panic!("{target:?}: {error}")
            };
            assert_eq!(named, what, "{target:?}");
        }
        assert!(render(Target::Nginx, &input).is_err(), "{what}");
    }
}

proptest! {
    /// Whatever core says, nothing of it breaks out of its place: what is written is made of the
    /// very lines that a harmless name gives.
    #[test]
    fn names_never_break_out(
        name in any_text(),
        path in "(/[a-z0-9\"'$;{}()%`|*,=~^@!+-]{0,8}){0,2}",
        header in "[A-Za-z!#$%&'*+.^_`|~-]{1,12}",
    ) {
        let external = format!("https://app.example.com{path}/");
        let mut input = cases::input(vec![]);
        let named = json!({"name": name});
        let compiled = cases::compiled(9, "app", "forward_single", &external, named);
        let Some(mut application) = compiled else {
            return Ok(());
        };
        application.additional = vec![header.clone()];
        input.applications = vec![application];
        let harmless = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b))
            && header.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        for target in TARGETS {
            match render(target, &input) {
                Err(error) => {
                    prop_assert!(!harmless, "{target:?}: {error}");
                    prop_assert!(!error.to_string().contains(['\n', '"', '$', '{']), "{error}");
                }
                Ok(rendered) => {
                    prop_assert!(harmless, "{target:?}: {path} {header}");
                    for file in rendered.files {
                        check_lines(target, &file.text, &name)?;
                    }
                }
            }
        }
    }
}

/// The name stands in comments alone, and a comment has nothing that could end or be replaced.
fn check_lines(target: Target, text: &str, name: &str) -> Result<(), TestCaseError> {
    for line in text.lines() {
        prop_assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{target:?}: {line:?}");
        let bare = line.trim_start();
        if bare.starts_with("#   ") {
            prop_assert!(!bare[1..].contains(['{', '}', '$', ';', '\\', '#', '"']), "{line:?}");
        } else if name.len() > 3 && name.contains(|c: char| !c.is_ascii_graphic()) {
            prop_assert!(!line.contains(name), "{target:?}: {line:?}");
        }
    }
    Ok(())
}

/// Text with everything that means something to anybody.
fn any_text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            Just("\n"),
            Just("\r\n"),
            Just("\""),
            Just("'"),
            Just("$"),
            Just("{"),
            Just("}"),
            Just(";"),
            Just("\\"),
            Just("#"),
            Just("`"),
            Just("{$HOME}"),
            Just("%[src]"),
            Just("*/"),
            Just("\u{2028}"),
            Just("\0"),
            Just("location / {"),
            Just("- a: b"),
            Just("name"),
            Just(" "),
        ],
        0..12,
    )
    .prop_map(|words| words.concat())
}
