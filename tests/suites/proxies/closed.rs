//! An outpost that fails, in each way that one can: whatever it says but yes, and whatever it does
//! not say, nobody reaches the application.

use std::time::{Duration, Instant};

use outpost_demo::core::ProviderSpec;
use outpost_tests::proxies::{Around, Kind, Proxy, Reserved};
use outpost_tests::{Browser, Script, Scripted, World};
use reqwest::Method;

/// What the application says to whoever reaches it.
const SECRET: &str = "the application's own page";

/// The longest that anybody waits for a proxy that waits: Traefik's limit is its own, 30 seconds.
const PATIENCE: Duration = Duration::from_secs(50);

/// What proxies wait for an answer of the outpost, where it can be said.
const LIMIT: Duration = Duration::from_secs(2);

/// What a page asks for, and a script.
const BOTH: [&str; 2] = ["text/html", "application/json"];

/// A proxy between an application that counts and an outpost that does what it is told.
struct Failing {
    kind: Kind,
    proxy: Proxy,
    outpost: Scripted,
    app: Scripted,
    _world: World,
}

impl Failing {
    async fn of(kind: Kind) -> Self {
        let world = World::start().await;
        let outpost = Scripted::saying("yes").await;
        let app = Scripted::saying(SECRET).await;
        let reserved = Reserved::any();
        let external = format!("http://single.test:{}", reserved.port());
        world.serve([ProviderSpec::forward_single("single", &external)]).await;
        let mut around = Around::of(&world, &[]);
        around.site.outpost = format!("http://{}", outpost.address()).parse().unwrap();
        around.site.upstream = Some(format!("http://{}", app.address()).parse().unwrap());
        // Nobody has half a minute for each.
        around.instead = limit(kind);
        let proxy = Proxy::between(kind, reserved, "single.test", &around, &world).await;
        Self { kind, proxy, outpost, app, _world: world }
    }

    /// What went wrong with requests whose outpost fails: they reached the application, or got an
    /// answer that is none to them.
    async fn opened_by(&self, what: &str, accepts: &[&str]) -> Vec<String> {
        let mut wrong = Vec::new();
        for accept in accepts {
            let before = self.app.asked();
            let url = self.proxy.at.url("single.test", "/page");
            let browser = Browser::new();
            let headers = [("accept", *accept)];
            let asked = browser.try_send(Method::GET, &url, &headers, None);
            let answer = tokio::time::timeout(PATIENCE, asked)
                .await
                .unwrap_or_else(|_| panic!("{:?} waits forever: {what}", self.kind));
            // No answer at all is a refusal, too.
            let got = answer.map_or_else(
                |_| (0, false),
                |answer| (answer.status.as_u16(), answer.body.contains(SECRET)),
            );
            if got.0 == 200 || got.1 || self.app.asked() != before {
                wrong.push(format!("{what} for {accept}: {got:?}"));
            }
        }
        wrong
    }
}

/// The words for the longest wait of what is rendered, and shorter ones. Traefik has none.
fn limit(kind: Kind) -> Vec<(&'static str, String)> {
    let seconds = LIMIT.as_secs();
    match kind {
        Kind::Nginx | Kind::NginxProxyManager => {
            vec![("proxy_read_timeout 30s;", format!("proxy_read_timeout {seconds}s;"))]
        }
        Kind::Caddy => {
            vec![("response_header_timeout 30s", format!("response_header_timeout {seconds}s"))]
        }
        Kind::Envoy => vec![("timeout: 30s", format!("timeout: {seconds}s"))],
        Kind::HaProxy => vec![("timeout = 30000", format!("timeout = {}", LIMIT.as_millis()))],
        _ => Vec::new(),
    }
}

/// Answers that are no yes.
fn scripts(kind: Kind) -> Vec<Script> {
    let mut all: Vec<Script> = [
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found",
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\nX-authentik-username: akadmin\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 abc Words\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "",
    ]
    .into_iter()
    .map(|text| Script::Says(text.to_owned()))
    .collect();
    // Traefik, and nginx by itself, take every 2xx for a yes; the manager has no place for a map.
    if !matches!(kind, Kind::Traefik | Kind::NginxProxyManager) {
        for text in [
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 206 Partial Content\r\nContent-Length: 0\r\n\r\n",
        ] {
            all.push(Script::Says(text.to_owned()));
        }
    }
    for text in ["", "HTTP/1.1 ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX-authentik-user"] {
        all.push(Script::Breaks(text.to_owned()));
    }
    all.push(Script::Says("HTTP/1.1 200 OK\r\nX-authentik-user".to_owned()));
    all
}

pub(crate) async fn an_outpost_that_fails_opens_nothing(kind: Kind) {
    let failing = Failing::of(kind).await;
    // What says yes opens: refusing everything would pass below.
    let url = failing.proxy.at.url("single.test", "/page");
    let open = Browser::new().get(&url).await;
    assert_eq!((open.status.as_u16(), open.body.as_str()), (200, SECRET), "{kind:?}");
    let mut wrong = Vec::new();
    for script in scripts(kind) {
        let what = format!("{script:?}");
        failing.outpost.plays(script);
        wrong.extend(failing.opened_by(&what, &BOTH).await);
    }

    let asked = failing.outpost.asked();
    failing.outpost.plays(Script::Hangs);
    let since = Instant::now();
    wrong.extend(failing.opened_by("it hangs", &["text/html"]).await);
    assert!(failing.outpost.asked() > asked, "{kind:?} has asked");
    // It has waited for an answer, and not refused for another reason. Envoy's clock is that of its last
    // event: its limit is over some milliseconds early.
    assert!(since.elapsed() > LIMIT / 2, "{kind:?}");

    failing.outpost.leaves().await;
    wrong.extend(failing.opened_by("it is away", &BOTH).await);
    assert_eq!(wrong, [""; 0], "{kind:?}");
}
