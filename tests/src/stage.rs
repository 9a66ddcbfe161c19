//! What outposts with a common store stand between.

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;

use crate::proxies::Reserved;

/// A core with `alice`, `bob` and `carol`, an application, and the port at which a balancer is going
/// to listen.
pub struct Stage {
    /// The core. It knows one provider, in front of the application.
    pub core: StandInCore,
    /// The application.
    pub app: SampleApp,
    /// The port that the provider's external host names.
    pub reserved: Reserved,
    /// The provider's cookie secret.
    pub cookie_secret: String,
}

impl Stage {
    /// One whose application is at `http://<host>:<port>`.
    ///
    /// # Panics
    /// When a part of it does not start.
    #[must_use]
    pub fn of(host: &str) -> Self {
        let core = StandInCore::start(CoreOptions::default()).expect("a core");
        for user in ["alice", "bob", "carol"] {
            core.put_user(UserSpec::new(user, &format!("{user}-password")));
        }
        let app = SampleApp::start(0).expect("an application");
        let reserved = Reserved::any();
        let external = format!("http://{host}:{}", reserved.port());
        let provider = ProviderSpec::proxy("app", &external, &app.url());
        let cookie_secret = provider.cookie_secret.clone();
        core.put_provider(provider).expect("a provider");
        Self { core, app, reserved, cookie_secret }
    }
}
