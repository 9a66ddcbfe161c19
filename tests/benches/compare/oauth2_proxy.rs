//! oauth2-proxy, with somebody who is signed in.

use std::net::SocketAddr;
use std::path::Path;

use outpost_demo::core::ProviderSpec;
use outpost_tests::Browser;
use outpost_tests::redis::RedisServer;

use super::core::Core;
use super::front::{ASKED, HOST, page, question};
use super::load::Asked;
use super::server::{Server, address, on_processor};

/// What it seals cookies and sessions with: 32 bytes.
const SECRET: &str = "a-secret-of-thirty-two-bytes-.-.";

/// A running oauth2-proxy: core signs people in, its sessions are in Redis.
pub(crate) struct Oauth2Proxy {
    pub(crate) server: Server,
    cookies: String,
    _core: Core,
}

impl Oauth2Proxy {
    /// Starts one in front of `upstream`, and signs somebody in.
    pub(crate) async fn start(program: &Path, redis: &RedisServer, upstream: &str) -> Self {
        let at = address();
        let home = format!("http://{HOST}:{}", at.port());
        let callback = format!("{home}/oauth2/callback");
        let provider = ProviderSpec::oauth2("app", &[&callback]);
        let issuer = |core: &Core| format!("{}/application/o/app/", core.stand_in.url());
        let (id, secret) = (provider.client_id.clone(), provider.client_secret.clone());
        let core = Core::start(vec![provider]);
        let mut command = on_processor(0, program);
        command.env_clear().args([
            format!("--http-address={at}"),
            "--reverse-proxy=true".to_owned(),
            "--provider=oidc".to_owned(),
            format!("--oidc-issuer-url={}", issuer(&core)),
            format!("--client-id={id}"),
            format!("--client-secret={secret}"),
            format!("--redirect-url={callback}"),
            "--code-challenge-method=S256".to_owned(),
            "--scope=openid email profile".to_owned(),
            "--email-domain=*".to_owned(),
            // Core's claim about every address is that it was not verified.
            "--insecure-oidc-allow-unverified-email=true".to_owned(),
            format!("--cookie-secret={SECRET}"),
            "--cookie-secure=false".to_owned(),
            "--session-store-type=redis".to_owned(),
            format!("--redis-connection-url={}", redis.url()),
            "--skip-provider-button=true".to_owned(),
            // Who the user is, with the token, as the outpost says it.
            "--set-xauthrequest=true".to_owned(),
            "--pass-access-token=true".to_owned(),
            format!("--upstream={upstream}"),
        ]);
        let server = Server::start(command, at);
        let browser = Browser::new();
        let answer = browser.sign_in(&format!("{home}/oauth2/start?rd=/"), "alice").await;
        let cookies = browser.cookie_header(&home.parse().expect("a URL"));
        let cookies = cookies.unwrap_or_else(|| panic!("no session: {answer:?}"));
        Self { server, cookies, _core: core }
    }

    /// What a proxy asks it in one of the four ways.
    pub(crate) fn check(&self, dialect: &str) -> Asked {
        // Envoy puts the path that it asks about behind the one that it asks, which only fits the root:
        // there somebody who is signed in gets the page.
        let (path, expect) = if dialect == "envoy" { (ASKED, 200) } else { ("/oauth2/auth", 202) };
        let host = format!("{HOST}:{}", self.at().port());
        let credential = format!("Cookie: {}", self.cookies);
        Asked::Http { requests: vec![question(dialect, &host, path, &credential)], expect }
    }

    /// A page, as the browser of somebody who is signed in asks for it.
    pub(crate) fn page(&self, path: &str) -> String {
        page(self.at().port(), path, &self.cookies)
    }

    const fn at(&self) -> SocketAddr {
        self.server.at()
    }
}
