//! Real reverse proxies on loopback, between a browser and the sample application: started with
//! exactly what `outpost render` writes for the providers of the stand-in core, and, for set-ups of
//! 2021.5, with what was published then.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use outpost_render::{Application, Input, Outpost, Site, Target, render};
use reqwest::{Method, StatusCode};

use crate::browser::Browser;
use crate::parts;
use crate::ports::Place;
use crate::world::World;

/// Longest that a proxy may take to serve.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a proxy that is starting: it cannot say when it serves.
const LOOK: Duration = Duration::from_millis(20);

/// A program that asks the outpost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `auth_request`.
    Nginx,
    /// The same in the words of nginx Proxy Manager, for one host, `single.test`.
    NginxProxyManager,
    /// `forwardAuth`.
    Traefik,
    /// `forward_auth`.
    Caddy,
    /// `ext_authz`.
    Envoy,
    /// An action in Lua.
    HaProxy,
    /// nginx as it was published for the outpost of 2021.5.
    NginxAkprox,
    /// nginx' ingress, the same.
    IngressAkprox,
    /// Traefik, the same.
    TraefikAkprox,
}

impl Kind {
    const fn program(self) -> &'static str {
        match self {
            Self::Nginx | Self::NginxProxyManager | Self::NginxAkprox | Self::IngressAkprox => {
                "nginx"
            }
            Self::Traefik | Self::TraefikAkprox => "traefik",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
            Self::HaProxy => "haproxy",
        }
    }

    /// What is rendered for it, where anything is.
    const fn target(self) -> Option<Target> {
        match self {
            Self::Nginx => Some(Target::Nginx),
            Self::NginxProxyManager => Some(Target::NginxProxyManager),
            Self::Traefik => Some(Target::Traefik),
            Self::Caddy => Some(Target::Caddy),
            Self::Envoy => Some(Target::Envoy),
            Self::HaProxy => Some(Target::HaProxy),
            Self::NginxAkprox | Self::IngressAkprox | Self::TraefikAkprox => None,
        }
    }

    /// The file that it is started with.
    const fn main_file(self) -> &'static str {
        match self {
            Self::Nginx | Self::NginxProxyManager | Self::NginxAkprox | Self::IngressAkprox => {
                "nginx.conf"
            }
            Self::Traefik | Self::TraefikAkprox => "traefik.yml",
            Self::Caddy => "Caddyfile",
            Self::Envoy => "envoy.yaml",
            Self::HaProxy => "haproxy.cfg",
        }
    }

    /// Its files beside what is rendered for it.
    const fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Nginx => &[("nginx.conf", include_str!("proxies/nginx.conf"))],
            Self::NginxProxyManager => &[("nginx.conf", include_str!("proxies/manager.conf"))],
            Self::Traefik => &[("traefik.yml", include_str!("proxies/traefik.yml"))],
            Self::Caddy => &[("Caddyfile", include_str!("proxies/Caddyfile"))],
            Self::Envoy | Self::HaProxy => &[],
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
        match self.program() {
            "nginx" => command.args(["-e", "stderr", "-c", file]),
            "traefik" => command.arg(format!("--configFile={file}")),
            "caddy" => command.args(["run", "--adapter", "caddyfile", "--config", file]),
            "haproxy" => command.args(["-db", "-f", file]),
            _ => command.args([
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

    /// What its log says of a configuration, a script or a request that it cannot make sense of.
    const fn complaints(self) -> &'static [&'static str] {
        match self {
            Self::Traefik | Self::TraefikAkprox => &[" ERR ", " WRN ", "level=error"],
            Self::Caddy => &["\"level\":\"error\"", "\"level\":\"fatal\""],
            Self::Envoy => &["[error]", "[critical]", "eprecat"],
            Self::HaProxy => &["[ALERT]", "[WARNING]", "Lua"],
            _ => &["[warn]", "[error]", "[crit]", "[alert]", "[emerg]"],
        }
    }
}

/// What stands around a proxy.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// What the operator says beside the providers. Where the proxy listens is not among it.
    pub site: Site,
    /// `--header`: further headers for the applications.
    pub headers: Vec<String>,
    /// The authorities that the machine trusts, as a PEM file; `None`: its own.
    pub authorities: Option<PathBuf>,
    /// The authorities that browsers trust, PEM; `None`: there is no TLS.
    pub trusted: Option<String>,
    /// Texts within what is rendered that a test has other words for, each of which must be there.
    pub instead: Vec<(&'static str, String)>,
}

impl Around {
    /// The outpost and the application of a world; `hosts` are those of applications below a
    /// domain.
    ///
    /// # Panics
    /// Never: addresses are URLs.
    #[must_use]
    pub fn of(world: &World, hosts: &[&str]) -> Self {
        let site = Site {
            outpost: format!("http://{}", world.http()).parse().expect("a URL"),
            upstream: Some(world.app.url().parse().expect("a URL")),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..Site::default()
        };
        Self { site, ..Self::default() }
    }
}

/// What `outpost render` writes for the providers of a world, for a port of 127.0.0.1.
fn rendered(target: Target, port: u16, around: &Around, world: &World) -> Vec<(String, String)> {
    let snapshot = world.outpost.published.snapshot.load_full();
    let of = |provider: &std::sync::Arc<_>| Application {
        provider: std::sync::Arc::clone(provider),
        rule: outpost_decision::headers::IdentityRule::default(),
        additional: around.headers.clone(),
    };
    let site =
        Site { listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))), ..around.site.clone() };
    let input = Input {
        outpost: Outpost { name: snapshot.outpost.name.clone(), ..Outpost::default() },
        applications: snapshot.ruleset.providers().iter().map(of).collect(),
        site,
    };
    let rendered = render(target, &input).expect("it can be written");
    let mut files: Vec<(String, String)> =
        rendered.files.into_iter().map(|file| (file.name.to_owned(), file.text)).collect();
    for (words, other) in &around.instead {
        let is_there = files.iter().any(|(_, text)| text.contains(words));
        assert!(is_there, "{target:?} has {words:?}");
        for (_, text) in &mut files {
            *text = text.replace(words, other);
        }
    }
    files
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

/// What a proxy is started with beside its own.
struct Setup {
    outpost: SocketAddr,
    app: SocketAddr,
    files: Vec<(String, String)>,
    authorities: Option<PathBuf>,
    trusted: Option<String>,
}

/// A running proxy. It ends, by its process id, when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    folder: PathBuf,
    kind: Kind,
    /// Where it listens.
    pub at: Place,
}

impl Proxy {
    /// Starts a proxy with what is rendered for the providers of a world, and waits until it serves
    /// `host`, that of one of them. `hosts` are those of applications below a domain.
    ///
    /// # Panics
    /// When it does not: with what it has said.
    pub async fn render(
        kind: Kind,
        reserved: Reserved,
        host: &str,
        hosts: &[&str],
        world: &World,
    ) -> Self {
        Self::between(kind, reserved, host, &Around::of(world, hosts), world).await
    }

    /// The same with more said by the operator. Where there is a certificate, TLS is spoken.
    ///
    /// # Panics
    /// When it does not serve: with what it has said.
    pub async fn between(
        kind: Kind,
        reserved: Reserved,
        host: &str,
        around: &Around,
        world: &World,
    ) -> Self {
        let target = kind.target().expect("a kind that is rendered");
        let mut at = Place::new(reserved.port());
        if around.site.tls.is_some() {
            at = at.over_tls();
        }
        // What no rendering says, but the page of nginx Proxy Manager.
        let upstream = around.site.upstream.as_ref();
        let app = upstream.and_then(|url| url.socket_addrs(|| None).ok()?.first().copied());
        let setup = Setup {
            outpost: world.http(),
            app: app.unwrap_or_else(|| world.app.address()),
            files: rendered(target, reserved.port(), around, world),
            authorities: around.authorities.clone(),
            trusted: around.trusted.clone(),
        };
        Self::with(kind, reserved, at, host, setup).await
    }

    /// Starts a proxy as published, in front of `app`, that asks `outpost`, and waits until it
    /// serves.
    ///
    /// # Panics
    /// When it does not: with what it has said.
    pub async fn start(
        kind: Kind,
        reserved: Reserved,
        outpost: SocketAddr,
        app: SocketAddr,
    ) -> Self {
        let setup = Setup { outpost, app, files: Vec::new(), authorities: None, trusted: None };
        let at = Place::new(reserved.port());
        Self::with(kind, reserved, at, "single.test", setup).await
    }

    async fn with(kind: Kind, reserved: Reserved, at: Place, host: &str, setup: Setup) -> Self {
        let Setup { outpost, app, files, authorities, trusted } = setup;
        let folder = std::env::temp_dir().join(format!("outpost-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).expect("a folder");
        for (name, template) in kind.files() {
            let text = template
                .replace("@PORT@", &at.port().to_string())
                .replace("@FOLDER@", &folder.to_string_lossy())
                .replace("@OUTPOST@", &outpost.to_string())
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
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("a file");
        }
        let file = folder.join(kind.main_file());
        let log = File::create(folder.join("log")).expect("a log");
        let errors = log.try_clone().expect("a log");
        // Envoy's program is a script of the Python that was installed beside it.
        let program = parts::find(kind.program());
        let beside = program.parent().expect("a folder").to_path_buf();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([beside].into_iter().chain(std::env::split_paths(&path)));
        drop(reserved);
        let child = kind
            .command(&file.to_string_lossy())
            .current_dir(&folder)
            .env("HOME", &folder)
            .env("PATH", path.expect("a path"))
            .envs(authorities.map(|file| ("SSL_CERT_FILE", file)))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        let mut proxy = Self { child, folder, kind, at };
        proxy.serves(host, trusted.as_deref()).await;
        proxy
    }

    /// Waits until the outpost answers through the proxy: some accept connections before they
    /// know where to.
    async fn serves(&mut self, host: &str, trusted: Option<&str>) {
        let kind = self.kind;
        let browser = trusted.map_or_else(Browser::new, Browser::trusting);
        let ping = self.at.url(host, kind.ping());
        let end = Instant::now() + PATIENCE;
        loop {
            let answer =
                tokio::time::timeout(PATIENCE, browser.try_send(Method::GET, &ping, &[], None))
                    .await;
            if matches!(answer, Ok(Ok(answer)) if answer.status == StatusCode::NO_CONTENT) {
                return;
            }
            let ended = self.child.try_wait().expect("a child");
            if ended.is_some() || Instant::now() > end {
                panic!("{kind:?} does not serve ({ended:?}); it said:\n{}", self.log());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What it has said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Lines of its log that complain.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let complains = |line: &&str| self.kind.complaints().iter().any(|mark| line.contains(mark));
        self.log().lines().filter(complains).map(str::to_owned).collect()
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
