//! The outpost as the proxy.

use outpost_demo::core::ProviderSpec;

use super::comparisons::{ok, side};
use super::front::{Front, HOST};
use super::load::Asked;
use super::nginx::Nginx;
use super::options::Options;
use super::server::{Server, address};
use super::turns::{Compared, Side, take};

/// Against nginx, and a bare proxy.
pub(crate) async fn proxy_mode(options: &Options) -> Vec<Compared> {
    let app = Server::bare(&[]);
    let upstream = format!("http://{}", app.at());
    let provider = |external: &str| vec![ProviderSpec::proxy("app", external, &upstream)];
    let mut front = Front::start(&[], None, provider);
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
        let through = |name: &str, proxy| Side {
            servers: vec![proxy, &app],
            ..side(name, proxy, asked.clone())
        };
        let mut sides = vec![
            through("the outpost", &front.outpost),
            through("nginx `proxy_pass`", &nginx.server),
        ];
        // It forwards no upgrades.
        if matches!(asked, Asked::Http { .. }) {
            sides.push(through("a bare actix-web and awc proxy", &bare));
        }
        all.push(take(options, what, &sides, &[Some(0.7), None]));
    }
    all
}
