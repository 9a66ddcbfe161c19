//! What is compared with what.

use std::pin::Pin;

use outpost_demo::core::ProviderSpec;
use outpost_tests::folder::Folder;
use outpost_tests::program::{executable, run};

use super::front::{Front, HOST, answer};
use super::load::Asked;
use super::nginx::Nginx;
use super::options::Options;
use super::server::{Server, address};
use super::turns::{Compared, Side, take};

type Comparison = for<'a> fn(&'a Options) -> Pin<Box<dyn Future<Output = Vec<Compared>> + 'a>>;

/// Every comparison, by name.
pub(crate) const ALL: [(&str, Comparison); 3] = [
    ("Forward auth, warm session", |options| Box::pin(forward_auth(options))),
    ("Forward auth behind nginx", |options| Box::pin(behind_nginx(options))),
    ("Proxy mode", |options| Box::pin(proxy_mode(options))),
];

const DIALECTS: [&str; 4] = ["nginx", "traefik", "caddy", "envoy"];

fn ok(request: String) -> Asked {
    Asked::Http { requests: vec![request], expect: 200 }
}

/// Against a bare handler that answers the same status and headers, and nginx that answers 200.
async fn forward_auth(options: &Options) -> Vec<Compared> {
    let provider = |external: &str| ProviderSpec::forward_single("app", external);
    let mut front = Front::start(options, &[], None, provider).await;
    front.sign_in(&format!("/outpost.goauthentik.io/start?rd=http://{HOST}:{}/", front.port)).await;
    let nginx = Nginx::answers(address());
    let mut all = Vec::new();
    for dialect in DIALECTS {
        let request = front.check(dialect);
        let folder = Folder::new();
        let told = answer(front.outpost.at(), &request);
        assert_eq!(told["status"], 200, "{told}");
        let told = folder.write("answer.json", &told.to_string());
        let bare = Server::bare(&["--answer", &told.to_string_lossy()]);
        let side = |name: &str, server| Side {
            name: name.to_owned(),
            at: Server::at(server),
            asked: ok(request.clone()),
            servers: vec![server],
        };
        let sides = [
            side("the outpost", &front.outpost),
            side("a bare actix-web handler, same headers", &bare),
            side("nginx `return 200`", &nginx.server),
        ];
        all.push(take(options, dialect, &sides, &[Some(0.85), None]));
    }
    all
}

/// nginx that asks, against the same nginx that does not.
async fn behind_nginx(options: &Options) -> Vec<Compared> {
    let (asking, not) = (address(), address());
    let app = Nginx::answers(address());
    let provider = |external: &str| ProviderSpec::forward_single("app", external);
    let mut front = Front::start(options, &[], Some(asking), provider).await;
    let (core, token) = (front.core.url(), front.core.token());
    let render = |listen: std::net::SocketAddr| {
        let outpost = format!("http://{}", front.outpost.at());
        let upstream = format!("http://{}", app.server.at());
        let listen = listen.to_string();
        let arguments = [
            "render",
            "nginx",
            "--outpost",
            &outpost,
            "--upstream",
            &upstream,
            "--listen",
            &listen,
        ];
        let written = run(&arguments, &[("AUTHENTIK_HOST", &core), ("AUTHENTIK_TOKEN", &token)]);
        let said = String::from_utf8_lossy(&written.stderr).into_owned();
        assert!(written.status.success(), "{}: {said}", executable().display());
        String::from_utf8(written.stdout).expect("text")
    };
    let with = Nginx::start(asking, &render(asking));
    let rendered = render(not);
    let without: String = rendered
        .lines()
        // All but the question, and where the answer leads.
        .filter(|line| !line.trim_start().starts_with("auth_request "))
        .map(|line| {
            line.replace("default  '';\n    ~200$", "~")
                .replace("http://$outpost_application", "http://application")
                + "\n"
        })
        .collect();
    assert_ne!(rendered, without);
    let without = Nginx::start(not, &without);
    front.sign_in("/").await;
    let asked = ok(front.page("/page?x=1"));
    let sides = [
        Side {
            name: "nginx with the check".to_owned(),
            at: asking,
            asked: asked.clone(),
            servers: vec![&with.server, &front.outpost, &app.server],
        },
        Side {
            name: "the same nginx without".to_owned(),
            at: not,
            asked,
            servers: vec![&without.server, &app.server],
        },
    ];
    vec![take(options, "a page of two bytes", &sides, &[Some(0.6)])]
}

/// The outpost as the proxy, against nginx and a bare one.
async fn proxy_mode(options: &Options) -> Vec<Compared> {
    let app = Server::bare(&[]);
    let upstream = format!("http://{}", app.at());
    let provider = |external: &str| ProviderSpec::proxy("app", external, &upstream);
    let mut front = Front::start(options, &[], None, provider).await;
    front.sign_in("/").await;
    let nginx = Nginx::passes(address(), app.at());
    let bare = Server::bare(&["--forward", &app.at().to_string()]);
    let page = |bytes: usize| ok(front.page(&format!("/bytes/{bytes}")));
    let messages = Asked::Websocket {
        uri: format!("ws://{HOST}:{}/ws", front.port),
        headers: vec![
            ("Cookie".to_owned(), front.cookies.clone()),
            ("Origin".to_owned(), format!("http://{HOST}:{}", front.port)),
        ],
    };
    let mut all = Vec::new();
    for (what, asked) in
        [("100 bytes", page(100)), ("1 MB", page(1_000_000)), ("websocket messages", messages)]
    {
        let side = |name: &str, server| Side {
            name: name.to_owned(),
            at: Server::at(server),
            asked: asked.clone(),
            servers: vec![server, &app],
        };
        let mut sides =
            vec![side("the outpost", &front.outpost), side("nginx `proxy_pass`", &nginx.server)];
        if matches!(asked, Asked::Http { .. }) {
            sides.push(side("a bare actix-web and awc proxy", &bare));
        }
        all.push(take(options, what, &sides, &[Some(0.7), None]));
    }
    all
}
