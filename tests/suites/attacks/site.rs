//! What attackers stand before: the real program with an application in every mode, asked through
//! every dialect, and what the application got to see in the end.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_tests::{Capture, Program};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::attacks::exchange::{Ask, Outcome};

/// Longest that anything is awaited.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The only peer whose forwarding headers are believed.
pub(crate) const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Anybody else.
pub(crate) const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A way to an application: a mode of a provider, and who asks about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    /// How the reverse proxy asks; `None`: the outpost itself forwards.
    pub(crate) dialect: Option<&'static str>,
    /// The application's host.
    pub(crate) host: &'static str,
    /// Where one signs in to it.
    pub(crate) home: &'static str,
    /// Name of its provider.
    pub(crate) provider: &'static str,
}

const fn forward(dialect: &'static str, single: bool) -> Door {
    let (host, home, provider) = if single {
        ("single.test", "single.test", "single")
    } else {
        ("wiki.domain.test", "auth.domain.test", "domain")
    };
    Door { dialect: Some(dialect), host, home, provider }
}

/// The application that the outpost forwards to itself.
pub(crate) const PROXIED: Door =
    Door { dialect: None, host: "app.test", home: "app.test", provider: "app" };

/// Every mode through every dialect.
pub(crate) const DOORS: [Door; 9] = [
    PROXIED,
    forward("nginx", true),
    forward("traefik", true),
    forward("caddy", true),
    forward("envoy", true),
    forward("nginx", false),
    forward("traefik", false),
    forward("caddy", false),
    forward("envoy", false),
];

/// Those that a reverse proxy asks about.
pub(crate) fn forward_doors() -> impl Iterator<Item = Door> {
    DOORS.into_iter().filter(|door| door.dialect.is_some())
}

/// Where one signs in, one for each mode.
pub(crate) const HOMES: [&str; 3] = ["app.test", "single.test", "auth.domain.test"];

/// A core, the program and the application behind it.
pub(crate) struct Site {
    pub(crate) outpost: Program,
    pub(crate) core: StandInCore,
    pub(crate) app: Capture,
    pub(crate) http: SocketAddr,
}

/// Where the outpost believes nobody but [`PROXY`].
pub(crate) const VARIABLES: [(&str, &str); 3] = [
    ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "127.0.0.1/32"),
    ("OUTPOST__SHUTDOWN__DRAIN_TIMEOUT", "1s"),
    ("OUTPOST__WEB__WORKERS", "1"),
];

impl Site {
    /// With a provider in each mode, each with `/public/` open to everybody.
    pub(crate) async fn start() -> Self {
        Self::with(&[], |spec| spec).await
    }

    /// With more variables, and providers as `change` makes them.
    pub(crate) async fn with(
        variables: &[(&str, &str)],
        change: impl Fn(ProviderSpec) -> ProviderSpec,
    ) -> Self {
        let app = Capture::start().await;
        let providers = [
            ProviderSpec::proxy("app", "http://app.test", &app.url()).skip("^/public/"),
            ProviderSpec::forward_single("single", "http://single.test").skip("^/public/"),
            ProviderSpec::forward_domain("domain", "http://auth.domain.test", "domain.test")
                .skip("^https?://[^/]+/public/"),
        ];
        Self::serving(CoreOptions::default(), app, variables, providers.map(change)).await
    }

    /// With these providers alone.
    pub(crate) async fn serving(
        options: CoreOptions,
        app: Capture,
        variables: &[(&str, &str)],
        providers: impl IntoIterator<Item = ProviderSpec>,
    ) -> Self {
        Self::of(core(options), app, variables, providers).await
    }

    /// Of this core, with these providers alone.
    pub(crate) async fn of(
        core: StandInCore,
        app: Capture,
        variables: &[(&str, &str)],
        providers: impl IntoIterator<Item = ProviderSpec>,
    ) -> Self {
        let mut count = 0;
        for provider in providers {
            core.put_provider(provider).unwrap();
            count += 1;
        }
        let outpost = Program::start(&core, &[&VARIABLES, variables].concat());
        let http = outpost.address("http").await;
        outpost.serves(count).await;
        Self { outpost, core, app, http }
    }

    /// Knocks at a door: sends the request as the client would, through the reverse proxy where the
    /// door has one, and tells what came of it.
    pub(crate) async fn knock(&self, door: Door, ask: &Ask) -> Outcome {
        self.app.take();
        let mut outcome = match door.dialect {
            None => self.send(STRANGER, &ask.to(door.host)).await,
            Some(dialect) => self.send(PROXY, &ask.asked_by(dialect, door.host)).await,
        };
        outcome.forward_auth = door.dialect.is_some();
        outcome.reached = self.app.take();
        outcome
    }

    /// Bytes from an address, and what came back.
    pub(crate) async fn send(&self, from: Ipv4Addr, bytes: &[u8]) -> Outcome {
        let mut stream = self.connect(from).await;
        // A refusal may come before everything is written, and with a reset.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = soon("an answer's end", stream.read_to_end(&mut answer)).await;
        Outcome::read(&answer)
    }

    /// A connection from an address of this machine.
    pub(crate) async fn connect(&self, from: Ipv4Addr) -> TcpStream {
        connect(self.http, from).await
    }

    /// A request to the outpost's own paths at a host, from a browser, as a reverse proxy passes it on.
    pub(crate) async fn visit(&self, person: &mut Person, host: &str, path: &str) -> Outcome {
        let mut ask = Ask::get(path).line("Accept", "text/html");
        if let Some(cookies) = person.cookie_header() {
            ask = ask.line("Cookie", cookies);
        }
        let outcome = self.send(PROXY, &ask.to(host)).await;
        person.keep(&outcome);
        outcome
    }

    /// Begins a sign-in: core's authorize address.
    pub(crate) async fn begin(&self, person: &mut Person, host: &str, rd: &str) -> String {
        let rd: String = url::form_urlencoded::byte_serialize(rd.as_bytes()).collect();
        let path = format!("/outpost.goauthentik.io/start?rd={}", rd.replace('+', "%20"));
        let begun = self.visit(person, host, &path).await;
        assert_eq!(begun.status, 302, "{begun:?}");
        let location = begun.header("location").unwrap().to_owned();
        assert!(location.contains("/application/o/authorize/"), "{begun:?}");
        location
    }

    /// Where core sends the browser of `user` back to: path and query of the callback.
    pub(crate) fn callback(&self, authorize: &str, user: &str) -> String {
        let callback = self.core.sign_in(authorize, user).unwrap();
        let url = url::Url::parse(&callback).unwrap();
        format!("{}?{}", url.path(), url.query().unwrap())
    }

    /// Signs somebody in at a host; where it ends, the page that was asked for.
    pub(crate) async fn sign_in(&self, person: &mut Person, host: &str, user: &str) -> Outcome {
        let authorize = self.begin(person, host, "/").await;
        let back = self.visit(person, host, &self.callback(&authorize, user)).await;
        assert_eq!(back.status, 302, "{back:?}");
        back
    }

    /// Somebody who is signed in where the door's application signs people in.
    pub(crate) async fn person(&self, door: Door, user: &str) -> Person {
        let mut person = Person::default();
        self.sign_in(&mut person, door.home, user).await;
        assert!(person.session().is_some(), "{person:?}");
        person
    }

    /// Somebody who is signed in at every application, by its provider's name.
    pub(crate) async fn people(&self, user: &str) -> BTreeMap<&'static str, Person> {
        let mut people = BTreeMap::new();
        for door in DOORS {
            if !people.contains_key(door.provider) {
                people.insert(door.provider, self.person(door, user).await);
            }
        }
        people
    }
}

/// A core with `alice` (a superuser), `bob`, and whoever the options bring.
pub(crate) fn core(options: CoreOptions) -> StandInCore {
    let core = StandInCore::start(options).unwrap();
    core.put_user(
        UserSpec::new("alice", "alice-password")
            .name("Alice")
            .email("alice@example.com")
            .groups(&["admins", "staff"])
            .superuser()
            .app_password("alice-app-password"),
    );
    core.put_user(UserSpec::new("bob", "bob-password").groups(&["staff"]));
    core
}

/// A connection from an address of this machine.
pub(crate) async fn connect(to: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    soon("a connection", socket.connect(to)).await.unwrap()
}

/// Awaits, but not forever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// A browser, as far as its cookies at one host go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Person {
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Person {
    /// The `Cookie` header.
    pub(crate) fn cookie_header(&self) -> Option<String> {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let pairs: Vec<String> = pairs.collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Name and value of the session cookie.
    pub(crate) fn session(&self) -> Option<(&str, &str)> {
        self.cookies.iter().find_map(|(name, value)| {
            let digits = name.strip_prefix("authentik_proxy_")?;
            (digits.len() == 8).then_some((name.as_str(), value.as_str()))
        })
    }

    /// The session cookie, as it is sent.
    pub(crate) fn session_pair(&self) -> String {
        let (name, value) = self.session().expect("a session");
        format!("{name}={value}")
    }

    /// Keeps the cookies of an answer, and forgets what it removes.
    pub(crate) fn keep(&mut self, outcome: &Outcome) {
        for cookie in outcome.all("set-cookie") {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap_or_default();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
