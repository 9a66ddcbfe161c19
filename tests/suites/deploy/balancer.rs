//! The load balancer of the compose file, run as it is but for addresses, with three outposts and a
//! Redis.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use outpost_demo::core::{Fault, ProviderSpec};
use outpost_tests::daemon::Daemon;
use outpost_tests::folder::Folder;
use outpost_tests::ports::{self, Place};
use outpost_tests::redis::RedisServer;
use outpost_tests::repository::read;
use outpost_tests::stage::Stage;
use outpost_tests::{Browser, Load, Replicas, parts, wait};
use reqwest::{Client, StatusCode};
use url::Url;

use crate::deploy::compose::{composed, outposts};
use crate::deploy::support::{replace_once, said};

/// Everything ends when it is dropped.
struct Deployment {
    balancer: Daemon,
    /// For browsers, HTTP.
    http: Place,
    /// For browsers, HTTPS.
    https: Place,
    /// For reverse proxies.
    proxies: Place,
    replicas: Replicas,
    _redis: RedisServer,
    stage: Stage,
    _folder: Folder,
}

impl Deployment {
    async fn start() -> Self {
        let stage = Stage::of("app.test");
        // A second one, so that a host that nobody serves is not taken for the only provider's.
        let shop = ProviderSpec::proxy("shop", "http://shop.test", &stage.app.url());
        stage.core.put_provider(shop).unwrap();
        let redis = RedisServer::start();
        // What the compose file sets, but for what stands in secrets.
        let composed = composed("replicas.yml");
        let (_, service) = &outposts(&composed)[0];
        let mut variables: Vec<(String, String)> = service["environment"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .filter(|(_, value)| !value.starts_with("file:///run/secrets/"))
            .filter(|(name, _)| name != "AUTHENTIK_HOST")
            .collect();
        assert!(!variables.is_empty(), "{service}");
        // The balancer's own address, as in the file; browsers come from others.
        for (name, value) in &mut variables {
            if name == "AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS" {
                value.clear();
                value.push_str("127.0.0.1/32");
            }
        }
        // Patience with the store: the machine is busy, and no test here is about it.
        for (name, value) in [
            ("OUTPOST__SESSIONS__STORE", redis.url()),
            ("OUTPOST__SESSIONS__TIMEOUT", "10s".to_owned()),
            ("OUTPOST__SESSIONS__CONNECT_TIMEOUT", "10s".to_owned()),
        ] {
            variables.push((name.to_owned(), value));
        }
        let replicas = Replicas::each(&stage.core, 3, |_| variables.clone()).await;

        let folder = Folder::new();
        let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let Stage { reserved, .. } = &stage;
        let http = Place::new(reserved.port());
        let [https, proxies] = [(); 2].map(|()| Place::new(ports::free(own)));
        let mut text = read("deploy/compose/balancer.cfg");
        for (name, place) in [("8080", http), ("8443", https), ("9000", proxies)] {
            let bind = format!("bind 127.0.0.1:{}\n", place.port());
            text = replace_once(&text, &format!("bind :{name}\n"), &bind);
        }
        for index in 0..replicas.len() {
            let addresses = replicas.addresses(index);
            for (port, address) in [(9000, addresses.http), (9443, addresses.https)] {
                let deployed = format!(" outpost-{}:{port}\n", index + 1);
                let here = format!(" {address} port {}\n", addresses.metrics.port());
                text = replace_once(&text, &deployed, &here);
            }
        }
        // The machine of a test may not give it so many files.
        text = replace_once(&text, "maxconn 20000", "maxconn 1000");
        // Names need a resolver; addresses have none. The file as it is, HAProxy reads below.
        text = text.replace(" resolvers containers init-addr libc,none", "");
        let mut unused = String::new();
        for line in text.lines().filter(|line| line.contains("outpost-") && line.contains(":9")) {
            let _ = writeln!(unused, "{line}");
        }
        assert!(unused.is_empty(), "{unused}");
        let file = folder.write("haproxy.cfg", &text);
        let mut command = Command::new(parts::find("haproxy"));
        command.arg("-db").arg("-f").arg(file);
        // The port is the balancer's now.
        let Stage { core, app, reserved, cookie_secret } = stage;
        drop(reserved);
        let balancer = Daemon::start(command, &folder.path().join("log"));
        let reserved = outpost_tests::proxies::Reserved::any();
        let stage = Stage { core, app, reserved, cookie_secret };
        let mut deployment = Self {
            balancer,
            http,
            https,
            proxies,
            replicas,
            _redis: redis,
            stage,
            _folder: folder,
        };
        deployment.serves().await;
        deployment
    }

    async fn serves(&mut self) {
        let client = Client::builder().no_proxy().build().unwrap();
        let ping = self.http.url("127.0.0.1", "/outpost.goauthentik.io/ping");
        wait::until_async("the balancer", async || {
            assert!(self.balancer.ended().is_none(), "{}", self.balancer.said());
            match client.get(&ping).timeout(wait::PATIENCE).send().await {
                Ok(answer) if answer.status() == StatusCode::NO_CONTENT => Ok(()),
                other => Err(format!("{other:?}; it said:\n{}", self.balancer.said())),
            }
        })
        .await;
    }

    fn page(&self) -> String {
        self.http.url("app.test", "/json")
    }

    /// Waits until the balancer sends one of the replicas requests.
    async fn asks(&self, index: usize) {
        let (browser, path) = (Browser::new(), format!("/seen-by-{}", uuid::Uuid::new_v4()));
        let url = self.http.url("app.test", &path);
        wait::until_async("a request at the replica", async || {
            browser.get(&url).await;
            match self.replicas.program(index).count(&path) {
                0 => Err(self.balancer.said()),
                _ => Ok(()),
            }
        })
        .await;
    }
}

/// Someone signed in, and requests of theirs all the time.
async fn at_work(deployment: &Deployment) -> Load {
    let page = deployment.page();
    let browser = Browser::new();
    let answer = browser.sign_in(&page, "alice").await;
    assert_eq!(answer.json()["user"], "alice", "{answer:?}");
    let cookies = browser.cookie_header(&Url::parse(&page).unwrap());
    Load::start(4, &page, cookies, |answer| {
        let seen = answer.status == StatusCode::OK && answer.body.contains("alice");
        // The last line of an error page says why.
        let end = answer.body.lines().last().unwrap_or_default();
        if seen { Ok(()) } else { Err(format!("{} {end}", answer.status)) }
    })
}

fn nothing_was_lost(load: Load) {
    let totals = load.stop();
    assert!(totals.failed == 0 && totals.violated == 0, "{totals:?}");
}

#[tokio::test]
async fn nobody_notices_that_a_replica_was_killed() {
    let mut deployment = Deployment::start().await;
    let load = at_work(&deployment).await;
    load.answers(100).await;
    for victim in 0..deployment.replicas.len() {
        deployment.replicas.kill(victim);
        load.answers(200).await;
        deployment.replicas.restart(victim).await;
        deployment.asks(victim).await;
    }
    nothing_was_lost(load);
}

/// One that was killed may listen again before the balancer has asked how it is.
#[tokio::test]
async fn a_replica_that_starts_anew_is_asked_when_it_is_ready() {
    let mut deployment = Deployment::start().await;
    let load = at_work(&deployment).await;
    load.answers(100).await;
    deployment.replicas.kill(0);
    load.answers(50).await;
    // Listens, and knows nothing, for as long as the test likes.
    deployment.replicas.set(0, "OUTPOST__CORE__LAST_KNOWN_GOOD", "false");
    deployment.stage.core.set_rest_fault(&Fault::starting());
    deployment.replicas.restart_unready(0);
    let client = Client::builder().no_proxy().build().unwrap();
    let page = format!("http://{}/json", deployment.replicas.addresses(0).http);
    wait::until_async("a replica that listens", async || {
        match client.get(&page).timeout(wait::PATIENCE).send().await {
            Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    load.answers(200).await;
    deployment.stage.core.clear_faults();
    deployment.replicas.ready(0).await;
    deployment.asks(0).await;
    nothing_was_lost(load);
}

#[tokio::test]
async fn nobody_notices_that_replicas_are_replaced_one_after_the_other() {
    let mut deployment = Deployment::start().await;
    let load = at_work(&deployment).await;
    for index in 0..deployment.replicas.len() {
        assert_eq!(deployment.replicas.terminate(index).await, Some(0));
        deployment.replicas.restart(index).await;
        deployment.asks(index).await;
        load.answers(100).await;
    }
    nothing_was_lost(load);
}

#[tokio::test]
async fn browsers_reach_the_outposts_by_tls_and_reverse_proxies_with_their_headers() {
    let deployment = Deployment::start().await;
    let ping = "/outpost.goauthentik.io/ping";
    let url = format!("https://127.0.0.1:{}{ping}", deployment.https.port());
    let mut curl = Command::new(parts::find("curl"));
    curl.args(["-sk", "-o", "/dev/null", "-w", "%{http_code}", &url]);
    let said = curl.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "204", "{said:?}");

    // Whoever comes from outside may claim to ask for another host; a reverse proxy may say so.
    let app = format!("app.test:{}", deployment.http.port());
    let claim = [("x-forwarded-host", app.as_str())];
    let browser = Browser::new();
    let url = deployment.http.url("elsewhere.test", "/json");
    let answer = browser.send(reqwest::Method::GET, &url, &claim, None).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    let url = deployment.proxies.url("elsewhere.test", "/json");
    let answer = browser.send(reqwest::Method::GET, &url, &claim, None).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{answer:?}");
}

/// Over TLS the balancer sees no header: whom it names in the PROXY header is a browser, of the same
/// network or not.
#[tokio::test]
async fn browsers_are_not_believed_over_tls_either() {
    let deployment = Deployment::start().await;
    let port = deployment.https.port();
    let said_to = |from: &str| {
        let mut curl = Command::new(parts::find("curl"));
        curl.args(["-sk", "-o", "/dev/null", "-w", "%{http_code}", "--interface", from]);
        curl.arg(format!("https://elsewhere.test:{port}/json"));
        curl.args(["--resolve", &format!("elsewhere.test:{port}:127.0.0.1")]);
        curl.args(["-H", &format!("X-Forwarded-Host: app.test:{}", deployment.http.port())]);
        let said = curl.args(["-H", "X-Forwarded-Proto: http"]).output().unwrap();
        String::from_utf8(said.stdout).unwrap()
    };
    assert_eq!(said_to("127.0.0.2"), "400");
    // The very same of the balancer's address would count.
    assert_eq!(said_to("127.0.0.1"), "302");
}

/// The id under which a request is logged and found again is no browser's to choose.
#[tokio::test]
async fn browsers_do_not_choose_the_id_of_a_decision() {
    const ID: &str = "an-id-that-was-made-up";
    let deployment = Deployment::start().await;
    let client = Client::builder().no_proxy().build().unwrap();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let id = async |place: &Place| {
        let url = place.url("127.0.0.1", "/json");
        let ask = client.get(&url).header("x-request-id", ID).header("traceparent", parent);
        let answer = ask.timeout(wait::PATIENCE).send().await.unwrap();
        answer.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_ne!(id(&deployment.http).await, ID);
    assert_eq!(id(&deployment.proxies).await, ID, "a reverse proxy may");
}

/// Above, addresses take the place of names.
#[test]
fn haproxy_reads_the_file_as_it_is() {
    let folder = Folder::new();
    let text = read("deploy/compose/balancer.cfg");
    let check = |text: &str| {
        let file = folder.write("haproxy.cfg", text);
        let output = Command::new(parts::find("haproxy")).args(["-c", "-f"]).arg(file).output();
        output.unwrap()
    };
    let output = check(&text);
    assert!(output.status.success(), "{}", said(&output));
    let output = check(&replace_once(&text, "parse-resolv-conf", "parse-resolve-conf"));
    assert!(!output.status.success(), "{}", said(&output));
}
