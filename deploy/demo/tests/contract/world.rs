//! A stand-in core set up like the real one was when the payloads were captured, and ways to compare.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use outpost_demo::core::{CoreOptions, KeyPairSpec, ProviderSpec, StandInCore, UserSpec};
use serde_json::{Map, Value, json};

/// A captured file.
pub(crate) fn fixture(name: &str) -> Value {
    let path = format!("{}/../../tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// Every request and answer of a captured file.
pub(crate) fn exchanges(name: &str) -> Vec<Value> {
    let file = fixture(name);
    match file.get("exchanges").and_then(Value::as_array) {
        Some(exchanges) => exchanges.clone(),
        None => vec![file],
    }
}

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer}"))
}

/// The core of the captures: same token, outpost, providers, users and key pair.
pub(crate) fn core(flow_redirects: bool) -> StandInCore {
    let outpost = fixture("01_outposts_instances")["response"]["body"]["results"][0].clone();
    let header =
        text(&fixture("01_outposts_instances"), "/request/headers/Authorization").to_owned();
    let admin = exchanges("06_wrong_token")
        .into_iter()
        .find(|exchange| exchange["note"].as_str().is_some_and(|note| note.contains("superuser")))
        .unwrap();
    let token = |header: &str| header.strip_prefix("Bearer ").unwrap().to_owned();
    let config: Map<String, Value> = serde_json::from_value(json!({"log_level": "debug"})).unwrap();
    let core = StandInCore::start(CoreOptions {
        outpost_uuid: text(&outpost, "/pk").parse().unwrap(),
        outpost_name: text(&outpost, "/name").to_owned(),
        token: token(&header),
        admin_token: token(text(&admin, "/request/headers/Authorization")),
        config,
        flow_redirects,
        ..CoreOptions::default()
    })
    .unwrap();
    let mut records =
        fixture("02_outposts_proxy")["response"]["body"]["results"].as_array().unwrap().clone();
    records.sort_by_key(|record| record["pk"].as_u64());
    for record in &records {
        core.put_provider(provider(record)).unwrap();
    }
    let keypair = KeyPairSpec {
        name: "proxy-tls".to_owned(),
        certificate_pem: text(&fixture("04_keypair_view_certificate"), "/response/body/data")
            .to_owned(),
        private_key_pem: text(&fixture("04_keypair_view_private_key"), "/response/body/data")
            .to_owned(),
    };
    core.replace_keypair(
        text(&fixture("04_keypair_retrieve"), "/response/body/pk").parse().unwrap(),
        keypair,
    );
    let app_password = |index: usize| {
        text(&exchanges("24b_client_credentials_denied_user")[index], "/request/form/password")
            .to_owned()
    };
    let alice = fixture("13_token_exchange")["decoded_access_token"]["payload"].clone();
    core.put_user(
        UserSpec::new("alice", "alice-pass-1")
            .name(text(&alice, "/name"))
            .email("alice@test.local")
            .groups(&["devs", "admins"])
            .entitled("app-proxy", "can-write")
            .attributes(alice["ak_proxy"]["user_attributes"].clone())
            .app_password(&app_password(1)),
    );
    core.put_user(
        UserSpec::new("bob", "bob-pass-1")
            .name("Bob B.")
            .email("bob@test.local")
            .groups(&["empty-group"])
            .app_password(&app_password(0))
            .denied("app-fwd-domain"),
    );
    core
}

fn provider(record: &Value) -> ProviderSpec {
    let field = |name: &str| text(record, &format!("/{name}")).to_owned();
    let flag = |name: &str| record[name].as_bool().unwrap();
    let (slug, external) = (field("assigned_application_slug"), field("external_host"));
    let mut spec = match field("mode").as_str() {
        "proxy" => ProviderSpec::proxy(&slug, &external, &field("internal_host")),
        "forward_single" => ProviderSpec::forward_single(&slug, &external),
        _ => ProviderSpec::forward_domain(&slug, &external, &field("cookie_domain")),
    };
    spec.name = field("name");
    spec.application_name = field("assigned_application_name");
    spec.internal_host_ssl_validation = flag("internal_host_ssl_validation");
    spec.client_id = field("client_id");
    spec.client_secret = field("client_secret");
    spec.cookie_secret = field("cookie_secret");
    spec.certificate = record["certificate"].as_str().map(|uuid| uuid.parse().unwrap());
    spec.skip_path_regex = field("skip_path_regex");
    spec.basic_auth_enabled = flag("basic_auth_enabled");
    spec.basic_auth_user_attribute = field("basic_auth_user_attribute");
    spec.basic_auth_password_attribute = field("basic_auth_password_attribute");
    spec.access_token_validity = record["access_token_validity"].as_f64().unwrap();
    spec.intercept_header_auth = flag("intercept_header_auth");
    spec
}

/// An answer of the stand-in.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Sends a captured request to the stand-in, with the host it was captured at.
pub(crate) async fn send(core: &StandInCore, request: &Value) -> Answer {
    let url = text(request, "/url").replacen("http://127.0.0.1:8000", &core.url(), 1);
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut builder = client.request(text(request, "/method").parse().unwrap(), url);
    let headers = request["headers"].as_object().unwrap();
    if !headers.contains_key("Host") {
        builder = builder.header("Host", "127.0.0.1:8000");
    }
    for (name, value) in headers {
        builder = builder.header(name, value.as_str().unwrap());
    }
    if let Some(form) = request["form"].as_object() {
        let encoded = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form.iter().map(|(name, value)| (name, value.as_str().unwrap())))
            .finish();
        builder = builder.body(encoded);
    } else if let Some(json) = request.get("json").filter(|json| !json.is_null()) {
        builder = builder.body(json.to_string());
    } else if let Some(raw) = request["raw_body"].as_str() {
        builder = builder.body(raw.to_owned());
    }
    let response = builder.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text().await.unwrap(),
    }
}

/// Status and the headers that mean something are those captured.
pub(crate) fn same_head(answer: &Answer, exchange: &Value) {
    let about = format!("{} {}", exchange["note"], exchange["request"]["url"]);
    let captured = &exchange["response"];
    assert_eq!(u64::from(answer.status), captured["status"].as_u64().unwrap(), "{about}");
    let captured: Vec<(&str, &str)> = captured["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect();
    for name in [
        "content-type",
        "allow",
        "cache-control",
        "pragma",
        "server",
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
        "access-control-allow-origin",
    ] {
        let expected = captured.iter().find(|(header, _)| *header == name).map(|(_, value)| *value);
        assert_eq!(answer.header(name), expected, "{name} of {about}");
    }
    assert_eq!(answer.header("x-authentik-id").map(str::len), Some(32), "{about}");
}

/// The same keys with the same types of values, all the way down; arrays by their first element.
pub(crate) fn same_shape(ours: &Value, captured: &Value, at: &str) {
    match (ours, captured) {
        (Value::Object(ours), Value::Object(captured)) => {
            let keys = |map: &Map<String, Value>| {
                map.keys().cloned().collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(keys(ours), keys(captured), "keys at {at}");
            for (key, value) in captured {
                same_shape(&ours[key], value, &format!("{at}/{key}"));
            }
        }
        (Value::Array(ours), Value::Array(captured)) => {
            assert_eq!(ours.is_empty(), captured.is_empty(), "emptiness at {at}");
            if let (Some(ours), Some(captured)) = (ours.first(), captured.first()) {
                same_shape(ours, captured, &format!("{at}/0"));
            }
        }
        (ours, captured) => {
            assert_eq!(kind(ours), kind(captured), "type at {at}: {ours} for {captured}");
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Sorts every array of texts, whose order core leaves open.
pub(crate) fn unordered(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let mut items = items.clone();
            items.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            Value::Array(items)
        }
        Value::Array(items) => items.iter().map(unordered).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), unordered(value))).collect()
        }
        other => other.clone(),
    }
}

/// An object without some keys.
pub(crate) fn without(value: &Value, keys: &[&str]) -> Value {
    let mut value = value.clone();
    keys.iter().for_each(|key| {
        value.as_object_mut().unwrap().remove(*key);
    });
    value
}

/// The payload of a JWT, not verified.
pub(crate) fn payload(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap())
        .unwrap()
}
