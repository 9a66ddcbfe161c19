//! Two outposts that share a store, and a core that gives refresh tokens.

use std::sync::Arc;
use std::time::Duration;

use outpost::boot::{self, Held};
use outpost::clock;
use outpost::session::memory::MemoryStore;
use outpost::session::{Session, SessionId};
use outpost_demo::core::{CoreOptions, Endpoint, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::{Answer, Browser, world::settings};

/// Seconds that the tokens of a first sign-in are good for: less than `renew_before`.
const SHORT: i64 = 200;

/// Everything ends when it is dropped, the outposts first.
pub(crate) struct World {
    /// The outposts, each with both of its eyes on the one store.
    pub(crate) outposts: Vec<Held>,
    pub(crate) core: StandInCore,
    _app: SampleApp,
}

/// A browser that is signed in, and its session.
pub(crate) struct SignedIn {
    pub(crate) browser: Browser,
    pub(crate) id: SessionId,
    pub(crate) callback: Answer,
}

impl World {
    /// One outpost.
    pub(crate) async fn single(variables: &[(&str, &str)]) -> Self {
        Self::start(1, variables).await
    }

    /// Two outposts.
    pub(crate) async fn pair() -> Self {
        Self::start(2, &[]).await
    }

    async fn start(outposts: usize, variables: &[(&str, &str)]) -> Self {
        let core = StandInCore::start(CoreOptions::default()).expect("the stand-in core starts");
        let app = SampleApp::start(0).expect("the sample application starts");
        core.put_user(UserSpec::new("alice", "alice-password").groups(&["before"]));
        core.put_user(UserSpec::new("bob", "bob-password"));
        let store = Arc::new(MemoryStore::new(100));
        let outposts: Vec<_> = (0..outposts)
            .map(|_| boot::hold_with(settings(&core, variables), store.clone()).expect("a start"))
            .collect();
        let port = outposts[0].addresses.http[0].port();
        let external = format!("http://app.test:{port}");
        core.put_provider(ProviderSpec::proxy("app", &external, &app.url()).offline_access())
            .expect("core takes the provider");
        for outpost in &outposts {
            outpost.refresh();
            let served =
                outpost.published.snapshot.wait_for(|now| !now.ruleset.providers().is_empty());
            tokio::time::timeout(Duration::from_secs(20), served).await.expect("in time").unwrap();
        }
        // The start is a gap for who connects: sessions begin after it.
        for outpost in &outposts {
            let heard = outpost.published.coverage.wait_for(Option::is_some);
            tokio::time::timeout(Duration::from_secs(20), heard).await.expect("in time").unwrap();
        }
        Self { outposts, core, _app: app }
    }

    /// A page of the application at one of the outposts.
    pub(crate) fn page(&self, outpost: usize) -> String {
        format!("http://app.test:{}/json", self.outposts[outpost].addresses.http[0].port())
    }

    /// Signs in with a token that ends soon.
    pub(crate) async fn sign_in(&self, user: &str) -> SignedIn {
        self.sign_in_with(Browser::new(), user).await
    }

    /// The same with a browser that may be signed in already.
    pub(crate) async fn sign_in_with(&self, browser: Browser, user: &str) -> SignedIn {
        let exp = clock::now().plus(SHORT).0;
        self.core.tamper_tokens(move |draft| {
            draft.claims.insert("exp".into(), exp.into());
        });
        let start = self.page(0).replace("/json", "/outpost.goauthentik.io/start?rd=/json");
        let authorize = browser.get(&start).await.redirect().expect("a redirect to core");
        let callback = browser.get(&self.core.sign_in(&authorize, user).unwrap()).await;
        assert_eq!(callback.status, 302, "{}", callback.body);
        self.core.stop_tampering();
        let id = session_of(&browser).expect("a session cookie");
        SignedIn { browser, id, callback }
    }

    /// The session in the store.
    pub(crate) async fn session(&self, id: &SessionId) -> Option<Arc<Session>> {
        self.outposts[0].published.sessions.reread(id, clock::now()).await.unwrap()
    }

    /// Waits until no renewal of a session is under way that has asked core.
    pub(crate) async fn renewal_is_over(&self, id: &SessionId) {
        self.core
            .wait_for("a redeem", |seen| seen.count(Endpoint::Refresh) > 0)
            .await
            .expect("core is asked");
        let lease = format!("renew/{}", id.key());
        let values = self.outposts[0].published.sessions.values();
        eventually("the lease is released", async || {
            values.read(&lease, clock::now()).await.unwrap().is_none()
        })
        .await;
    }

    /// How often core was asked to redeem a refresh token.
    pub(crate) fn asked(&self) -> u64 {
        self.core.observe(|seen| seen.count(Endpoint::Refresh))
    }
}

/// The session that a browser's cookie names.
pub(crate) fn session_of(browser: &Browser) -> Option<SessionId> {
    browser.cookie_names().into_iter().find_map(|name| SessionId::parse(&browser.cookie(&name)?))
}

/// Waits until `condition` holds, at most thirty seconds.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let held = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), held).await.expect(what);
}
