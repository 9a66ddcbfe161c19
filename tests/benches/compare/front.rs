//! An outpost with somebody who is signed in.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use std::process::Command;
use std::time::Duration;

use outpost::session::redis::RedisStore;
use outpost::session::seals::SealSecret;
use outpost::session::{SessionId, SessionStore as _};
use outpost_demo::core::ProviderSpec;
use outpost_tests::program::executable;
use outpost_tests::{Browser, filler, wait};
use reqwest::Method;

use super::core::Core;
use super::server::{Server, address, on_processor};

/// Host of the application.
pub(crate) const HOST: &str = "app.test";

/// Longest that an outpost may take to have all of its providers, however many they are.
const PATIENCE: Duration = Duration::from_secs(300);

/// An outpost, core, and what a browser sends once somebody has signed in.
pub(crate) struct Front {
    pub(crate) outpost: Server,
    /// Of somebody who is signed in.
    pub(crate) cookies: String,
    /// The port that the application's address names.
    pub(crate) port: u16,
    pub(crate) core: Core,
}

impl Front {
    /// Starts an outpost with the providers that `providers` makes of the address people see, the
    /// application's first; `reached` is where they come by, if it is not the outpost itself.
    pub(crate) fn start(
        variables: &[(&str, &str)],
        reached: Option<SocketAddr>,
        providers: impl FnOnce(&str) -> Vec<ProviderSpec>,
    ) -> Self {
        Self::of(ours(), variables, reached, providers)
    }

    /// The same with another outpost.
    pub(crate) fn of(
        program: Command,
        variables: &[(&str, &str)],
        reached: Option<SocketAddr>,
        providers: impl FnOnce(&str) -> Vec<ProviderSpec>,
    ) -> Self {
        let at = address();
        let port = reached.unwrap_or(at).port();
        let core = Core::start(providers(&format!("http://{HOST}:{port}")));
        let outpost = Server::start(told(program, &core, at, variables), at);
        Self { outpost, cookies: String::new(), port, core }
    }

    /// Starts another outpost of the same core, and waits until it lets in whoever is signed in.
    pub(crate) fn another(&self, variables: &[(&str, &str)]) -> Server {
        let at = address();
        let server = Server::start(told(ours(), &self.core, at, variables), at);
        let check = self.check("traefik");
        wait::until("another outpost that lets in who is signed in", || {
            let told = answer(at, &check);
            if told["status"] == 200 { Ok(()) } else { Err(told.to_string()) }
        });
        server
    }

    /// Signs somebody in, once the outpost has its provider; `path` needs a session.
    pub(crate) async fn sign_in(&mut self, path: &str) {
        let url = format!("http://{HOST}:{}{path}", self.port);
        let browser = Browser::new();
        wait::until_async_within(PATIENCE, "an outpost that has its providers", async || {
            match browser.try_send(Method::GET, &url, &[], None).await {
                Ok(answer) if answer.status.is_redirection() => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        let page = browser.sign_in(&url, "alice").await;
        let home = format!("http://{HOST}:{}/", self.port).parse().expect("a URL");
        let cookies = browser.cookie_header(&home);
        self.cookies =
            cookies.unwrap_or_else(|| panic!("no session: {} {}", page.status, page.body));
    }

    /// Key of the provider that somebody is signed in at.
    async fn provider(&self, store: &RedisStore) -> i64 {
        let page = store.list(None, None, 1, outpost::clock::now()).await.expect("a list");
        page.sessions.first().expect("a session").about.provider
    }

    /// Sessions of so many others, which are put right into the store that the outpost has.
    pub(crate) async fn others(&self, store: &RedisStore, count: usize) -> Vec<SessionId> {
        let provider = self.core.stand_in.provider("app").expect("the application's provider");
        let secret = SealSecret::of(&provider.cookie_secret);
        let sub = |number| format!("user-{number}");
        filler::usable(store, count, sub, self.provider(store).await, &secret).await
    }

    /// The cookies of somebody with another session.
    fn cookies_of(&self, id: &SessionId) -> String {
        let (name, _) = self.cookies.split_once('=').expect("a cookie");
        format!("{name}={}", id.cookie_value())
    }

    /// Signs somebody in by the outpost's own path.
    pub(crate) async fn sign_in_first(&mut self) {
        let home = format!("http://{HOST}:{}/", self.port);
        self.sign_in(&format!("/outpost.goauthentik.io/start?rd={home}")).await;
    }

    /// What a proxy asks in one of the four ways, of somebody who is signed in.
    pub(crate) fn check(&self, dialect: &str) -> String {
        self.check_of(dialect, &format!("Cookie: {}", self.cookies))
    }

    /// The same of somebody with another session.
    pub(crate) fn check_by(&self, dialect: &str, id: &SessionId) -> String {
        self.check_of(dialect, &format!("Cookie: {}", self.cookies_of(id)))
    }

    /// The same of whoever sends this header.
    pub(crate) fn check_of(&self, dialect: &str, credential: &str) -> String {
        let host = format!("{HOST}:{}", self.port);
        let path = match dialect {
            "envoy" => format!("/outpost.goauthentik.io/auth/envoy{ASKED}"),
            _ => format!("/outpost.goauthentik.io/auth/{dialect}"),
        };
        question(dialect, &host, &path, credential)
    }

    /// A page, as the browser of somebody who is signed in asks for it.
    pub(crate) fn page(&self, path: &str) -> String {
        self.page_of(path, &self.cookies)
    }

    /// What a proxy asks of somebody with another session, and what their browser sends to sign out.
    pub(crate) fn check_and_sign_out(&self, id: &SessionId) -> (String, String) {
        let cookies = self.cookies_of(id);
        (self.check_by("traefik", id), self.page_of("/outpost.goauthentik.io/sign_out", &cookies))
    }

    fn page_of(&self, path: &str, cookies: &str) -> String {
        page(self.port, path, cookies)
    }
}

/// What a proxy asks about in each of the four ways.
pub(crate) const ASKED: &str = "/page?x=1&y=two";

/// What a proxy asks in one of the four ways, at this path of whoever decides.
pub(crate) fn question(dialect: &str, host: &str, path: &str, credential: &str) -> String {
    let told = match dialect {
        "nginx" => format!("X-Original-URL: http://{host}{ASKED}\r\n"),
        "envoy" => String::new(),
        _ => format!(
            "X-Forwarded-Proto: http\r\nX-Forwarded-Host: {host}\r\nX-Forwarded-Uri: {ASKED}\r\n\
             X-Forwarded-Method: GET\r\n"
        ),
    };
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{told}{BROWSER}{credential}\r\n\r\n")
}

/// A page, as a browser with these cookies asks for it.
pub(crate) fn page(port: u16, path: &str, cookies: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n{BROWSER}Cookie: {cookies}\r\n\r\n")
}

/// What browsers send with everything.
const BROWSER: &str = "X-Forwarded-For: 192.0.2.7\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n";

/// What starts the outpost.
pub(crate) fn ours() -> Command {
    on_processor(0, executable())
}

/// What starts another one.
pub(crate) fn peer(command: &str) -> Command {
    let mut shell = on_processor(0, "sh");
    shell.args(["-c", &format!("exec {command}")]);
    shell
}

/// An outpost that is told of its core, and where to listen.
pub(crate) fn told(
    mut command: Command,
    core: &Core,
    at: SocketAddr,
    variables: &[(&str, &str)],
) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).envs([
        ("AUTHENTIK_HOST", core.stand_in.url()),
        ("AUTHENTIK_TOKEN", core.stand_in.token()),
        ("AUTHENTIK_INSECURE", "true".to_owned()),
        ("AUTHENTIK_LISTEN__HTTP", at.to_string()),
        ("AUTHENTIK_LISTEN__HTTPS", "127.0.0.1:0".to_owned()),
        ("AUTHENTIK_LISTEN__METRICS", "127.0.0.1:0".to_owned()),
        ("AUTHENTIK_LOG_LEVEL", "info".to_owned()),
        ("OUTPOST__DASHBOARD__LISTEN", "127.0.0.1:0".to_owned()),
        ("OUTPOST__CORE__REFRESH_JITTER", "0s".to_owned()),
        // It has one processor.
        ("OUTPOST__WEB__WORKERS", "1".to_owned()),
    ]);
    command.envs(variables.iter().copied());
    command
}

/// Sends a request and gives the status, headers and body of the answer, as a bare server takes them.
pub(crate) fn answer(at: SocketAddr, request: &str) -> serde_json::Value {
    let mut stream = TcpStream::connect(at).expect("a connection");
    let request = request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status: u16 = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .unwrap_or_else(|| panic!("{answer}"));
    let headers: Vec<(&str, &str)> = lines
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| {
            // Every server says these itself.
            !["connection", "content-length", "date"].contains(&name.to_ascii_lowercase().as_str())
        })
        .collect();
    serde_json::json!({ "status": status, "headers": headers, "body": body })
}
