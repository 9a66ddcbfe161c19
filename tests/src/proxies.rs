//! Real reverse proxies on loopback, set up as authentik's documentation says, between a browser
//! and the sample application.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};

use crate::parts;
use crate::ports::Place;

/// Longest that a proxy may take to serve.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a proxy that is starting: it cannot say when it serves.
const LOOK: Duration = Duration::from_millis(20);

/// A program that asks the outpost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `auth_request`.
    Nginx,
    /// `forwardAuth`.
    Traefik,
    /// `forward_auth`.
    Caddy,
    /// `ext_authz`.
    Envoy,
    /// nginx as it was published for the outpost of 2021.5.
    NginxAkprox,
    /// nginx' ingress, the same.
    IngressAkprox,
    /// Traefik, the same.
    TraefikAkprox,
}

impl Kind {
    /// All that ask as today's documentation says.
    pub const ALL: [Self; 4] = [Self::Nginx, Self::Traefik, Self::Caddy, Self::Envoy];

    const fn program(self) -> &'static str {
        match self {
            Self::Nginx | Self::NginxAkprox | Self::IngressAkprox => "nginx",
            Self::Traefik | Self::TraefikAkprox => "traefik",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
        }
    }

    /// Its files; the first one is the one it is started with.
    const fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Nginx => &[("nginx.conf", include_str!("proxies/nginx.conf"))],
            Self::Traefik => &[
                ("traefik.yml", include_str!("proxies/traefik.yml")),
                ("traefik-dynamic.yml", include_str!("proxies/traefik-dynamic.yml")),
            ],
            Self::Caddy => &[("Caddyfile", include_str!("proxies/Caddyfile"))],
            Self::Envoy => &[("envoy.yml", include_str!("proxies/envoy.yml"))],
            Self::NginxAkprox => &[
                ("nginx.conf", include_str!("proxies/akprox/nginx.conf")),
                ("published.conf", include_str!("proxies/akprox/nginx-published.conf")),
                ("options.conf", include_str!("proxies/akprox/nginx-options.conf")),
            ],
            Self::IngressAkprox => &[("nginx.conf", include_str!("proxies/akprox/ingress.conf"))],
            Self::TraefikAkprox => &[
                ("traefik.yml", include_str!("proxies/akprox/traefik.yml")),
                ("dynamic/published.yml", include_str!("proxies/akprox/traefik-published.yml")),
                ("dynamic/routers.yml", include_str!("proxies/akprox/traefik-routers.yml")),
            ],
        }
    }

    /// A path that reaches the outpost.
    const fn ping(self) -> &'static str {
        match self {
            Self::NginxAkprox | Self::IngressAkprox | Self::TraefikAkprox => "/akprox/ping",
            _ => "/outpost.goauthentik.io/ping",
        }
    }

    fn command(self, file: &str) -> Command {
        let mut command = Command::new(parts::find(self.program()));
        match self {
            Self::Nginx | Self::NginxAkprox | Self::IngressAkprox => {
                command.args(["-e", "stderr", "-c", file])
            }
            Self::Traefik | Self::TraefikAkprox => command.arg(format!("--configFile={file}")),
            Self::Caddy => command.args(["run", "--adapter", "caddyfile", "--config", file]),
            Self::Envoy => command.args([
                "--disable-hot-restart",
                "--concurrency",
                "1",
                "--log-level",
                "warning",
                "--config-path",
                file,
            ]),
        };
        command
    }
}

/// A port that is kept for a proxy that has not started yet: providers name it.
#[derive(Debug)]
pub struct Reserved(TcpListener);

impl Reserved {
    /// A free port of 127.0.0.1.
    #[must_use]
    pub fn any() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"))
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.local_addr().expect("an address").port()
    }
}

/// A running proxy. It ends, by its process id, when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    folder: PathBuf,
    /// Where it listens.
    pub at: Place,
}

impl Proxy {
    /// Starts a proxy in front of `app` that asks `outpost`, and waits until it serves.
    ///
    /// # Panics
    /// When it does not: with what it has said.
    pub async fn start(
        kind: Kind,
        reserved: Reserved,
        outpost: SocketAddr,
        app: SocketAddr,
    ) -> Self {
        let at = Place::new(reserved.port());
        let folder = std::env::temp_dir().join(format!("outpost-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).expect("a folder");
        for (name, template) in kind.files() {
            let text = template
                .replace("@PORT@", &at.port().to_string())
                .replace("@FOLDER@", &folder.to_string_lossy())
                .replace("@OUTPOST@", &outpost.to_string())
                .replace("@OUTPOST_HOST@", &outpost.ip().to_string())
                .replace("@OUTPOST_PORT@", &outpost.port().to_string())
                .replace("@APP@", &app.to_string())
                .replace("@APP_HOST@", &app.ip().to_string())
                .replace("@APP_PORT@", &app.port().to_string())
                // Blanks that what was published left to be filled in.
                .replace("*ip of your outpost*:4180", &outpost.to_string())
                .replace(
                    "authentik-outpost-*uuid of the service generated by authentik*:4180",
                    &outpost.to_string(),
                )
                .replace(
                    "# All your other options...",
                    &format!("include {}/options.conf;", folder.display()),
                );
            let file = folder.join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, text).expect("a file");
        }
        let file = folder.join(kind.files()[0].0);
        let log = File::create(folder.join("log")).expect("a log");
        let errors = log.try_clone().expect("a log");
        drop(reserved);
        let child = kind
            .command(&file.to_string_lossy())
            .current_dir(&folder)
            .env("HOME", &folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        let mut proxy = Self { child, folder, at };
        proxy.serves(kind).await;
        proxy
    }

    /// Waits until the outpost answers through the proxy: some accept connections before they
    /// know where to.
    async fn serves(&mut self, kind: Kind) {
        let client = Client::builder().no_proxy().build().expect("a client");
        let ping = self.at.url("127.0.0.1", kind.ping());
        let host = if kind == Kind::TraefikAkprox { "single.test" } else { "127.0.0.1" };
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = client.get(&ping).header("host", host).timeout(PATIENCE).send().await;
            if answer.is_ok_and(|answer| answer.status() == StatusCode::NO_CONTENT) {
                return;
            }
            let ended = self.child.try_wait().expect("a child");
            if ended.is_some() || Instant::now() > end {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("{kind:?} does not serve ({ended:?}); it said:\n{log}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
