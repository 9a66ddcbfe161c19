use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use secrecy::ExposeSecret;
use serde_json::Map;

use super::*;
use crate::authentik::connection::CoreAddress;
use crate::authentik::{MisconfigurationReport, OperatorAction, OperatorReport};
use crate::core_tls::{CoreTimeouts, CoreTrust, client_config};

/// A request as the scripted core saw it.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

/// A core that answers from a script and notes what it was asked.
struct ScriptedCore {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    server: ServerHandle,
}

impl ScriptedCore {
    fn answering(script: impl Fn(&str) -> HttpResponse + Clone + Send + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        let server = HttpServer::new(move || {
            let (notes, script) = (Arc::clone(&notes), script.clone());
            App::new().default_service(web::to(move |request: HttpRequest, body: String| {
                let target = request.uri().to_string();
                notes.lock().unwrap().push(Seen {
                    method: request.method().to_string(),
                    target: target.clone(),
                    headers: request
                        .headers()
                        .iter()
                        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                        .collect(),
                    body,
                });
                let answer = script(&target);
                async move { answer }
            }))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_rt::spawn(server);
        Self { address, seen, server: handle }
    }

    fn json(body: &'static str) -> Self {
        Self::answering(move |_| HttpResponse::Ok().content_type("application/json").body(body))
    }

    fn client(&self) -> RestClient {
        self.client_with(RestLimits::default())
    }

    fn client_with(&self, limits: RestLimits) -> RestClient {
        client_of(&format!("http://{}/base", self.address), limits)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn client_of(url: &str, limits: RestLimits) -> RestClient {
    let address = CoreAddress::new(&Url::parse(url).unwrap()).unwrap();
    let tls = Arc::new(client_config(&CoreTrust::Nothing).unwrap());
    let connection =
        CoreConnection::new(address, SecretString::from("the-token"), tls, CoreTimeouts::default());
    RestClient::new(connection, limits)
}

fn ok(body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body.into())
}

#[actix_web::test]
async fn a_request_says_who_asks_and_has_one_host() {
    let core = ScriptedCore::json(r#"{"error_reporting": {"enabled": true}}"#);
    assert!(core.client().global_config().await.unwrap().error_reporting.enabled);

    let seen = core.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].target, "/base/api/v3/root/config/");
    assert_eq!(seen[0].header("authorization"), ["Bearer the-token"]);
    assert_eq!(seen[0].header("accept"), ["application/json"]);
    assert_eq!(seen[0].header("host"), [core.address.to_string()]);
    let agent = format!("goauthentik.io/outpost/{}", outpost_decision::COMPATIBLE_VERSION);
    assert_eq!(seen[0].header("user-agent"), [agent]);
    core.server.stop(false).await;
}

#[actix_web::test]
async fn pages_are_followed_though_they_are_smaller_than_asked() {
    let core = ScriptedCore::answering(|target| {
        let (next, pk) = match target {
            "/base/api/v3/outposts/proxy/?page=1&page_size=100" => ("2", 11),
            "/base/api/v3/outposts/proxy/?page=2&page_size=100" => ("3.0", 12),
            "/base/api/v3/outposts/proxy/?page=3&page_size=100" => ("0", 13),
            _ => return HttpResponse::NotFound().finish(),
        };
        ok(format!(
            r#"{{"pagination": {{"next": {next}}}, "results": [{{"pk": {pk}}}, {{"pk": 11}}]}}"#
        ))
    });
    let list = core.client().providers().await.unwrap();
    let keys: Vec<i64> = list.records.iter().map(|record| record.pk).collect();
    assert_eq!(keys, [11, 12, 13], "and what shows up twice is one");
    core.server.stop(false).await;
}

#[actix_web::test]
async fn pages_that_never_end_do() {
    let circle = ScriptedCore::json(r#"{"pagination": {"next": 1}, "results": []}"#);
    let error = circle.client().providers().await.unwrap_err();
    assert!(matches!(error, ApiError::Malformed { .. }), "{error}");
    assert_eq!(circle.seen().len(), 1);
    circle.server.stop(false).await;

    let endless = ScriptedCore::answering(|target| {
        let page: u64 = target
            .split("page=")
            .nth(1)
            .and_then(|rest| rest.split('&').next())
            .and_then(|page| page.parse().ok())
            .unwrap();
        ok(format!(r#"{{"pagination": {{"next": {}}}, "results": []}}"#, page + 1))
    });
    let limits = RestLimits { pages: 5, ..RestLimits::default() };
    let error = endless.client_with(limits).providers().await.unwrap_err();
    assert!(error.to_string().contains("more than 5 pages"), "{error}");
    assert_eq!(endless.seen().len(), 5);
    endless.server.stop(false).await;
}

#[actix_web::test]
async fn an_answer_without_results_is_a_failure_whatever_its_status() {
    let core = ScriptedCore::json(r#"{"error": "authentik starting"}"#);
    for error in
        [core.client().providers().await.unwrap_err(), core.client().outpost().await.unwrap_err()]
    {
        let ApiError::Malformed { error, .. } = error else { panic!("{error}") };
        assert!(error.contains("results") && error.contains("authentik starting"), "{error}");
    }
    core.server.stop(false).await;
}

#[actix_web::test]
async fn one_bad_record_does_not_take_the_others_down() {
    let core = ScriptedCore::json(
        r#"{"results": [{"pk": 1}, {"pk": 2, "name": "odd", "mode": 7}, null, {"pk": 3}]}"#,
    );
    let list = core.client().providers().await.unwrap();
    assert_eq!(list.records.len(), 2);
    assert_eq!(list.unreadable.len(), 2);
    assert_eq!(list.unreadable[0].pk, Some(2));
    assert_eq!(list.unreadable[0].name, "odd");
    assert!(list.unreadable[0].error.starts_with("mode: "), "{:?}", list.unreadable);
    core.server.stop(false).await;
}

#[actix_web::test]
async fn statuses_have_their_meaning() {
    let core = ScriptedCore::answering(|target| match target {
        "/base/api/v3/outposts/instances/" => {
            HttpResponse::Forbidden().json(json!({"detail": "Token invalid/expired"}))
        }
        "/base/api/v3/root/config/" => {
            HttpResponse::Found().insert_header(("Location", "/base/api/v3/elsewhere/")).finish()
        }
        _ => HttpResponse::NotFound().body("<html>"),
    });
    let client = core.client();
    assert_eq!(client.outpost().await.unwrap_err(), ApiError::Unauthorized);
    let redirect = client.global_config().await.unwrap_err();
    assert!(matches!(redirect, ApiError::Status { status: 302, .. }), "{redirect}");
    let missing = client.keypair("9a").await.unwrap_err();
    assert_eq!(
        missing,
        ApiError::Status {
            status: 404,
            path: "/base/api/v3/crypto/certificatekeypairs/9a/".to_owned()
        }
    );
    assert_eq!(core.seen().len(), 3, "no redirect is followed");
    core.server.stop(false).await;
}

#[actix_web::test]
async fn the_first_outpost_is_taken_and_none_is_said() {
    let two = ScriptedCore::json(r#"{"results": [{"pk": "a", "name": "one"}, {"pk": "b"}]}"#);
    assert_eq!(two.client().outpost().await.unwrap().name, "one");
    two.server.stop(false).await;
    let none = ScriptedCore::json(r#"{"results": []}"#);
    assert_eq!(none.client().outpost().await.unwrap_err(), ApiError::NoOutpost);
    none.server.stop(false).await;
}

#[actix_web::test]
async fn keypairs_and_the_expected_version() {
    let core = ScriptedCore::answering(|target| {
        ok(match target.trim_start_matches("/base/api/v3/") {
            "crypto/certificatekeypairs/9a/" => r#"{"fingerprint_sha256": "aa:bb"}"#,
            "crypto/certificatekeypairs/9a/view_certificate/" => r#"{"data": "CERT"}"#,
            "crypto/certificatekeypairs/9a/view_private_key/" => r#"{"data": "KEY"}"#,
            "outposts/instances/7c/health/" => {
                r#"[{"uid": "x", "version_should": ""}, {"version_should": "2025.10.0rc1"}]"#
            }
            "outposts/instances/7d/health/" => "[]",
            other => return HttpResponse::NotFound().body(other.to_owned()),
        })
    });
    let client = core.client();
    let keypair = client.keypair("9a").await.unwrap();
    assert_eq!(keypair.fingerprint_sha256.as_deref(), Some("aa:bb"));
    assert_eq!(client.certificate("9a").await.unwrap(), "CERT");
    assert_eq!(client.private_key("9a").await.unwrap().expose_secret(), "KEY");
    let version = client.expected_version("7c").await.unwrap();
    assert_eq!(version.as_deref(), Some("2025.10.0rc1"));
    assert_eq!(client.expected_version("7d").await.unwrap(), None);
    core.server.stop(false).await;
}

#[actix_web::test]
async fn a_report_names_the_client_without_a_port() {
    let core = ScriptedCore::answering(|_| HttpResponse::Created().json(json!({"user": {}})));
    let mut context = Map::new();
    context.insert("provider".to_owned(), Value::from("wiki"));
    for client_ip in [Some("::ffff:10.1.2.3".parse::<IpAddr>().unwrap()), None] {
        let report = MisconfigurationReport {
            message: "header missing".to_owned(),
            client_ip,
            context: context.clone(),
        };
        core.client().report(&report.into()).await.unwrap();
    }
    let deed = OperatorReport {
        action: OperatorAction::Deleted,
        message: "sessions ended".to_owned(),
        client_ip: None,
        context: Map::new(),
    };
    core.client().report(&deed.into()).await.unwrap();
    let seen = core.seen();
    let told: Value = serde_json::from_str(&seen[2].body).unwrap();
    assert_eq!(told["action"], "model_deleted");
    assert_eq!(told["context"], json!({"message": "sessions ended"}));
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("POST", "/base/api/v3/events/events/")
    );
    let event: Value = serde_json::from_str(&seen[0].body).unwrap();
    let mut expected = json!({
        "action": "configuration_error",
        "app": "authentik.providers.proxy",
        "client_ip": "10.1.2.3",
        "context": {"provider": "wiki", "message": "header missing"},
    });
    assert_eq!(event, expected);
    expected.as_object_mut().unwrap().remove("client_ip");
    assert_eq!(serde_json::from_str::<Value>(&seen[1].body).unwrap(), expected);
    core.server.stop(false).await;
}

#[actix_web::test]
async fn a_body_over_the_limit_is_refused() {
    let body = r#"{"pagination": {"next": 0}, "results": []}"#;
    let core = ScriptedCore::json(body);
    for (body_size, past) in [(body.len(), false), (body.len() - 1, true)] {
        let limits = RestLimits { body_size, ..RestLimits::default() };
        let figures = LimitFigures::unread();
        let asked = core.client_with(limits).counting(figures.clone()).providers().await;
        assert_eq!(figures.count(Limit::CorePage), u64::from(past));
        match asked {
            Ok(providers) => assert!(providers.records.is_empty() && !past),
            Err(error) => {
                assert!(matches!(error, ApiError::Malformed { .. }) && past, "{error}");
                assert!(error.to_string().contains("raise limits.core_page_bytes"), "{error}");
            }
        }
    }
    core.server.stop(false).await;
}

#[actix_web::test]
async fn a_body_that_does_not_end_is_given_up() {
    let core = ScriptedCore::answering(|_| {
        HttpResponse::Ok()
            .streaming(futures_util::stream::pending::<Result<Bytes, actix_web::Error>>())
    });
    let limits = RestLimits { body_timeout: Duration::from_millis(20), ..RestLimits::default() };
    let error = core.client_with(limits).global_config().await.unwrap_err();
    assert!(matches!(error, ApiError::Unreachable(_)), "{error}");
    core.server.stop(false).await;
}

#[actix_web::test]
async fn nobody_there_is_unreachable() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = client_of(&format!("http://{unused}"), RestLimits::default());
    let error = client.outpost().await.unwrap_err();
    assert!(matches!(error, ApiError::Unreachable(_)), "{error}");
}

#[actix_web::test]
async fn core_may_listen_on_a_socket_file() {
    let path = std::env::temp_dir().join(format!("outpost-{}.sock", uuid::Uuid::new_v4()));
    let server = HttpServer::new(|| {
        App::new().default_service(web::to(|request: HttpRequest| async move {
            assert_eq!(request.path(), "/api/v3/root/config/");
            ok("{}")
        }))
    })
    .workers(1)
    .disable_signals()
    .bind_uds(&path)
    .unwrap()
    .run();
    let handle = server.handle();
    actix_rt::spawn(server);
    let client = client_of(&format!("unix://{}", path.display()), RestLimits::default());
    client.global_config().await.unwrap();
    handle.stop(false).await;
    let _ = std::fs::remove_file(path);
}
