//! What the application is given beside who somebody is, and what it is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outpost_demo::core::{ProviderSpec, UserSpec};
use outpost_tests::proxies::{Around, Kind, Proxy, Reserved};
use outpost_tests::{Browser, Script, Scripted, World};
use reqwest::Method;
use serde_json::json;

use crate::proxies::front::Front;

const OWN: &str = "Bearer the-application-knows-this";

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// What reached the application as `Authorization`; empty is as good as nothing.
async fn sees(browser: &Browser, url: &str, authorization: Option<&str>) -> Option<String> {
    let mut headers = vec![("accept", "application/json")];
    headers.extend(authorization.map(|value| ("authorization", value)));
    let answer = browser.send(Method::GET, url, &headers, None).await;
    assert_eq!(answer.status, 200, "{url}: {}", answer.body);
    answer.received("authorization").filter(|value| !value.is_empty())
}

/// Contract 11: a credential that the outpost has used is not the application's; every other is.
pub(crate) async fn a_credential_is_the_outposts_or_the_applications(kind: Kind) {
    let front = Front::of(kind).await;
    for host in front.hosts() {
        let page = front.url(host, "/json");
        let used = basic("bob", "bob-app-password");
        let machine = Browser::new();
        assert_eq!(sees(&machine, &page, Some(&used)).await, None, "{kind:?} {host}");
        assert_eq!(sees(&machine, &page, Some(&used)).await, None, "{kind:?} {host}: with cookie");

        let person = front.signed_in(host, "alice").await;
        assert_eq!(sees(&person, &page, Some(OWN)).await.as_deref(), Some(OWN), "{kind:?} {host}");
        assert_eq!(sees(&person, &page, None).await, None, "{kind:?} {host}");
        let public = front.url(host, "/public/x");
        let nobody = Browser::new();
        assert_eq!(
            sees(&nobody, &public, Some(OWN)).await.as_deref(),
            Some(OWN),
            "{kind:?} {host}"
        );
        assert_eq!(sees(&nobody, &public, None).await, None, "{kind:?} {host}");
    }
}

/// Basic authentication towards the application, from attributes in core; whoever has none there
/// has none of their own making either.
pub(crate) async fn applications_get_the_credentials_that_core_has(kind: Kind) {
    let front = Front::serving(kind, "single.test", |at| {
        let mut spec = ProviderSpec::forward_single("single", &at("single.test")).skip("^/public/");
        spec.basic_auth_enabled = true;
        spec.basic_auth_user_attribute = "app_user".to_owned();
        spec.basic_auth_password_attribute = "app_password".to_owned();
        vec![spec]
    })
    .await;
    let carol = UserSpec::new("carol", "carol-password")
        .attributes(json!({"app_user": "carol-there", "app_password": "s3cr3t:Ä"}));
    front.world.core.put_user(carol);
    let page = front.url("single.test", "/json");
    let given = basic("carol-there", "s3cr3t:Ä");
    let carol = front.signed_in("single.test", "carol").await;
    for own in [None, Some(OWN)] {
        assert_eq!(sees(&carol, &page, own).await.as_deref(), Some(given.as_str()), "{kind:?}");
    }
    let alice = front.signed_in("single.test", "alice").await;
    for own in [None, Some(OWN), Some(given.as_str())] {
        assert_eq!(sees(&alice, &page, own).await, None, "{kind:?}");
        let public = front.url("single.test", "/public/x");
        assert_eq!(sees(&Browser::new(), &public, own).await, None, "{kind:?}");
    }
}

/// `--header`: what `additionalHeaders` sets for some arrives, and is nobody's own making.
pub(crate) async fn headers_that_the_operator_names_are_nobodys_own(kind: Kind) {
    let front = Front::around(
        kind,
        "single.test",
        |at| vec![ProviderSpec::forward_single("single", &at("single.test")).skip("^/public/")],
        |around| around.headers = vec!["X-Department".to_owned(), "Remote-User".to_owned()],
    )
    .await;
    let additional = json!({"X-Department": "sales & service", "Remote-User": "carol@there"});
    let carol = UserSpec::new("carol", "carol-password")
        .attributes(json!({"additionalHeaders": additional}));
    front.world.core.put_user(carol);
    let claimed = [
        ("X-Department", "mallory"),
        ("remote-user", "mallory"),
        ("Remote_User", "mallory"),
        ("x_department", "mallory"),
        ("accept", "application/json"),
    ];
    let page = front.url("single.test", "/json");
    let carol = front.signed_in("single.test", "carol").await;
    for headers in [&claimed[4..], &claimed[..]] {
        let answer = carol.send(Method::GET, &page, headers, None).await;
        let said = |name: &str| answer.received(name).unwrap_or_default();
        assert_eq!(said("X-Department"), "sales & service", "{kind:?}: {}", answer.body);
        assert_eq!(said("Remote-User"), "carol@there", "{kind:?}: {}", answer.body);
        assert!(!answer.body.contains("mallory"), "{kind:?}: {}", answer.body);
    }
    let bob = front.signed_in("single.test", "bob").await;
    for (browser, path) in [(&bob, "/json"), (&Browser::new(), "/public/x")] {
        let url = front.url("single.test", path);
        let answer = browser.send(Method::GET, &url, &claimed, None).await;
        assert_eq!(answer.status, 200, "{kind:?} {path}: {}", answer.body);
        assert!(!answer.body.contains("mallory"), "{kind:?} {path}: {}", answer.body);
    }
}

/// Cookies of an answer that lets somebody through are the browser's, beside the application's own.
pub(crate) async fn cookies_of_a_yes_reach_the_browser(kind: Kind) {
    let world = World::start().await;
    let cookies =
        ["one=1; Path=/; HttpOnly", "two=2; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT"];
    let lines = |all: &[&str]| -> String {
        all.iter().map(|cookie| format!("Set-Cookie: {cookie}\r\n")).collect()
    };
    let yes = |all: &[&str]| {
        Script::Says(format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", lines(all)))
    };
    let outpost = Scripted::start(yes(&[])).await;
    let own = lines(&["own=3; Path=/"]);
    let app = format!("HTTP/1.1 200 OK\r\n{own}Content-Length: 2\r\n\r\nok");
    let app = Scripted::start(Script::Says(app)).await;
    let reserved = Reserved::any();
    let external = format!("http://single.test:{}", reserved.port());
    let spec = ProviderSpec::forward_single("single", &external);
    world.serve([spec]).await;
    // Traefik passes cookies on by their names: those of the provider.
    let name = world.outpost.published.snapshot.load().ruleset.providers()[0].cookie.name.clone();
    let named = format!("{name}=1; Path=/; HttpOnly");
    let mut around = Around::of(&world, &[]);
    around.site.outpost = format!("http://{}", outpost.address()).parse().unwrap();
    around.site.upstream = Some(format!("http://{}", app.address()).parse().unwrap());
    let proxy = Proxy::between(kind, reserved, "single.test", &around, &world).await;
    let arriving = async |all: &[&str]| {
        outpost.plays(yes(all));
        let answer = Browser::new().get(&proxy.at.url("single.test", "/")).await;
        assert_eq!(answer.status, 200, "{kind:?}: {}", answer.body);
        let found = answer.headers.get_all("set-cookie").iter();
        let mut found: Vec<String> =
            found.map(|value| value.to_str().unwrap().to_owned()).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(arriving(&[]).await, ["own=3; Path=/"], "{kind:?}");
    let one = arriving(&[&named]).await;
    assert!(one.contains(&named) && one.contains(&"own=3; Path=/".to_owned()), "{kind:?}: {one:?}");
    // The outpost sends one at most. Several arrive whole or not at all, never run together.
    let several = arriving(&cookies).await;
    for cookie in &several {
        let is_whole = cookies.contains(&cookie.as_str()) || cookie == "own=3; Path=/";
        assert!(is_whole, "{kind:?}: {several:?}");
    }
    if matches!(kind, Kind::Caddy | Kind::Envoy | Kind::HaProxy) {
        assert_eq!(several.len(), 3, "{kind:?}: {several:?}");
    }
}
