//! The handle of the stand-in core: what tests make it do, and what they see.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use outpost_demo::core::{
    CoreOptions, Endpoint, Fault, ProviderSpec, SignInError, Signature, Signing, StandInCore,
    StartError, UserSpec,
};
use reqwest::{Client, StatusCode};
use serde_json::{Map, Value, json};

fn core(options: CoreOptions) -> StandInCore {
    let core = StandInCore::start(options).unwrap();
    core.put_provider(ProviderSpec::proxy("app", "http://app.test:9000", "http://127.0.0.1:1"))
        .unwrap();
    core.put_user(UserSpec::new("alice", "alice-password").app_password("app-password"));
    core
}

/// One connection per request: nothing of a stopped server lingers in a pool.
fn client() -> Client {
    Client::builder()
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn get(core: &StandInCore, path: &str) -> reqwest::Result<reqwest::Response> {
    client().get(format!("{}{path}", core.url())).bearer_auth(core.token()).send().await
}

async fn status(core: &StandInCore, path: &str) -> u16 {
    get(core, path).await.unwrap().status().as_u16()
}

const PROVIDERS: &str = "/api/v3/outposts/proxy/";

fn authorize_url(core: &StandInCore, extra: &[(&str, &str)]) -> String {
    let spec = core.provider("app").unwrap();
    let mut url = url::Url::parse(&format!("{}/application/o/authorize/", core.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", &spec.client_id)
        .append_pair("redirect_uri", &spec.registered_redirect_uris()[0])
        .append_pair("response_type", "code")
        .append_pair("scope", "openid email profile ak_proxy entitlements")
        .append_pair("state", "s")
        .extend_pairs(extra);
    url.into()
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn token(core: &StandInCore, code: &str, extra: &[(&str, &str)]) -> (StatusCode, Value) {
    let spec = core.provider("app").unwrap();
    let redirect_uri = spec.registered_redirect_uris().remove(0);
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", &spec.client_id),
        ("client_secret", &spec.client_secret),
        ("redirect_uri", &redirect_uri),
        ("code", code),
    ];
    form.extend(extra);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let response = client()
        .post(format!("{}/application/o/token/", core.url()))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    (response.status(), response.json().await.unwrap())
}

fn jwt(token: &Value, part: usize) -> Value {
    let encoded = token.as_str().unwrap().split('.').nth(part).unwrap();
    let bytes =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, encoded).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn one_post_to_the_authorize_url_signs_in_and_the_next_authorize_is_silent() {
    let core = core(CoreOptions::default());
    let url = authorize_url(&core, &[("nonce", "n")]);
    let page = client().get(&url).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let html = page.text().await.unwrap();
    assert!(html.contains(r#"name="username""#) && html.contains(r#"name="password""#));
    let answer = client()
        .post(&url)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("username=alice&password=alice-password")
        .send()
        .await
        .unwrap();
    let callback = answer.headers()["location"].to_str().unwrap();
    assert!(callback.starts_with("http://app.test:9000/outpost.goauthentik.io/callback?"));
    let (status, tokens) = token(&core, &parameter(callback, "code").unwrap(), &[]).await;
    assert_eq!((status, &jwt(&tokens["id_token"], 1)["nonce"]), (StatusCode::OK, &json!("n")));

    let cookie =
        answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let silent = client().get(&url).header("Cookie", cookie).send().await.unwrap();
    assert_eq!(silent.status(), StatusCode::FOUND);
    assert_eq!(core.sessions_of("alice").len(), 1);
}

#[tokio::test]
async fn pkce_is_enforced_both_ways() {
    let core = core(CoreOptions::default());
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let with_challenge =
        authorize_url(&core, &[("code_challenge", challenge), ("code_challenge_method", "S256")]);
    let code = || parameter(&core.sign_in(&with_challenge, "alice").unwrap(), "code").unwrap();
    assert_eq!(token(&core, &code(), &[]).await.1["error"], "invalid_grant");
    assert_eq!(
        token(&core, &code(), &[("code_verifier", "wrong")]).await.1["error"],
        "invalid_grant"
    );
    assert_eq!(token(&core, &code(), &[("code_verifier", verifier)]).await.0, StatusCode::OK);
    let plain =
        parameter(&core.sign_in(&authorize_url(&core, &[]), "alice").unwrap(), "code").unwrap();
    assert_eq!(
        token(&core, &plain, &[("code_verifier", verifier)]).await.1["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn keys_sign_what_the_jwks_verifies_and_rotate() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};

    for (signing, algorithm) in
        [(Signing::Rs256, Algorithm::RS256), (Signing::Es256, Algorithm::ES256)]
    {
        let core = core(CoreOptions::default());
        core.put_provider(
            ProviderSpec::proxy("app", "http://app.test:9000", "").signed_with(signing),
        )
        .unwrap();
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[core.provider("app").unwrap().client_id]);
        let mut kids = Vec::new();
        for keep_old in [true, false] {
            let code =
                parameter(&core.sign_in(&authorize_url(&core, &[]), "alice").unwrap(), "code")
                    .unwrap();
            let access = token(&core, &code, &[]).await.1["access_token"].clone();
            let jwks: JwkSet =
                get(&core, "/application/o/app/jwks/").await.unwrap().json().await.unwrap();
            let kid = jwt(&access, 0)["kid"].as_str().unwrap().to_owned();
            let key = DecodingKey::from_jwk(jwks.find(&kid).unwrap()).unwrap();
            decode::<Value>(access.as_str().unwrap(), &key, &validation).unwrap();
            kids.push(kid);
            assert!(core.rotate_signing_key("app", keep_old).unwrap());
        }
        assert_ne!(kids[0], kids[1]);
        let jwks: JwkSet =
            get(&core, "/application/o/app/jwks/").await.unwrap().json().await.unwrap();
        assert_eq!((jwks.keys.len(), jwks.find(&kids[1]).is_none()), (1, true));
    }
}

#[tokio::test]
async fn tokens_can_be_tampered_with() {
    let core = core(CoreOptions::default());
    core.tamper_tokens(|draft| {
        draft.header.insert("alg".to_owned(), json!("none"));
        draft.claims.insert("iss".to_owned(), json!("https://evil.test/"));
        draft.signature = Signature::Empty;
    });
    let minted = core.mint_token("app", Map::new()).unwrap().unwrap();
    assert!(minted.ends_with('.'));
    assert_eq!(
        (&jwt(&json!(minted), 0)["alg"], &jwt(&json!(minted), 1)["iss"]),
        (&json!("none"), &json!("https://evil.test/"))
    );
    core.stop_tampering();
    assert!(!core.mint_token("app", Map::new()).unwrap().unwrap().ends_with('.'));
}

#[tokio::test]
async fn faults_come_and_go() {
    let core = core(CoreOptions::default());
    core.set_fault(Endpoint::Providers, Fault::Status(502));
    assert_eq!(status(&core, PROVIDERS).await, 502);
    core.set_fault_times(Endpoint::Providers, Fault::starting(), 1);
    let body: Value = get(&core, PROVIDERS).await.unwrap().json().await.unwrap();
    assert!(body.get("results").is_none());
    assert_eq!(status(&core, PROVIDERS).await, 200);
    core.set_rest_fault(&Fault::Status(500));
    assert_eq!(status(&core, "/api/v3/root/config/").await, 500);
    core.clear_faults();
    assert_eq!(status(&core, "/api/v3/root/config/").await, 200);
}

#[tokio::test]
async fn a_hanging_request_is_answered_once_the_fault_is_cleared() {
    let core = core(CoreOptions::default());
    core.set_fault(Endpoint::Providers, Fault::Hang);
    let request = get(&core, PROVIDERS);
    let release = async {
        core.wait_for("the request", |seen| seen.count(Endpoint::Providers) == 1).await.unwrap();
        core.clear_fault(Endpoint::Providers);
    };
    let (answer, ()) = tokio::join!(request, release);
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test]
async fn requests_are_recorded_with_repeated_headers() {
    let core = core(CoreOptions::default());
    client()
        .get(format!("{}{PROVIDERS}?page=1", core.url()))
        .header("X-Twice", "one")
        .header("X-Twice", "two")
        .send()
        .await
        .unwrap();
    core.observe(|seen| {
        let request = seen.requests_to(Endpoint::Providers).last().unwrap();
        assert_eq!(request.header_values("x-twice"), ["one", "two"]);
        assert_eq!(request.query_value("page").as_deref(), Some("1"));
        assert_eq!(request.header_values("host").len(), 1);
    });
}

#[tokio::test]
async fn waiting_for_what_does_not_come_is_an_error_that_names_it() {
    let core = core(CoreOptions::default());
    let error = core.wait_for_within(Duration::ZERO, "a miracle", |_| false).await.unwrap_err();
    assert!(error.to_string().contains("a miracle"));
}

#[tokio::test]
async fn a_page_may_be_smaller_than_asked() {
    let core = core(CoreOptions { page_size_cap: Some(2), ..CoreOptions::default() });
    for number in 1..=4 {
        let host = format!("http://app{number}.test");
        core.put_provider(ProviderSpec::forward_single(&format!("app{number}"), &host)).unwrap();
    }
    let mut served = Vec::new();
    let mut page = 1;
    while page != 0 {
        let body: Value = get(&core, &format!("{PROVIDERS}?page={page}&page_size=100"))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        served.push(body["results"].as_array().unwrap().len());
        page = body["pagination"]["next"].as_u64().unwrap();
    }
    assert_eq!(served, [2, 2, 1]);
}

#[tokio::test]
async fn stopping_ends_connections_and_resuming_serves_the_same_on_the_same_port() {
    let core = core(CoreOptions::default());
    let kept = Client::new();
    let url = format!("{}{PROVIDERS}", core.url());
    let scopes = || async {
        let body: Value = get(&core, PROVIDERS).await.unwrap().json().await.unwrap();
        body["results"][0]["scopes_to_request"].clone()
    };
    let first = scopes().await;
    assert_eq!(scopes().await, first);
    kept.get(&url).send().await.unwrap();
    core.stop();
    assert!(kept.get(&url).send().await.is_err());
    let mut orders = vec![first];
    // 120 orders: that ten restarts bring no second one is out of the question.
    for _ in 0..10 {
        core.resume().unwrap();
        orders.push(scopes().await);
        core.stop();
    }
    orders.dedup();
    assert!(orders.len() > 1);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let core = core(CoreOptions::default());
    let port = core.address().port();
    let error = StandInCore::start(CoreOptions { port, ..CoreOptions::default() }).unwrap_err();
    assert!(matches!(error, StartError::Bind { port: named, .. } if named == port));
    assert!(error.to_string().contains(&port.to_string()));
}

#[tokio::test]
async fn everything_lives_below_the_base_path() {
    let core = core(CoreOptions { base_path: "/auth-base/".to_owned(), ..CoreOptions::default() });
    let body: Value = get(&core, PROVIDERS).await.unwrap().json().await.unwrap();
    let issuer = body["results"][0]["oidc_configuration"]["issuer"].as_str().unwrap();
    assert_eq!(issuer, format!("http://{}/auth-base/application/o/app/", core.address()));
    let outside =
        client().get(format!("http://{}{PROVIDERS}", core.address())).send().await.unwrap();
    assert_eq!(outside.status(), 404);
    let callback = core.sign_in(&authorize_url(&core, &[]), "alice").unwrap();
    let tokens = token(&core, &parameter(&callback, "code").unwrap(), &[]).await.1;
    assert_eq!(jwt(&tokens["access_token"], 1)["iss"], issuer);
}

#[tokio::test]
async fn the_sign_in_helper_says_why_there_is_no_callback() {
    let core = core(CoreOptions::default());
    let url = authorize_url(&core, &[]);
    assert_eq!(core.sign_in(&url, "nobody"), Err(SignInError::NoSuchUser("nobody".to_owned())));
    assert_eq!(
        core.sign_in(&url.replace("app.test", "evil.test"), "alice"),
        Err(SignInError::Page(400))
    );
    core.put_user(UserSpec::new("bob", "b").denied("app"));
    assert_eq!(core.sign_in(&url, "bob"), Err(SignInError::Page(200)));
    assert!(matches!(
        core.sign_in("http://elsewhere.test/", "alice"),
        Err(SignInError::NotAuthorize(_))
    ));
}

#[tokio::test]
async fn the_end_of_a_session_makes_its_tokens_inactive() {
    let core = core(CoreOptions::default());
    let callback = core.sign_in(&authorize_url(&core, &[]), "alice").unwrap();
    let tokens = token(&core, &parameter(&callback, "code").unwrap(), &[]).await.1;
    let spec = core.provider("app").unwrap();
    let active = || async {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &spec.client_id)
            .append_pair("client_secret", &spec.client_secret)
            .append_pair("token", tokens["access_token"].as_str().unwrap())
            .finish();
        let request = client().post(format!("{}/application/o/introspect/", core.url()));
        let request =
            request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        request.send().await.unwrap().json::<Value>().await.unwrap()["active"].clone()
    };
    assert_eq!(active().await, true);
    let sid = jwt(&tokens["access_token"], 1)["sid"].as_str().unwrap().to_owned();
    assert_eq!(core.end_sessions_of("alice"), [sid]);
    assert_eq!(active().await, false);
}
