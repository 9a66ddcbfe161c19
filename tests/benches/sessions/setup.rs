//! Three outposts over one Redis, people who sign in, and sessions that nobody signed in for.

use outpost::clock;
use outpost::session::redis::RedisStore;
use outpost::session::seals::SealSecret;
use outpost::session::{Selection, SessionId, SessionStore as _};
use outpost_demo::core::StandInCore;
use outpost_demo::sample_app::SampleApp;
use outpost_tests::balancer::Balancer;
use outpost_tests::redis::RedisServer;
use outpost_tests::stage::Stage;
use outpost_tests::{Browser, Replicas};

/// Outposts.
pub(crate) const REPLICAS: usize = 3;

const HOST: &str = "app.test";
const PAGE: &str = "/json";

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
