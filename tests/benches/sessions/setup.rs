//! Three outposts over one Redis, people who sign in, and sessions that nobody signed in for.

use std::sync::Arc;

use futures_util::StreamExt as _;
use outpost::clock;
use outpost::session::redis::{RedisAddress, RedisOptions, RedisStore};
use outpost::session::seals::SealSecret;
use outpost::session::{Inserted, Selection, Session, SessionAbout, SessionId, SessionStore as _};
use outpost_demo::core::StandInCore;
use outpost_demo::sample_app::SampleApp;
use outpost_tests::balancer::Balancer;
use outpost_tests::redis::RedisServer;
use outpost_tests::stage::Stage;
use outpost_tests::{Browser, Replicas, filler};

/// Outposts.
pub(crate) const REPLICAS: usize = 3;

const HOST: &str = "app.test";
const PAGE: &str = "/json";

/// Bytes of a token as core gives them to a user with some groups.
const TOKEN: usize = 1_500;

/// Insertions under way at a time.
pub(crate) const AT_ONCE: usize = 64;

/// The outposts, behind a balancer where people sign in.
pub(crate) struct Front {
    replicas: Replicas,
    balancer: Balancer,
    http: reqwest::Client,
    _app: SampleApp,
    /// What its sessions are sealed with beside their cookies.
    pub(crate) secret: SealSecret,
    _core: StandInCore,
}

/// Somebody with a session.
pub(crate) struct Member {
    pub(crate) sub: String,
    pub(crate) cookies: String,
}

impl Member {
    /// The same browser with another session.
    pub(crate) fn with(&self, id: &SessionId) -> Self {
        let (name, _) = self.cookies.split_once('=').expect("a cookie");
        Self { sub: self.sub.clone(), cookies: format!("{name}={}", id.cookie_value()) }
    }
}

impl Front {
    pub(crate) async fn start(redis: &RedisServer) -> Self {
        let Stage { core, app, reserved, cookie_secret } = Stage::of(HOST);
        let secret = SealSecret::of(&cookie_secret);
        let store = redis.url();
        let replicas =
            Replicas::start(&core, REPLICAS, &[("OUTPOST__SESSIONS__STORE", &store)]).await;
        let balancer = Balancer::start(reserved, &replicas.http()).await;
        // Every name is this machine.
        let here = "127.0.0.1:0".parse().expect("an address");
        let http = reqwest::Client::builder()
            .resolve(HOST, here)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self { replicas, balancer, http, secret, _app: app, _core: core }
    }

    /// The page at one outpost.
    pub(crate) fn url(&self, replica: usize) -> String {
        self.replicas.url(replica, HOST, PAGE)
    }

    /// Signs somebody in.
    pub(crate) async fn member(&self, user: &str) -> Member {
        let browser = Browser::new();
        let page = browser.sign_in(&self.balancer.at.url(HOST, PAGE), user).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let cookies = browser.cookie_header(&page.url).expect("a session");
        Member { sub: page.received("x-authentik-uid").expect("a subject"), cookies }
    }

    /// What one outpost answers somebody.
    pub(crate) async fn status(&self, replica: usize, member: &Member) -> u16 {
        self.ask(&self.url(replica), member).await
    }

    /// Signs somebody out at the first outpost.
    pub(crate) async fn sign_out(&self, member: &Member) {
        let url = self.replicas.url(0, HOST, "/outpost.goauthentik.io/sign_out");
        assert_eq!(self.ask(&url, member).await, 302);
    }

    async fn ask(&self, url: &str, member: &Member) -> u16 {
        let request = self.http.get(url).header("cookie", &member.cookies);
        let answer = request.header("accept", "text/html").send().await.expect("an answer");
        let status = answer.status().as_u16();
        // The connection is used again after this.
        answer.bytes().await.expect("a body");
        status
    }

    /// Key of the provider of somebody's session.
    pub(crate) async fn provider(&self, store: &RedisStore, member: &Member) -> i64 {
        let selection = Selection::Subject(member.sub.clone());
        let page = store.list(Some(&selection), None, 1, clock::now()).await.expect("a list");
        page.sessions.first().expect("a session").about.provider
    }

    /// Bytes of memory that an outpost occupies.
    pub(crate) fn resident(&self, replica: usize) -> u64 {
        self.replicas.program(replica).resident()
    }
}

/// A store of its own at this server, patient.
pub(crate) fn store(redis: &RedisServer) -> Arc<RedisStore> {
    let address = redis.address();
    let address = RedisAddress { host: address.ip().to_string(), port: address.port() };
    let timeout = std::time::Duration::from_secs(20);
    let options =
        RedisOptions { connect_timeout: timeout, timeout, ..RedisOptions::single(address) };
    Arc::new(RedisStore::new(options).expect("a store"))
}

/// Begins so many sessions of the subjects that `sub` names; gives their secrets.
pub(crate) async fn fill(
    store: &RedisStore,
    count: usize,
    sub: impl Fn(usize) -> String,
    provider: i64,
    secret: &SealSecret,
) -> Vec<SessionId> {
    let inserted = futures_util::stream::iter(0..count).map(|number| {
        let (id, sub) = (SessionId::random().expect("randomness"), sub(number));
        async move {
            let record = session(provider, &sub).seal(&id, secret, clock::now()).expect("it seals");
            let inserted = store.insert(id.key(), &record).await.expect("room");
            assert_eq!(inserted, Inserted::Kept);
            id
        }
    });
    inserted.buffer_unordered(AT_ONCE).collect().await
}

fn session(provider: i64, sub: &str) -> Session {
    let plain = filler::session(provider, sub);
    let claims = serde_json::json!({
        "sub": sub, "exp": plain.about.expires.0, "preferred_username": sub, "name": sub,
        "email": format!("{sub}@example.com"), "groups": ["staff", "engineering", "on-call"],
    });
    Session {
        about: SessionAbout {
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101".to_owned(),
            ..plain.about
        },
        claims: serde_json::from_value(claims).expect("claims"),
        token: "t".repeat(TOKEN).into(),
        ..plain
    }
}
