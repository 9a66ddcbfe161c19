//! GHSA-m9h4-7j9c-55x9: no secret in any log line, at any level; and the log is one to work with.

use std::collections::BTreeSet;

use outpost_demo::core::{CoreOptions, Endpoint, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::{Browser, Program};
use reqwest::Method;
use serde_json::Value;

/// Everything secret that a run has brought about, each with what it is.
type Secrets = BTreeSet<(String, &'static str)>;

/// Signs in, calls as a machine, signs out; gives every secret that was in play.
async fn a_day(outpost: &Program, core: &StandInCore, app: &SampleApp) -> Secrets {
    let http = outpost.address("http").await;
    let home = format!("http://app.test:{}", http.port());
    core.put_user(UserSpec::new("alice", "alice-password").app_password("app-password-e91f"));
    let spec = ProviderSpec::proxy("app", &home, &app.url());
    core.put_provider(spec).expect("a provider");
    outpost.signal("USR1");
    outpost.serves(1).await;

    let mut secrets = Secrets::new();
    let browser = Browser::new();
    let start = browser.get(&format!("{home}/outpost.goauthentik.io/start")).await;
    secrets.insert((start.header("location").to_owned(), "authorize URL"));
    let page = browser.sign_in(&format!("{home}/json?day=1"), "alice").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let token = page.received("x-authentik-jwt").expect("the token reaches the application");
    let cookies: Vec<String> = browser.cookie_names();
    for name in &cookies {
        let value = browser.cookie(name).expect("a cookie");
        secrets.insert((value, "cookie of the browser"));
    }
    let bearer = format!("Bearer {token}");
    let basic = "Basic YWxpY2U6YXBwLXBhc3N3b3JkLWU5MWY=";
    for authorization in [&*bearer, basic] {
        let machine = Browser::new();
        let headers = [("authorization", authorization), ("accept", "application/json")];
        let answer = machine.send(Method::GET, &format!("{home}/json?day=2"), &headers, None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        for name in machine.cookie_names() {
            secrets.insert((machine.cookie(&name).expect("a cookie"), "cookie of a machine"));
        }
    }
    let out = browser.get(&format!("{home}/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(out.status, 302);

    let spec = core.provider("app").expect("the provider");
    secrets.extend([
        (core.token(), "token of the outpost"),
        (spec.client_secret, "client secret"),
        (spec.cookie_secret, "cookie secret"),
        (token, "access token"),
        ("app-password-e91f".to_owned(), "app password"),
        (basic.trim_start_matches("Basic ").to_owned(), "app password in base64"),
    ]);
    core.observe(|seen| {
        for request in seen.requests_to(Endpoint::Token) {
            for field in ["code", "code_verifier"] {
                let value = request.form_value(field).map(ToOwned::to_owned);
                secrets.extend(value.map(|value| (value, "code or PKCE verifier")));
            }
        }
        for request in seen.requests_to(Endpoint::Authorize) {
            for parameter in ["state", "nonce"] {
                secrets.extend(request.query_value(parameter).map(|it| (it, "state or nonce")));
            }
        }
    });
    secrets.retain(|(secret, _)| secret.len() > 8);
    assert!(secrets.len() >= 12, "{secrets:#?}");
    secrets
}

/// A secret may be logged by halves, or byte by byte: what stands out of it is enough.
fn leaks(line: &str, secret: &str) -> bool {
    let bytes = |text: &str| text.bytes().map(|it| it.to_string()).collect::<Vec<_>>().join(", ");
    // A JWT begins as every other does; its end is what counts.
    let tail = &secret[secret.len().saturating_sub(24)..];
    line.contains(tail) || line.contains(&bytes(tail))
}

#[tokio::test]
async fn no_secret_shows_in_the_log_at_any_level_and_every_request_has_its_line() {
    for level in ["trace", "debug", "info"] {
        let core = StandInCore::start(CoreOptions::default()).expect("a core");
        let app = SampleApp::start(0).expect("an application");
        let headers = "User-Agent,Authorization,Cookie,Referer";
        let outpost = Program::start(
            &core,
            &[("AUTHENTIK_LOG_LEVEL", level), ("AUTHENTIK_LOG__HTTP_HEADERS", headers)],
        );
        let secrets = a_day(&outpost, &core, &app).await;
        outpost.signal("TERM");
        assert_eq!(outpost.exit_code().await, Some(0));

        let lines = outpost.lines();
        let everything = lines.iter().any(|line| line.contains("\"level\":\"TRACE\""));
        assert_eq!(everything, level == "trace", "the level is in effect");
        for (secret, what) in &secrets {
            let told: Vec<&String> = lines.iter().filter(|line| leaks(line, secret)).collect();
            assert!(told.is_empty(), "at {level}, {what} {secret} in {told:#?}");
        }
        let mut requests = Vec::new();
        for line in &lines {
            let line: Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("no JSON, {error}: {line}"));
            assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
            if line["target"] == "outpost::access" {
                requests.push(line["path"].as_str().unwrap_or_default().to_owned());
            }
        }
        let of = |path: &str| requests.iter().filter(|request| request.as_str() == path).count();
        assert_eq!(of("/json?day=1"), 2, "{requests:#?}");
        assert_eq!(of("/json?day=2"), 2, "{requests:#?}");
        assert_eq!(of("/outpost.goauthentik.io/sign_out"), 1, "{requests:#?}");
    }
}
