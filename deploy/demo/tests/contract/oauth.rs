//! OAuth2: codes, tokens, introspection.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use outpost_demo::core::StandInCore;
use serde_json::{Value, json};

use crate::world::{core, exchanges, fixture, payload, same_head, same_shape, send, text, without};

/// Claims that differ in each token.
const VOLATILE: [&str; 6] = ["exp", "iat", "auth_time", "sid", "uid", "sub"];

/// A code for the client and redirect URI of a captured token request.
fn code_for(core: &StandInCore, form: &Value, username: &str) -> String {
    let client = core_client(core, text(form, "/client_id"));
    let mut url = url::Url::parse(&format!("{}/application/o/authorize/", core.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", &client.0)
        .append_pair("redirect_uri", &client.1)
        .append_pair("response_type", "code")
        .append_pair("scope", "email profile ak_proxy entitlements openid")
        .append_pair("state", "STATE.JWT.HERE");
    let callback = core.sign_in(url.as_str(), username).unwrap();
    let callback = url::Url::parse(&callback).unwrap();
    callback.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned()
}

/// Client id and redirect URI, falling back to the main provider for an unknown client.
fn core_client(core: &StandInCore, client_id: &str) -> (String, String) {
    let names = ["proxy-main", "proxy-fwd-single", "proxy-fwd-domain"];
    let specs: Vec<_> = names.iter().map(|name| core.provider(name).unwrap()).collect();
    let spec = specs.iter().find(|spec| spec.client_id == client_id).unwrap_or(&specs[0]);
    (spec.client_id.clone(), spec.registered_redirect_uris().remove(0))
}

/// Replays a captured code exchange with a code of ours.
async fn exchanged(core: &StandInCore, exchange: &Value, username: &str) -> Value {
    let mut request = exchange["request"].clone();
    let form = if request["form"].get("client_id").is_some() {
        request["form"].clone()
    } else {
        json!({"client_id": core.provider("proxy-main").unwrap().client_id})
    };
    request["form"]["code"] = json!(code_for(core, &form, username));
    let answer = send(core, &request).await;
    same_head(&answer, exchange);
    same_shape(&answer.json(), &exchange["response"]["body"], "token");
    answer.json()
}

#[tokio::test]
async fn tokens_carry_the_captured_claims() {
    for (file, username) in [
        ("13_token_exchange", "alice"),
        ("17_token_exchange_bob", "bob"),
        ("18b_token_exchange_fwd_single", "alice"),
    ] {
        let core = core(false);
        let captured = fixture(file);
        let answer = exchanged(&core, &captured, username).await;
        assert_eq!(answer["expires_in"], captured["response"]["body"]["expires_in"]);
        for (key, decoded) in
            [("access_token", "decoded_access_token"), ("id_token", "decoded_id_token")]
        {
            let Some(captured) = captured.get(decoded) else { continue };
            let token = answer[key].as_str().unwrap();
            let ours = payload(token);
            assert_eq!(
                without(&ours, &VOLATILE),
                without(&captured["payload"], &VOLATILE),
                "{file} {key}"
            );
            assert_eq!(ours["sid"].as_str().unwrap().len(), 64);
            let validity = ours["exp"].as_u64().unwrap() - ours["iat"].as_u64().unwrap();
            assert_eq!(json!(validity), answer["expires_in"]);
        }
    }
}

#[tokio::test]
async fn the_client_secret_signs_and_non_ascii_is_escaped() {
    let core = core(false);
    let captured = fixture("13_token_exchange");
    let answer = exchanged(&core, &captured, "alice").await;
    let token = answer["access_token"].as_str().unwrap();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[text(&captured, "/request/form/client_id")]);
    let key = DecodingKey::from_secret(text(&captured, "/request/form/client_secret").as_bytes());
    decode::<Value>(token, &key, &validation).unwrap();
    let claims = token.split('.').nth(1).unwrap();
    assert!(
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims)
            .unwrap()
            .is_ascii()
    );
}

#[tokio::test]
async fn the_issuer_follows_the_host_of_the_token_request() {
    let core = core(false);
    let captured = fixture("15_token_exchange_variants");
    for (exchange, issuer) in
        captured["exchanges"].as_array().unwrap().iter().zip(["iss_basic", "iss_host"])
    {
        let answer = exchanged(&core, exchange, "alice").await;
        assert_eq!(payload(answer["access_token"].as_str().unwrap())["iss"], captured[issuer]);
    }
}

#[tokio::test]
async fn token_errors_are_the_captured_ones() {
    let core = core(false);
    for exchange in exchanges("14_token_errors") {
        let mut request = exchange["request"].clone();
        let note = text(&exchange, "/note").to_owned();
        let needs_code = !["same code again", "made-up code", "no code", "GET instead of POST"]
            .contains(&note.as_str());
        if needs_code {
            request["form"]["code"] = json!(code_for(&core, &request["form"], "alice"));
        } else if note == "same code again" {
            request["form"]["code"] = json!(code_for(&core, &request["form"], "alice"));
            assert_eq!(send(&core, &request).await.status, 200);
        }
        let answer = send(&core, &request).await;
        same_head(&answer, &exchange);
        let captured = &exchange["response"]["body"];
        if captured.is_object() {
            assert_eq!(
                without(&answer.json(), &["request_id"]),
                without(captured, &["request_id"]),
                "{note}"
            );
        }
    }
}

#[tokio::test]
async fn a_code_lives_a_minute_and_a_wrong_secret_does_not_use_it_up() {
    let core = core(false);
    let mut request = fixture("13_token_exchange")["request"].clone();
    request["form"]["code"] = json!(code_for(&core, &request["form"], "alice"));
    let mut wrong = request.clone();
    wrong["form"]["client_secret"] = json!("nope");
    assert_eq!(send(&core, &wrong).await.json()["error"], "invalid_client");
    core.advance_clock(std::time::Duration::from_secs(59));
    assert_eq!(send(&core, &request).await.status, 200);
    request["form"]["code"] = json!(code_for(&core, &request["form"], "alice"));
    core.advance_clock(std::time::Duration::from_secs(60));
    assert_eq!(send(&core, &request).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn client_credentials_want_an_app_password_of_that_user() {
    let core = core(false);
    for exchange in ["22_client_credentials", "24b_client_credentials_denied_user"]
        .iter()
        .flat_map(|file| exchanges(file))
    {
        let answer = send(&core, &exchange["request"]).await;
        same_head(&answer, &exchange);
        let (ours, captured) = (answer.json(), &exchange["response"]["body"]);
        same_shape(&ours, captured, text(&exchange, "/note"));
        if answer.status == 200 {
            let token = |body: &Value| payload(body["access_token"].as_str().unwrap());
            same_shape(
                &without(&token(&ours), &VOLATILE),
                &without(&token(captured), &["exp", "iat", "auth_time", "uid", "sub"]),
                "claims",
            );
            assert!(token(&ours).get("sid").is_none() && token(&ours).get("amr").is_none());
        } else {
            assert_eq!(ours["error"], captured["error"], "{}", exchange["note"]);
        }
    }
}

#[tokio::test]
async fn introspection_is_active_for_its_own_access_tokens_only() {
    let core = core(false);
    let tokens = exchanged(&core, &fixture("13_token_exchange"), "alice").await;
    for exchange in exchanges("21_introspection") {
        let note = text(&exchange, "/note").to_owned();
        let mut request = exchange["request"].clone();
        match note.as_str() {
            "unknown token" | "app password is no token" => {}
            note if note.starts_with("id_token") => {
                request["form"]["token"] = tokens["id_token"].clone()
            }
            _ => request["form"]["token"] = tokens["access_token"].clone(),
        }
        let answer = send(&core, &request).await;
        same_head(&answer, &exchange);
        let captured = &exchange["response"]["body"];
        if captured["active"] == true {
            assert_eq!(
                without(&answer.json(), &VOLATILE[..5]),
                without(&with_our_sub(captured, &answer.json()), &VOLATILE[..5]),
                "{note}"
            );
        } else {
            assert_eq!(&answer.json(), captured, "{note}");
        }
    }
}

fn with_our_sub(captured: &Value, ours: &Value) -> Value {
    let mut captured = captured.clone();
    captured["sub"] = ours["sub"].clone();
    captured
}

#[tokio::test]
async fn introspection_never_takes_the_id_token_of_client_credentials() {
    let core = core(false);
    let tokens = send(&core, &exchanges("22_client_credentials")[0]["request"]).await.json();
    for (exchange, token) in
        exchanges("22b_client_credentials_introspect").iter().zip(["access_token", "id_token"])
    {
        let mut request = exchange["request"].clone();
        request["form"]["token"] = tokens[token].clone();
        let answer = send(&core, &request).await;
        same_head(&answer, exchange);
        same_shape(&answer.json(), &exchange["response"]["body"], token);
        assert_eq!(answer.json()["active"], exchange["response"]["body"]["active"], "{token}");
    }
}

#[tokio::test]
async fn userinfo_shows_the_claims_of_the_scopes() {
    let core = core(false);
    let tokens = exchanged(&core, &fixture("13_token_exchange"), "alice").await;
    let exchange = exchanges("23_userinfo").remove(0);
    let mut request = exchange["request"].clone();
    request["headers"]["Authorization"] =
        json!(format!("Bearer {}", tokens["access_token"].as_str().unwrap()));
    let answer = send(&core, &request).await;
    same_head(&answer, &exchange);
    assert_eq!(without(&answer.json(), &["sub"]), without(&exchange["response"]["body"], &["sub"]));
}

#[tokio::test]
async fn scope_mappings_are_merged_deeply() {
    let core = core(false);
    let captured = fixture("26_custom_scope_mapping");
    core.edit_provider("proxy-fwd-single", |spec| {
        let claims = json!({
            "ak_proxy": {
                "backend_override": "http://127.0.0.1:8082", "host_header": "upstream.internal",
                "user_attributes": {"from_mapping": true},
            },
            "custom_claim": [1, 2],
        });
        *spec = spec.clone().scope_mapping("ak_proxy_extra", claims);
    });
    let spec = core.provider("proxy-fwd-single").unwrap();
    let mut url = url::Url::parse(&format!("{}/application/o/authorize/", core.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", &spec.client_id)
        .append_pair("redirect_uri", &spec.registered_redirect_uris()[0])
        .append_pair("response_type", "code")
        .append_pair("scope", "email profile ak_proxy ak_proxy_extra entitlements openid");
    let callback = url::Url::parse(&core.sign_in(url.as_str(), "alice").unwrap()).unwrap();
    let exchange =
        &captured["exchanges"].as_array().map_or_else(|| captured.clone(), |all| all[0].clone());
    let mut request = exchange["request"].clone();
    request["form"]["code"] =
        json!(callback.query_pairs().find(|(key, _)| key == "code").unwrap().1);
    let ours = payload(send(&core, &request).await.json()["access_token"].as_str().unwrap());
    assert_eq!(
        without(&ours, &VOLATILE),
        without(&captured["decoded_access_token"]["payload"], &VOLATILE)
    );
}

#[tokio::test]
async fn discovery_and_keys_are_the_captured_ones() {
    let core = core(false);
    for exchange in ["10_discovery", "11_jwks"].iter().flat_map(|file| exchanges(file)) {
        let answer = send(&core, &exchange["request"]).await;
        same_head(&answer, &exchange);
        if exchange["response"]["body"].is_object() {
            use crate::world::unordered;
            assert_eq!(unordered(&answer.json()), unordered(&exchange["response"]["body"]));
        }
    }
}
