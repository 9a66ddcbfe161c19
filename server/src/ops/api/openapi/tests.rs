//! The description against what is answered: both ways, so that neither says more than the other.

use outpost_dashboard::model::{
    Certificate, Check, DecisionRow, Explained, Near, Notice, ProviderRef, ProviderRow,
    ReasonCount, Reasoning, Replica, SeenHeader, SessionRow, Setting, Severity, SkipRule, SkipTry,
    Snippet, SnippetFile, Speed, Step, Traffic, TrafficColumn,
};
use outpost_dashboard::model::{
    DecisionPage, Decisions, Doctor, ExplainPage, Fleet, Overview, ProviderPage, Providers,
    SessionPage, Store,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::ops::api::{PREFIX, calls};

/// The description, read.
pub(in crate::ops) fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// What is wrong with `value` by a schema of `document`; every field must be described, and every
/// one that is required be there. Understands what our schemas are made of, and refuses the rest.
pub(in crate::ops) fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(document, schema, value, "$", &mut faults);
    faults
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        faults.push(format!("{at}: no schema: {schema}"));
        return;
    };
    for (word, said) in schema {
        match (word.as_str(), value) {
            ("$ref", _) => {
                let target = document.pointer(said.as_str().unwrap().trim_start_matches('#'));
                check(document, target.expect("it leads somewhere"), value, at, faults);
            }
            ("type", _) => {
                let kinds: Vec<&str> = match said {
                    Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
                    kind => kind.as_str().into_iter().collect(),
                };
                if !kinds.iter().any(|kind| is_a(value, kind)) {
                    faults.push(format!("{at}: {value} is none of {kinds:?}"));
                }
            }
            ("properties", Value::Object(fields)) => {
                for (name, field) in fields {
                    let at = format!("{at}.{name}");
                    match said.get(name) {
                        Some(schema) => check(document, schema, field, &at, faults),
                        None => faults.push(format!("{at}: not described")),
                    }
                }
            }
            ("required", Value::Object(fields)) => {
                let missing = said.as_array().unwrap().iter().filter_map(Value::as_str);
                let missing = missing.filter(|name| !fields.contains_key(*name));
                faults.extend(missing.map(|name| format!("{at}.{name}: not there")));
            }
            ("items", Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    check(document, said, item, &format!("{at}[{index}]"), faults);
                }
            }
            ("prefixItems", Value::Array(items)) => {
                for (index, (schema, item)) in
                    said.as_array().unwrap().iter().zip(items).enumerate()
                {
                    check(document, schema, item, &format!("{at}[{index}]"), faults);
                }
            }
            ("anyOf" | "oneOf", _) => {
                let fits = |schema: &Value| self::faults(document, schema, value).is_empty();
                if !said.as_array().unwrap().iter().any(fits) {
                    faults.push(format!("{at}: {value} fits none of {said}"));
                }
            }
            ("const", _) if said != value => faults.push(format!("{at}: {value} is not {said}")),
            ("enum", _) if !said.as_array().unwrap().contains(value) => {
                faults.push(format!("{at}: {value} is not among {said}"));
            }
            ("minimum", Value::Number(number)) if number.as_f64() < said.as_f64() => {
                faults.push(format!("{at}: {value} is less than {said}"));
            }
            (
                "properties"
                | "required"
                | "items"
                | "prefixItems"
                | "const"
                | "enum"
                | "minimum"
                | "description"
                | "title"
                | "format"
                | "minItems"
                | "maxItems"
                | "default"
                | "maximum"
                | "additionalProperties",
                _,
            ) => {}
            (word, _) => faults.push(format!("{at}: the test does not know {word}")),
        }
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// The schema of what a call answers with.
pub(in crate::ops) fn answer_of<'d>(document: &'d Value, path: &str) -> &'d Value {
    let operation = &document["paths"][format!("{PREFIX}{path}")];
    let operation = operation.get("get").or_else(|| operation.get("post")).expect("described");
    &operation["responses"]["200"]["content"]["application/json"]["schema"]
}

fn named() -> ProviderRef {
    ProviderRef { pk: 1, name: "wiki".to_owned() }
}

fn text() -> String {
    "text".to_owned()
}

fn notice() -> Notice {
    Notice {
        severity: Severity::Warning,
        code: text(),
        provider: Some(named()),
        message: text(),
        remedy: text(),
    }
}

fn traffic() -> Traffic {
    Traffic { step: 10, columns: vec![TrafficColumn::default()] }
}

fn provider_row() -> ProviderRow {
    ProviderRow {
        hosts: vec![text()],
        sessions: Some(1),
        speed: Some(Speed::default()),
        certificate: Some(Certificate { names: vec![text()], expires: 1 }),
        findings: vec![notice(), Notice { provider: None, ..notice() }],
        ..ProviderRow::default()
    }
}

fn decision_row() -> DecisionRow {
    DecisionRow {
        provider: Some(named()),
        user: Some(text()),
        client: Some(text()),
        upstream: Some(0.5),
        failure: Some(text()),
        ..DecisionRow::default()
    }
}

fn reasoning() -> Reasoning {
    Reasoning {
        provider: Some(named()),
        steps: vec![Step::default()],
        headers: vec![SeenHeader::default()],
        near: vec![Near::default()],
        ..Reasoning::default()
    }
}

fn session_row() -> SessionRow {
    SessionRow {
        sid: Some(text()),
        idle_until: Some(1),
        client_address: Some(text()),
        ..SessionRow::default()
    }
}

/// For each path: an answer with something in every place, and one with nothing in any.
fn samples() -> Vec<(&'static str, Value)> {
    let fleet = Fleet {
        replicas: vec![Replica { refreshed: Some(1), ..Replica::default() }],
        error: Some(text()),
        ..Fleet::default()
    };
    let store = Store {
        speed: Some(Speed::default()),
        last_failure: Some((1, text())),
        ..Store::default()
    };
    let mut overview = Overview {
        core_version: Some(text()),
        missing: vec![notice()],
        findings: vec![notice()],
        fleet: fleet.clone(),
        store,
        traffic: traffic(),
        slowest: vec![provider_row()],
        sessions: Some(1),
        ..Overview::default()
    };
    overview.link.since = Some(1);
    overview.refresh.error = Some(text());
    let provider = ProviderPage {
        row: provider_row(),
        configuration: vec![Setting::default()],
        skip_rules: vec![SkipRule { problem: Some(text()), ..SkipRule::default() }],
        tried: Some(SkipTry { lines: vec![1], refused: Some(text()), ..SkipTry::default() }),
        decisions: vec![ReasonCount::default()],
        traffic: traffic(),
        snippets: vec![Snippet {
            files: vec![SnippetFile::default()],
            problem: Some(text()),
            ..Snippet::default()
        }],
        ..ProviderPage::default()
    };
    let decisions = Decisions {
        rows: vec![decision_row()],
        reasons: vec![text()],
        providers: vec![named()],
        ..Decisions::default()
    };
    let decision = DecisionPage {
        row: decision_row(),
        reasoning: reasoning(),
        logged: vec![(text(), text())],
        trace: Some(text()),
        ..DecisionPage::default()
    };
    let explained =
        Explained { reasoning: reasoning(), request: vec![text()], ..Explained::default() };
    let explain =
        ExplainPage { problem: Some(text()), explained: Some(explained), ..ExplainPage::default() };
    let check = Check { unknown: Some(text()), ..Check::default() };
    let doctor = Doctor {
        probed: Some(1),
        findings: vec![notice()],
        checks: vec![check],
        ..Doctor::default()
    };
    let session = SessionPage { row: session_row(), others: vec![session_row()], now: 1 };
    let providers = Providers { rows: vec![provider_row()], ..Providers::default() };
    [
        both("/overview", &overview),
        both("/providers", &providers),
        both("/providers/{pk}", &provider),
        both("/decisions", &decisions),
        both("/decisions/{id}", &decision),
        both("/explain", &explain),
        both("/doctor", &doctor),
        both("/fleet", &fleet),
        both("/sessions/{key}", &session),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn both<T: Default + Serialize>(path: &'static str, full: &T) -> [(&'static str, Value); 2] {
    [(path, json!(full)), (path, json!(T::default()))]
}

#[test]
fn every_field_of_every_answer_is_described() {
    let document = document();
    for (path, sample) in samples() {
        let faults = faults(&document, answer_of(&document, path), &sample);
        assert!(faults.is_empty(), "{path}: {faults:#?}");
    }
}

#[test]
fn every_field_that_is_described_is_answered() {
    // Left out of an answer where there is nothing to say.
    const MAY_BE_ABSENT: [&str; 5] = ["ended", "would_end", "subjects", "scanned", "remedy"];
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        // What is asked has what it needs, and answers have all that they can have.
        if name == "Revocation" {
            continue;
        }
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for field in schema["properties"].as_object().into_iter().flatten().map(|(field, _)| field)
        {
            let known = required.contains(&field.as_str()) || MAY_BE_ABSENT.contains(&&**field);
            assert!(known, "{name}.{field} is not said to be there");
        }
    }
}

#[test]
fn the_test_sees_what_is_wrong() {
    let document = document();
    for (path, change, fault) in [
        ("/overview", json!({ "instance": 1 }), "$.instance: 1 is none of"),
        ("/overview", json!({ "surprise": 1 }), "$.surprise: not described"),
        ("/overview", json!({ "link": { "state": "asleep" } }), "$.link.since: not there"),
    ] {
        let (_, mut sample) = samples().into_iter().find(|(of, _)| *of == path).unwrap();
        for (name, value) in change.as_object().unwrap() {
            sample[name] = value.clone();
        }
        let faults = faults(&document, answer_of(&document, path), &sample).join("\n");
        assert!(faults.contains(fault), "{faults}");
    }
    let mut sample = json!(Overview::default());
    sample.as_object_mut().unwrap().remove("traffic");
    let faults = faults(&document, answer_of(&document, "/overview"), &sample);
    assert_eq!(faults, ["$.traffic: not there"]);
}

#[test]
fn calls_and_their_description_are_the_same() {
    let document = document();
    let mut described: Vec<String> = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.push(format!("{} {path}", method.to_ascii_uppercase()));
            assert!(operation["summary"].is_string(), "{path}");
            assert!(ids.insert(operation["operationId"].to_string()), "twice: {operation}");
            assert_eq!(parameters(operation, "path"), in_braces(path), "{path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{path}: {parameter}");
            }
        }
    }
    let mut known: Vec<String> =
        calls::all().iter().map(|call| format!("{} {PREFIX}{}", call.method, call.path)).collect();
    described.sort();
    known.sort();
    assert_eq!(described, known);
}

fn in_braces(path: &str) -> Vec<String> {
    path.split(['{', '}']).skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// Names of the parameters of an operation at a place, sorted.
pub(in crate::ops) fn parameters(operation: &Value, place: &str) -> Vec<String> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let there = all.filter(|parameter| parameter["in"] == place);
    let mut names: Vec<String> =
        there.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn everything_is_said_in_words_and_every_reference_leads_somewhere() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut wordless = Vec::new();
    for (name, schema) in schemas {
        for (field, about) in schema["properties"].as_object().into_iter().flatten() {
            if about["description"].as_str().is_none_or(str::is_empty) {
                wordless.push(format!("{name}.{field}"));
            }
        }
    }
    assert!(wordless.is_empty(), "{wordless:?}");
    let mut unused: Vec<&str> = schemas.keys().map(String::as_str).collect();
    for reference in DOCUMENT.split("\"$ref\": \"#").skip(1) {
        let path = reference.split('"').next().unwrap();
        assert!(document.pointer(path).is_some(), "{path}");
        unused.retain(|name| !path.ends_with(&format!("/{name}")));
    }
    assert!(unused.is_empty(), "nobody answers with {unused:?}");
}
