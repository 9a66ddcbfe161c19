//! The replicas and all around them, and people signed in there.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::balancer::{ASKED, Balancer};
use outpost_tests::proxies::Reserved;
use outpost_tests::redis::RedisServer;
use outpost_tests::{Answer, Browser, Replicas, wait};
use url::Url;

/// How many outposts.
pub(crate) const REPLICAS: usize = 3;

/// Outposts that serve an application at `app.test` for `alice` and `bob`. Everything ends when
/// it is dropped.
pub(crate) struct Fleet {
    pub(crate) balancer: Balancer,
    pub(crate) replicas: Replicas,
    pub(crate) redis: RedisServer,
    pub(crate) core: StandInCore,
    _app: SampleApp,
}

/// Somebody who is signed in.
pub(crate) struct SignedIn {
    /// What the browser sends to `app.test`, whatever it is told to forget later.
    pub(crate) cookies: String,
}

/// How a replica takes somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// As this user.
    For(String),
    /// As nobody: it sends to the sign-in.
    ForNobody,
}

impl Fleet {
    /// Three of them.
    pub(crate) async fn start() -> Self {
        Self::with(|_, _| Vec::new()).await
    }

    /// The same with more variables for each.
    pub(crate) async fn with(
        variables: impl Fn(&StandInCore, usize) -> Vec<(String, String)>,
    ) -> Self {
        let core = StandInCore::start(CoreOptions::default()).unwrap();
        for user in ["alice", "bob"] {
            core.put_user(UserSpec::new(user, &format!("{user}-password")));
        }
        let app = SampleApp::start(0).unwrap();
        let reserved = Reserved::any();
        let external = format!("http://app.test:{}", reserved.port());
        core.put_provider(ProviderSpec::proxy("app", &external, &app.url())).unwrap();
        let redis = RedisServer::start();
        let replicas = Replicas::each(&core, REPLICAS, |index| {
            // Patience with the store: the machine is busy, and no test here is about it.
            let all = [
                ("OUTPOST__SESSIONS__STORE", redis.url()),
                ("OUTPOST__SESSIONS__TIMEOUT", "10s".to_owned()),
                ("OUTPOST__SESSIONS__CONNECT_TIMEOUT", "10s".to_owned()),
            ];
            let all = all.map(|(name, value)| (name.to_owned(), value));
            all.into_iter().chain(variables(&core, index)).collect()
        })
        .await;
        let balancer = Balancer::start(reserved, &replicas.http()).await;
        Self { balancer, replicas, redis, core, _app: app }
    }

    /// The application's page that says whom it sees, by way of the balancer.
    pub(crate) fn page(&self) -> String {
        self.balancer.at.url("app.test", "/json")
    }

    /// Which replica gave an answer of the balancer.
    pub(crate) fn asked(&self, answer: &Answer) -> usize {
        let asked = answer.header(ASKED);
        let last = asked.rsplit(", ").next().unwrap();
        let of = |replica: &std::net::SocketAddr| replica.to_string() == last;
        self.replicas.http().iter().position(of).unwrap_or_else(|| panic!("{asked:?}"))
    }

    /// Begins to sign in by way of the balancer, as far as core's page: where that is, and who
    /// was asked.
    pub(crate) async fn begin(&self, browser: &Browser) -> (String, usize) {
        let start = browser.get(&self.page()).await;
        let start = start.redirect().unwrap_or_else(|| panic!("{start:?}"));
        let answer = browser.get(&start).await;
        let authorize = answer.redirect().unwrap_or_else(|| panic!("{answer:?}"));
        assert!(authorize.contains("/application/o/authorize/"), "{authorize}");
        (authorize, self.asked(&answer))
    }

    /// Comes back from core's page by way of the balancer, and is in; who was asked.
    pub(crate) async fn come_back(
        &self,
        browser: &Browser,
        authorize: &str,
        user: &str,
    ) -> (SignedIn, usize) {
        let callback = self.core.sign_in(authorize, user).unwrap();
        let answer = browser.get(&callback).await;
        assert_eq!(answer.redirect(), Some(self.page()), "{answer:?}");
        let cookies = browser.cookie_header(&Url::parse(&self.page()).unwrap()).unwrap();
        (SignedIn { cookies }, self.asked(&answer))
    }

    /// Signs somebody in, in a browser of their own, and shows them to every replica twice: the
    /// second time it has them at hand.
    pub(crate) async fn sign_in(&self, user: &str) -> SignedIn {
        let browser = Browser::new();
        let (authorize, began) = self.begin(&browser).await;
        let (person, ended) = self.come_back(&browser, &authorize, user).await;
        assert_ne!(began, ended, "another replica ends what one began");
        for _ in 0..2 {
            self.is_everywhere(&person, user).await;
        }
        person
    }

    /// Whom one replica takes somebody for.
    ///
    /// # Panics
    /// When it cannot tell.
    pub(crate) async fn taken(&self, index: usize, person: &SignedIn) -> Taken {
        let url = self.replicas.url(index, "app.test", "/json");
        let cookies = [("cookie", person.cookies.as_str())];
        let answer = Browser::new().send(reqwest::Method::GET, &url, &cookies, None).await;
        if answer.status == 200 {
            return Taken::For(answer.json()["user"].as_str().unwrap().to_owned());
        }
        assert!(leads_to_sign_in(answer.header("location")), "replica {index}: {answer:?}");
        Taken::ForNobody
    }

    /// Every replica takes somebody for `user`.
    pub(crate) async fn is_everywhere(&self, person: &SignedIn, user: &str) {
        for index in 0..REPLICAS {
            let taken = self.taken(index, person).await;
            assert_eq!(taken, Taken::For(user.to_owned()), "replica {index}");
        }
    }

    /// Waits until every replica refuses somebody, asking all of them again and again at the same
    /// time, and then that they go on refusing. Prints how long it took.
    pub(crate) async fn is_over_everywhere(&self, person: &SignedIn, what: &str) {
        let since = Instant::now();
        let times: Vec<Duration> = join_all((0..REPLICAS).map(async |index| {
            wait::until_async("a refusal", async || match self.taken(index, person).await {
                Taken::ForNobody => Ok(since.elapsed()),
                taken @ Taken::For(_) => Err(format!("replica {index}: {taken:?}")),
            })
            .await
        }))
        .await;
        eprintln!("{what}: refused after {times:?}");
        for index in 0..REPLICAS {
            for _ in 0..3 {
                assert_eq!(self.taken(index, person).await, Taken::ForNobody, "replica {index}");
            }
        }
    }
}

/// Whether a redirect asks somebody to sign in.
fn leads_to_sign_in(location: &str) -> bool {
    location.contains("/outpost.goauthentik.io/start?")
}
