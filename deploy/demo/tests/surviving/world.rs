//! One provider, one user, and the requests of an outpost.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

pub(crate) const SCOPE: &str = "openid email profile ak_proxy entitlements offline_access";

/// A core with the provider `app`, which gives refresh tokens, and with alice.
pub(crate) fn core() -> StandInCore {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    core.put_provider(provider("app").offline_access()).unwrap();
    core.put_user(UserSpec::new("alice", "alice-password").groups(&["staff"]));
    core
}

pub(crate) fn provider(slug: &str) -> ProviderSpec {
    ProviderSpec::proxy(slug, &format!("http://{slug}.test:9000"), "http://127.0.0.1:1")
}

/// A form for an OAuth2 endpoint, with client id and secret of the provider `app`.
pub(crate) fn form(core: &StandInCore, endpoint: &str, fields: &[(&str, &str)]) -> RequestBuilder {
    let spec = core.provider("app").unwrap();
    let mut pairs = vec![("client_id", spec.client_id.as_str())];
    if !fields.iter().any(|(name, _)| *name == "client_secret") {
        pairs.push(("client_secret", &spec.client_secret));
    }
    pairs.extend(fields);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
        .post(format!("{}/application/o/{endpoint}/", core.url()))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body)
}

pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// Signs alice in to the provider `app`; the answer to the exchange of the code.
pub(crate) async fn signed_in(core: &StandInCore, scope: &str) -> Value {
    let spec = core.provider("app").unwrap();
    let redirect_uri = spec.registered_redirect_uris().remove(0);
    let mut url = url::Url::parse(&format!("{}/application/o/authorize/", core.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", &spec.client_id)
        .append_pair("redirect_uri", &redirect_uri)
        .append_pair("response_type", "code")
        .append_pair("nonce", "n")
        .append_pair("scope", scope);
    let callback = url::Url::parse(&core.sign_in(url.as_str(), "alice").unwrap()).unwrap();
    let code = callback.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned();
    let exchange = [
        ("grant_type", "authorization_code"),
        ("redirect_uri", redirect_uri.as_str()),
        ("code", code.as_str()),
    ];
    let (status, tokens) = answer(form(core, "token", &exchange)).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    tokens
}

/// A text of a JSON object.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_else(|| panic!("no {name} in {object}"))
}

/// The claims of a token in an answer.
pub(crate) fn claims(answer: &Value, token: &str) -> Value {
    let payload = text(answer, token).split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub(crate) fn refresh_form(
    core: &StandInCore,
    token: &str,
    more: &[(&str, &str)],
) -> RequestBuilder {
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    fields.extend(more);
    form(core, "token", &fields)
}

/// Redeems a refresh token.
pub(crate) async fn refreshed(core: &StandInCore, token: &str) -> (StatusCode, Value) {
    answer(refresh_form(core, token, &[])).await
}

/// Whether a refresh is refused with this error, as core refuses: a 400 with a description.
pub(crate) async fn is_refused(request: RequestBuilder, error: &str) -> bool {
    let (status, body) = answer(request).await;
    status == StatusCode::BAD_REQUEST
        && body["error"] == error
        && body["error_description"].is_string()
        && body["request_id"].is_string()
}

/// What introspection says of a token.
pub(crate) async fn introspected(core: &StandInCore, token: &str) -> Value {
    let (status, body) = answer(form(core, "introspect", &[("token", token)])).await;
    assert_eq!(status, StatusCode::OK);
    body
}
