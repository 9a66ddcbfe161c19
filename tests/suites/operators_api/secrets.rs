//! Distinctive secrets, planted wherever one can be: none is in any answer of the API, nor in the
//! log.

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::{Browser, Program};
use reqwest::Method;

use crate::operators_api::support::Api;

/// Every planted secret begins with this.
const PLANTED: &str = "plnt-";

fn planted(what: &str) -> String {
    format!("{PLANTED}{what}-9f2c")
}

/// Asks in every way that can carry a secret; none of the values must be seen again.
async fn plant(home: &str, browser: &Browser) {
    let [token, code, user, cookie, bearer] =
        ["token", "code", "user", "cookie", "bearer"].map(planted);
    let url = format!("https://{user}:{token}@app.test/cb?code={code}&state={code}");
    let headers = [
        ("cookie", format!("authentik_proxy_0011aabb={cookie}; other={cookie}")),
        ("authorization", format!("Bearer {bearer}")),
        ("x-authentik-jwt", token.clone()),
        ("x-api-key", token.clone()),
        ("referer", format!("{home}/page?access_token={token}")),
        ("x-original-url", url.clone()),
        ("x-original-uri", format!("/cb?code={code}")),
        ("x-forwarded-uri", format!("/cb?code={code}&session_state={code}")),
        ("x-forwarded-for", "192.0.2.5".to_owned()),
        ("x-forwarded-access-token", token.clone()),
    ];
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for path in [
        format!("/page?token={token}&x=1"),
        format!("/page?rd=https%3A%2F%2Fapp.test%2F%3Ftoken%3D{token}"),
        format!("/page?next=https://{user}:{token}@app.test/"),
        format!("/outpost.goauthentik.io/callback?code={code}&state={code}"),
        format!("/outpost.goauthentik.io/start?rd={home}/x?token={token}"),
        "/outpost.goauthentik.io/auth/nginx".to_owned(),
        "/outpost.goauthentik.io/auth/traefik".to_owned(),
        format!("/outpost.goauthentik.io/auth/envoy/x?token={token}"),
    ] {
        for accept in ["text/html", "application/json"] {
            let mut headers = headers.clone();
            headers.push(("accept", accept));
            browser.send(Method::GET, &format!("{home}{path}"), &headers, None).await;
        }
    }
    let form = [("logout_token", token.as_str())];
    browser.post_form(&format!("{home}/outpost.goauthentik.io/backchannel_logout"), &form).await;
}

#[tokio::test]
async fn no_secret_is_in_any_answer_of_the_api_nor_in_the_log() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let app = SampleApp::start(0).unwrap();
    let headers = "Authorization,Cookie,Referer,X-Original-Url,X-Api-Key";
    let outpost = Program::start(
        &core,
        &[("AUTHENTIK_LOG_LEVEL", "debug"), ("AUTHENTIK_LOG__HTTP_HEADERS", headers)],
    );
    let home = format!("http://app.test:{}", outpost.address("http").await.port());
    core.put_user(UserSpec::new("alice", "alice-password"));
    let upstream = app.url().replace("://", &format!("://user:{}@", planted("upstream")));
    let mut spec = ProviderSpec::proxy("app", &home, &upstream).skip("^/public/");
    spec.client_secret = planted("client-secret");
    spec.cookie_secret = planted("cookie-secret");
    core.put_provider(spec).unwrap();
    outpost.signal("USR1");
    outpost.serves(1).await;

    plant(&home, &Browser::new()).await;
    let person = Browser::new();
    let page = person.sign_in(&format!("{home}/json"), "alice").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let mut secrets: Vec<String> =
        person.cookie_names().iter().filter_map(|name| person.cookie(name)).collect();
    secrets.extend(page.received("x-authentik-jwt"));
    secrets.push(core.token());
    secrets.push(PLANTED.to_owned());
    assert!(secrets.len() >= 4, "{secrets:?}");

    let api = Api::new(outpost.address("dashboard").await);
    let mut paths: Vec<String> = [
        "v1/overview",
        "v1/providers",
        "v1/sessions",
        "v1/decisions?limit=1000",
        "v1/doctor",
        "v1/fleet",
        "openapi.json",
    ]
    .map(ToOwned::to_owned)
    .into();
    let providers = api.get("v1/providers").await;
    let pk = providers["rows"][0]["pk"].as_i64().unwrap();
    let tried = format!("/x%3Ftoken%3D{}", planted("tried"));
    paths.push(format!("v1/providers/{pk}?try={tried}"));
    paths.push(format!(
        "v1/explain?url={home}/x%3Ftoken%3D{0}&headers=Cookie:%20a%3D{0}%0AAuthorization:%20Bearer%20{0}",
        planted("explained")
    ));
    let decisions = api.get("v1/decisions?limit=1000").await;
    let rows = decisions["rows"].as_array().unwrap();
    assert!(rows.len() > 15, "{}", rows.len());
    paths.extend(rows.iter().map(|row| format!("v1/decisions/{}", row["id"].as_str().unwrap())));
    let sessions = api.get("v1/sessions").await;
    let session = sessions["sessions"][0]["key"].as_str().unwrap();
    paths.push(format!("v1/sessions/{session}"));
    for path in &paths {
        let (_, body) = api.ask(path).await;
        leaks_nothing(&body, path, &secrets);
    }
    outpost.signal("TERM");
    assert_eq!(outpost.exit_code().await, Some(0));
    for line in outpost.lines() {
        leaks_nothing(&line, "the log", &secrets);
    }
    let ids = rows.iter().filter_map(|row| row["id"].as_str());
    for id in ids {
        let lines = outpost.count(&format!("\"request_id\":\"{id}\""));
        assert_eq!(lines, 1, "one line names {id}");
    }
}

fn leaks_nothing(text: &str, place: &str, secrets: &[String]) {
    for secret in secrets {
        if let Some(at) = text.find(secret.as_str()) {
            let begin = text.floor_char_boundary(at.saturating_sub(120));
            let end = text.floor_char_boundary((at + 60).min(text.len()));
            panic!("{place} tells {secret}: ..{}..", &text[begin..end]);
        }
    }
}
