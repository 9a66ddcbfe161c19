//! Other proxies beside the outpost, where the command is told of any: another outpost of core's, and
//! oauth2-proxy. All do the same for somebody whose session is warm, and each is asked as it asks to be.

use outpost_demo::core::ProviderSpec;
use outpost_tests::redis::RedisServer;

use super::checks::DIALECTS;
use super::comparisons::{forward, ok, side};
use super::front::{Front, ours, peer};
use super::load::Asked;
use super::oauth2_proxy::Oauth2Proxy;
use super::options::Options;
use super::server::Server;
use super::sign_ins::{self, BROWSERS};
use super::turns::{Compared, Side, Turns, take};

/// Least times as many checks as another outpost answers.
const TIMES: f64 = 15.0;

/// A page that needs a session, whatever the mode.
const START: &str = "/outpost.goauthentik.io/start";

/// One of those that are compared.
enum Proxy {
    Outpost(Front),
    Oauth2Proxy(Oauth2Proxy),
}

impl Proxy {
    const fn server(&self) -> &Server {
        match self {
            Self::Outpost(front) => &front.outpost,
            Self::Oauth2Proxy(other) => &other.server,
        }
    }

    /// What a reverse proxy asks of it.
    fn check(&self, dialect: &str) -> Asked {
        match self {
            Self::Outpost(front) => ok(front.check(dialect)),
            Self::Oauth2Proxy(other) => other.check(dialect),
        }
    }

    /// What a browser asks of it.
    fn page(&self, path: &str) -> Asked {
        ok(match self {
            Self::Outpost(front) => front.page(path),
            Self::Oauth2Proxy(other) => other.page(path),
        })
    }
}

/// All of them by name, the outpost first; those that can have their sessions in one Redis.
struct Proxies {
    all: Vec<(&'static str, Proxy)>,
    _redis: RedisServer,
}

impl Proxies {
    /// Starts the outpost, and what the command is told of, with the providers that `providers` makes
    /// of the address people see, and signs somebody in at each.
    async fn start(
        options: &Options,
        upstream: &str,
        providers: impl Fn(&str) -> Vec<ProviderSpec>,
    ) -> Self {
        let redis = RedisServer::start();
        let store = redis.url();
        let shared = [("OUTPOST__SESSIONS__STORE", store.as_str())];
        let mut fronts = vec![("the outpost", Front::of(ours(), &shared, None, &providers))];
        if let Some(command) = &options.peer {
            let front = Front::of(peer(command), &[], None, &providers);
            fronts.push(("the other outpost", front));
        }
        let mut all = Vec::new();
        for (name, mut front) in fronts {
            front.sign_in(START).await;
            all.push((name, Proxy::Outpost(front)));
        }
        if let Some(program) = &options.oauth2_proxy {
            let other = Oauth2Proxy::start(program, &redis, upstream).await;
            all.push(("oauth2-proxy", Proxy::Oauth2Proxy(other)));
        }
        Self { all, _redis: redis }
    }

    /// The same in front of an application.
    async fn before(options: &Options, app: &Server) -> Self {
        let upstream = format!("http://{}", app.at());
        let provider = |external: &str| vec![ProviderSpec::proxy("app", external, &upstream)];
        Self::start(options, &upstream, provider).await
    }

    fn sides(&self, asked: impl Fn(&Proxy) -> Asked) -> Vec<Side<'_>> {
        self.all.iter().map(|(name, proxy)| side(name, proxy.server(), asked(proxy))).collect()
    }
}

/// Forward auth in each dialect.
pub(crate) async fn forward_auth(options: &Options) -> Vec<Compared> {
    let proxies = Proxies::start(options, "static://200", forward).await;
    // It is the first of the others.
    let target = options.peer.as_ref().map(|_| TIMES);
    let compared = |dialect| {
        let sides = proxies.sides(|proxy| proxy.check(dialect));
        take(options, dialect, &sides, &[target])
    };
    DIALECTS.map(compared).into()
}

/// As the proxy in front of an application.
pub(crate) async fn proxy_mode(options: &Options) -> Vec<Compared> {
    let app = Server::bare(&[]);
    let proxies = Proxies::before(options, &app).await;
    let compared = |(what, bytes): (&str, usize)| {
        let mut sides = proxies.sides(|proxy| proxy.page(&format!("/bytes/{bytes}")));
        for side in &mut sides {
            side.servers.push(&app);
        }
        take(options, what, &sides, &[])
    };
    [("100 bytes", 100), ("1 MB", 1_000_000)].map(compared).into()
}

/// What a sign-in costs each of them.
pub(crate) async fn sign_ins(options: &Options) -> Vec<Compared> {
    let app = Server::bare(&[]);
    let proxies = Proxies::before(options, &app).await;
    let all = proxies.all.iter();
    let (servers, sides): (Vec<_>, Vec<_>) = all
        .map(|(name, proxy)| {
            (proxy.server(), Turns::none(&format!("{name}, {BROWSERS} browsers at once")))
        })
        .unzip();
    vec![sign_ins::in_turns(options, &servers, sides).await]
}
