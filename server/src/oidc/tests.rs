//! Against a listener that shows every byte it was sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use outpost_decision::provider::{CookieSpec, Endpoints, External, Mode, Signing};
use outpost_decision::skip::SkipRules;
use outpost_decision::target::{Authority, Scheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::core_tls::{CoreTimeouts, CoreTrust, client_config, http_client};

/// A listener that answers one request with `answer`; gives its port and what it was sent.
async fn core(answer: &str) -> (u16, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = oneshot::channel();
    let answer = answer.to_owned();
    actix_rt::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        while !is_complete(&seen) {
            match stream.read(&mut buffer).await {
                Ok(read) if read > 0 => seen.extend_from_slice(&buffer[..read]),
                _ => break,
            }
        }
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        let _ = sender.send(String::from_utf8(seen).unwrap());
    });
    (port, receiver)
}

fn is_complete(seen: &[u8]) -> bool {
    let text = String::from_utf8_lossy(seen);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = header_lines(head, "content-length")
        .first()
        .map_or(0, |value| value.parse::<usize>().unwrap());
    body.len() >= length
}

fn header_lines(request: &str, name: &str) -> Vec<String> {
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}

fn form_of(request: &str) -> BTreeMap<String, String> {
    let body = request.split_once("\r\n\r\n").unwrap().1;
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

fn json(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const BOUNDS: AnswerBounds = AnswerBounds { answer: 64 * 1024, key_set: 128 * 1024 };

fn client() -> OidcClient {
    let tls = Arc::new(client_config(&CoreTrust::NativeRoots).unwrap());
    let http = http_client(tls, CoreTimeouts::default());
    let figures = LimitFigures::unread();
    OidcClient::new(http, "2025.10.0", Duration::from_secs(30), BOUNDS, figures)
}

/// A provider whose endpoints are on `port`, as browsers see them through `back_channel`.
fn provider(port: u16, back_channel: Option<BackChannel>) -> Provider {
    let url =
        |path: &str| Url::parse(&format!("http://127.0.0.1:{port}/application/o/{path}/")).unwrap();
    Provider {
        pk: 1,
        name: "app".to_owned(),
        application_slug: "app".to_owned(),
        application_name: "App".to_owned(),
        mode: Mode::Proxy,
        external: External {
            scheme: Scheme::Http,
            authority: Authority::parse("app.test:9000").unwrap(),
            path: String::new(),
            home: String::new(),
            wildcard: false,
        },
        internal: None,
        verify_upstream: true,
        client_id: "client-id".to_owned(),
        client_secret: SecretString::from("client&secret=ü".to_owned()),
        cookie_secret: SecretString::from("cookie-secret".to_owned()),
        endpoints: Endpoints {
            issuer: url("app").into(),
            authorization: url("authorize"),
            token: url("token"),
            introspection: Some(url("introspect")),
            end_session: None,
            jwks: Some(url("app/jwks")),
            jwks_public: String::new(),
            back_channel,
        },
        signing: Signing::ClientSecret,
        scope: "openid profile".to_owned(),
        skip: SkipRules::default(),
        cookie: CookieSpec {
            name: "authentik_proxy_1".to_owned(),
            domain: None,
            path: "/".to_owned(),
            secure: false,
        },
        cookie_domain: None,
        basic_auth: None,
        intercept_header_auth: true,
        access_token_validity: 600,
        certificate: None,
        redirect_uri:
            "http://app.test:9000/outpost.goauthentik.io/callback?X-authentik-auth-callback=true"
                .to_owned(),
        akprox: false,
    }
}

const TOKENS: &str = r#"{"access_token": "a.b.c", "id_token": "d.e.f", "token_type": "Bearer"}"#;
const TOKENS_TO_KEEP: &str =
    r#"{"access_token": "a.b.c", "id_token": "d.e.f", "refresh_token": "g-h-i"}"#;

async fn exchange(answer: &str) -> Result<TokenAnswer, OidcError> {
    let (port, _seen) = core(answer).await;
    client().exchange_code(&provider(port, None), "code", "verifier").await
}

#[actix_web::test]
async fn a_code_is_exchanged_as_core_wants_it() {
    let (port, seen) = core(&json("200 OK", TOKENS)).await;
    let answer =
        client().exchange_code(&provider(port, None), "the code", "verifier").await.unwrap();
    assert_eq!(answer.access_token.expose_secret(), "a.b.c");
    assert_eq!(answer.id_token.unwrap().expose_secret(), "d.e.f");
    let request = seen.await.unwrap();
    assert!(request.starts_with("POST /application/o/token/ HTTP/1.1\r\n"), "{request}");
    assert_eq!(header_lines(&request, "host"), [format!("127.0.0.1:{port}")]);
    assert_eq!(header_lines(&request, "user-agent"), ["goauthentik.io/outpost/2025.10.0"]);
    assert_eq!(header_lines(&request, "content-type"), ["application/x-www-form-urlencoded"]);
    assert!(header_lines(&request, "x-forwarded-proto").is_empty());
    let form: Vec<_> = form_of(&request).into_iter().collect();
    let expected = [
        ("client_id", "client-id"),
        ("client_secret", "client&secret=ü"),
        ("code", "the code"),
        ("code_verifier", "verifier"),
        ("grant_type", "authorization_code"),
        (
            "redirect_uri",
            "http://app.test:9000/outpost.goauthentik.io/callback?X-authentik-auth-callback=true",
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form, expected);
}

/// Core behind a proxy refuses a request with two `Host`s, and without `X-Forwarded-Proto` it
/// issues tokens of another issuer.
#[actix_web::test]
async fn the_back_channel_claims_one_host_and_its_scheme() {
    let claimed = BackChannel { host: "auth.example.com".to_owned(), scheme: Scheme::Https };
    let (port, seen) = core(&json("200 OK", TOKENS)).await;
    client().exchange_code(&provider(port, Some(claimed.clone())), "c", "v").await.unwrap();
    let token_request = seen.await.unwrap();

    let (port, seen) = core(&json("200 OK", r#"{"active": false}"#)).await;
    let token = SecretString::from("t".to_owned());
    client().introspect(&provider(port, Some(claimed.clone())), &token).await.unwrap();
    let introspection = seen.await.unwrap();

    let (port, seen) = core(&json("200 OK", "{}")).await;
    let provider = provider(port, None);
    let keys = provider.endpoints.jwks.as_ref().unwrap();
    assert!(client().fetch_jwks(keys, Some(&claimed)).await.unwrap().is_empty());
    let jwks = seen.await.unwrap();
    assert!(jwks.starts_with("GET /application/o/app/jwks/ HTTP/1.1\r\n"), "{jwks}");

    for request in [token_request, introspection, jwks] {
        assert_eq!(header_lines(&request, "host"), ["auth.example.com"], "{request}");
        assert_eq!(header_lines(&request, "x-forwarded-proto"), ["https"], "{request}");
    }
}

#[actix_web::test]
async fn a_refresh_token_is_redeemed_with_the_client_secret_and_for_its_own_scope() {
    let (port, seen) = core(&json("200 OK", TOKENS_TO_KEEP)).await;
    let token = SecretString::from("old&token".to_owned());
    let answer = client().refresh(&provider(port, None), &token).await.unwrap();
    assert_eq!(answer.access_token.expose_secret(), "a.b.c");
    assert_eq!(answer.refresh_token.unwrap().expose_secret(), "g-h-i");
    let request = seen.await.unwrap();
    assert!(request.starts_with("POST /application/o/token/ HTTP/1.1\r\n"), "{request}");
    let form: Vec<_> = form_of(&request).into_iter().collect();
    let expected = [
        ("client_id", "client-id"),
        ("client_secret", "client&secret=ü"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "old&token"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form, expected);
}

#[actix_web::test]
async fn a_refresh_that_core_refuses_is_told_from_one_whose_answer_is_lost() {
    let refresh = async |answer: &str| {
        let (port, _seen) = core(answer).await;
        let token = SecretString::from("token".to_owned());
        client().refresh(&provider(port, None), &token).await.unwrap_err()
    };
    let refused = refresh(&json("400 Bad Request", r#"{"error": "invalid_grant"}"#)).await;
    assert_eq!(
        refused,
        OidcError::Refused { error: "invalid_grant".to_owned(), description: String::new() }
    );
    for lost in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access",
        "HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert!(matches!(refresh(lost).await, OidcError::Unreachable(_)), "{lost:?}");
    }
}

#[actix_web::test]
async fn a_refresh_token_comes_with_a_code_only_where_core_gives_one() {
    let kept = exchange(&json("200 OK", TOKENS_TO_KEEP)).await.unwrap();
    assert_eq!(kept.refresh_token.unwrap().expose_secret(), "g-h-i");
    for none in [TOKENS, r#"{"access_token": "a", "refresh_token": ""}"#] {
        assert!(exchange(&json("200 OK", none)).await.unwrap().refresh_token.is_none(), "{none}");
    }
}

#[actix_web::test]
async fn client_credentials_send_no_client_secret() {
    let (port, seen) = core(&json("200 OK", TOKENS)).await;
    let password = SecretString::from("app-password".to_owned());
    client().client_credentials(&provider(port, None), "alice", &password).await.unwrap();
    let form: Vec<_> = form_of(&seen.await.unwrap()).into_iter().collect();
    let expected = [
        ("client_id", "client-id"),
        ("grant_type", "client_credentials"),
        ("password", "app-password"),
        ("scope", "openid profile"),
        ("username", "alice"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form, expected);
}

#[actix_web::test]
async fn an_introspection_answer_is_passed_on_as_it_is() {
    let body = r#"{"active": true, "sub": "s"}"#;
    let (port, seen) = core(&json("200 OK", body)).await;
    let token = SecretString::from("the token".to_owned());
    let answer = client().introspect(&provider(port, None), &token).await.unwrap();
    assert_eq!(answer, body);
    let form = form_of(&seen.await.unwrap());
    assert_eq!(form.get("token").map(String::as_str), Some("the token"));
    assert_eq!(form.get("client_secret").map(String::as_str), Some("client&secret=ü"));

    let mut provider = provider(port, None);
    provider.endpoints.introspection = None;
    let error = client().introspect(&provider, &token).await.unwrap_err();
    assert_eq!(error, OidcError::NoEndpoint("introspection endpoint"));
}

/// The captured refusals of a real core are refusals; trouble of core's is not.
#[actix_web::test]
async fn refusals_and_trouble_are_told_apart() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/14_token_errors.json");
    let fixture: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut refusals = 0;
    for captured in fixture["exchanges"].as_array().unwrap() {
        let body = &captured["response"]["body"];
        let Some(code) = body["error"].as_str() else { continue };
        let error = exchange(&json("400 Bad Request", &body.to_string())).await.unwrap_err();
        let OidcError::Refused { error, description } = error else { panic!("{error}") };
        assert_eq!(error, code);
        assert!(!description.is_empty());
        refusals += 1;
    }
    assert_eq!(refusals, 8);

    for status in ["500 x", "502 x", "503 x", "429 x"] {
        let answer = json(status, r#"{"error": "authentik starting"}"#);
        assert!(matches!(exchange(&answer).await, Err(OidcError::Unreachable(_))), "{status}");
    }
    for (status, body) in [
        ("200 OK", "{}"),
        ("200 OK", r#"{"error": "authentik starting"}"#),
        ("200 OK", r#"{"access_token": ""}"#),
        ("200 OK", r#"{"access_token": 7}"#),
        ("200 OK", "<html>"),
        ("404 Not Found", "<html>"),
        ("400 Bad Request", "{}"),
    ] {
        let error = exchange(&json(status, body)).await.unwrap_err();
        assert!(matches!(error, OidcError::Malformed(_)), "{status} {body}: {error}");
    }
}

#[actix_web::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, seen) = core(&json("200 OK", TOKENS)).await;
    let answer = format!(
        "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:{elsewhere}/\r\nContent-Length: 0\r\n\r\n"
    );
    assert!(matches!(exchange(&answer).await, Err(OidcError::Malformed(_))));
    // Nobody came: the listener still waits for its first request.
    let mut seen = seen;
    assert!(seen.try_recv().is_err());
}

#[actix_web::test]
async fn answers_are_bounded_whether_their_length_is_told_or_not() {
    let client = client();
    let counted =
        || [Limit::CoreAnswer, Limit::CoreKeySet].map(|limit| client.figures.count(limit));
    let told = |body: &str| json("200 OK", body);
    let untold = |body: &str| {
        let (head, length) = ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body.len());
        format!("{head}{length:x}\r\n{body}\r\n0\r\n\r\n")
    };
    let body = |begin: &str, end: &str, bytes: usize| {
        format!("{begin}{}{end}", "x".repeat(bytes - begin.len() - end.len()))
    };
    let tokens = |bytes| body(r#"{"access_token": ""#, r#""}"#, bytes);
    let keys = |bytes| body(r#"{"keys": [], "more": ""#, r#""}"#, bytes);
    let sent: [&dyn Fn(&str) -> String; 2] = [&told, &untold];
    for (send, before) in sent.into_iter().zip(0..) {
        let exchange = async |bytes| {
            let (port, _seen) = core(&send(&tokens(bytes))).await;
            client.exchange_code(&provider(port, None), "code", "verifier").await.map(|_| ())
        };
        let fetch = async |bytes| {
            let (port, _seen) = core(&send(&keys(bytes))).await;
            let provider = provider(port, None);
            client.fetch_jwks(provider.endpoints.jwks.as_ref().unwrap(), None).await.map(|_| ())
        };
        assert_eq!(exchange(BOUNDS.answer).await, Ok(()), "at the limit");
        assert_eq!(fetch(BOUNDS.key_set).await, Ok(()), "at the limit");
        assert_eq!(counted(), [before; 2]);
        let past = exchange(BOUNDS.answer + 1).await;
        assert_eq!(past, Err(OidcError::TooLarge(BOUNDS.answer)));
        assert_eq!(counted(), [before + 1, before]);
        let past = fetch(BOUNDS.key_set + 1).await;
        assert_eq!(past, Err(OidcError::TooLarge(BOUNDS.key_set)));
        assert_eq!(counted(), [before + 1; 2]);
    }
}

#[actix_web::test]
async fn a_core_that_is_down_cut_off_or_silent_is_unreachable() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let down = client().exchange_code(&provider(closed, None), "c", "v").await;
    assert!(matches!(down, Err(OidcError::Unreachable(_))), "{down:?}");

    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access";
    assert!(matches!(exchange(cut).await, Err(OidcError::Unreachable(_))));

    // Accepts (in its backlog), reads nothing and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut impatient = client();
    impatient.total = Duration::from_millis(20);
    let error = impatient.exchange_code(&provider(port, None), "c", "v").await.unwrap_err();
    assert_eq!(error, OidcError::Unreachable("it took too long".to_owned()));
}

#[test]
fn nothing_secret_prints() {
    let answer = token_answer(TOKENS_TO_KEEP.as_bytes()).unwrap();
    let printed = format!("{answer:?}");
    for secret in ["a.b.c", "d.e.f", "g-h-i"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let OidcError::Refused { error, .. } =
        failure(StatusCode::BAD_REQUEST, b"{\"error\": \"a\\r\\nb\"}")
    else {
        panic!("not refused")
    };
    assert_eq!(error, "ab");
}

#[test]
fn the_host_names_its_port_only_where_it_is_not_the_default() {
    let host = |url: &str| host_of(&Url::parse(url).unwrap(), None);
    assert_eq!(host("http://core:80/x"), "core");
    assert_eq!(host("https://core:443/x"), "core");
    assert_eq!(host("https://core:80/x"), "core:80");
    assert_eq!(host("http://[::1]:9000/x"), "[::1]:9000");
}
