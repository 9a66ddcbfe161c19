//! Forward auth: by whom it is asked, and where its sessions come from.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outpost_tests::filler;
use outpost_tests::folder::Folder;
use outpost_tests::program::{executable, run};
use outpost_tests::redis::RedisServer;

use super::comparisons::{forward, ok, side};
use super::core::APP_PASSWORD;
use super::front::{Front, answer};
use super::load::{self, Asked};
use super::nginx::Nginx;
use super::options::Options;
use super::server::{Server, address};
use super::turns::{Compared, Side, take};

pub(crate) const DIALECTS: [&str; 4] = ["nginx", "traefik", "caddy", "envoy"];

/// Most that the check may add to the 99th percentile at half of what can be had, in microseconds.
const ADDED: f64 = 1000.0;

/// Against a bare handler that answers the same status and headers, and nginx that answers 200.
pub(crate) async fn warm(options: &Options) -> Vec<Compared> {
    let mut front = Front::start(&[], None, forward);
    front.sign_in_first().await;
    let nginx = Nginx::answers(address());
    let mut all = Vec::new();
    for dialect in DIALECTS {
        let request = front.check(dialect);
        let folder = Folder::new();
        let told = answer(front.outpost.at(), &request);
        assert_eq!(told["status"], 200, "{told}");
        let told = folder.write("answer.json", &told.to_string());
        let bare = Server::bare(&["--answer", &told.to_string_lossy()]);
        let sides = [
            side("the outpost", &front.outpost, ok(request.clone())),
            side("a bare actix-web handler, same headers", &bare, ok(request.clone())),
            side("nginx `return 200`", &nginx.server, ok(request)),
        ];
        all.push(take(options, dialect, &sides, &[Some(0.85), None]));
    }
    all
}

/// nginx that asks, against the same nginx that does not, and against one that asks a handler which does
/// nothing but to answer the same: as fast as it goes, and at half of that.
pub(crate) async fn behind_nginx(options: &Options) -> Vec<Compared> {
    let [asking, not, bare_asking] = [(); 3].map(|()| address());
    let app = Nginx::answers(address());
    let mut front = Front::start(&[], Some(asking), forward);
    let with = Nginx::start(asking, &rendered(&front, front.outpost.at(), &app, asking));
    let without = rendered(&front, front.outpost.at(), &app, not);
    let unasked: String = without
        .lines()
        .filter(|line| !line.trim_start().starts_with("auth_request "))
        // Where a yes leads to.
        .map(|line| line.replace("http://$outpost_application", "http://application") + "\n")
        .collect();
    assert_ne!(without, unasked, "there is a question to leave out");
    let without = Nginx::start(not, &unasked);
    front.sign_in("/").await;
    let told = answer(front.outpost.at(), &front.check("nginx"));
    assert_eq!(told["status"], 200, "{told}");
    let folder = Folder::new();
    let told = folder.write("answer.json", &told.to_string());
    let bare = Server::bare(&["--answer", &told.to_string_lossy()]);
    let with_bare = Nginx::start(bare_asking, &rendered(&front, bare.at(), &app, bare_asking));
    let asked = ok(front.page("/page?x=1"));
    let sides = |rate: Option<f64>| {
        let all = [
            ("nginx with the check", asking, vec![&with.server, &front.outpost, &app.server]),
            ("the same nginx without", not, vec![&without.server, &app.server]),
            (
                "the same nginx, asking a bare actix-web handler",
                bare_asking,
                vec![&with_bare.server, &bare, &app.server],
            ),
        ];
        all.map(|(name, at, servers)| Side {
            name: name.to_owned(),
            at: vec![at],
            asked: asked.clone(),
            servers,
            connections: None,
            rate,
            meanwhile: None,
        })
    };
    let full = take(options, "a page of two bytes", &sides(None), &[Some(0.6), None]);
    let half = full.sides[0].rate() / 2.0;
    let calm = take(options, "the same at half of that", &sides(Some(half)), &[None, None]);
    vec![full, calm.adding(ADDED)]
}

/// What `outpost render nginx` prints for it, with `outpost` in its place.
fn rendered(front: &Front, outpost: SocketAddr, app: &Nginx, listen: SocketAddr) -> String {
    let outpost = format!("http://{outpost}");
    let upstream = format!("http://{}", app.server.at());
    let listen = listen.to_string();
    let places = ["--outpost", &outpost, "--upstream", &upstream, "--listen", &listen];
    let arguments: Vec<&str> = ["render", "nginx"].into_iter().chain(places).collect();
    let (core, token) = (front.core.stand_in.url(), front.core.stand_in.token());
    let written = run(&arguments, &[("AUTHENTIK_HOST", &core), ("AUTHENTIK_TOKEN", &token)]);
    let said = String::from_utf8_lossy(&written.stderr).into_owned();
    assert!(written.status.success(), "{}: {said}", executable().display());
    String::from_utf8(written.stdout).expect("text")
}

/// Sessions in turn: more than are remembered in any way where none is at hand.
const MANY: usize = 10_000;

/// Sessions that are asked of Redis each time, against such as are at hand: one, and many in turn.
pub(crate) async fn cold(options: &Options) -> Vec<Compared> {
    let redis = RedisServer::start();
    let store = redis.url();
    let shared = ("OUTPOST__SESSIONS__STORE", store.as_str());
    let mut fronts = Vec::new();
    for capacity in ["0", "100000"] {
        let cache = ("OUTPOST__SESSIONS__CACHE_CAPACITY", capacity);
        let mut front = Front::start(&[shared, cache], None, forward);
        front.sign_in_first().await;
        fronts.push(front);
    }
    let owner = filler::store(&redis);
    let mut compared = Vec::new();
    for (what, count) in [("a session", 1), ("10,000 sessions in turn", MANY)] {
        let mut sides = Vec::new();
        for (name, front) in std::iter::zip(["from Redis each time", "at hand"], &fronts) {
            let ids = front.others(&owner, count).await;
            let requests: Vec<_> = ids.iter().map(|id| front.check_by("traefik", id)).collect();
            let asked = Asked::Http { requests, expect: 200 };
            load::once(front.outpost.at(), &asked, options.connections);
            sides.push(side(name, &front.outpost, asked));
        }
        compared.push(take(options, what, &sides, &[Some(0.5)]));
    }
    compared
}

/// A machine's header whose result is at hand, against a session.
pub(crate) async fn by_header(options: &Options) -> Vec<Compared> {
    let mut front = Front::start(&[], None, forward);
    front.sign_in_first().await;
    let password = STANDARD.encode(format!("alice:{APP_PASSWORD}"));
    let header = format!("Authorization: Basic {password}");
    let sides = [
        side("a header", &front.outpost, ok(front.check_of("traefik", &header))),
        side("a session", &front.outpost, ok(front.check("traefik"))),
    ];
    vec![take(options, "who asks", &sides, &[None])]
}
