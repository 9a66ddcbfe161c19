//! The stand-in core of a benchmark: it lives in this process.

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};

/// What alice's machines sign in with.
pub(crate) const APP_PASSWORD: &str = "machines-of-alice";

/// A stand-in core.
pub(crate) struct Core {
    pub(crate) stand_in: StandInCore,
}

impl Core {
    /// Starts one that knows alice and these providers.
    pub(crate) fn start(providers: Vec<ProviderSpec>) -> Self {
        // Another outpost is likely to be of these days.
        let options =
            CoreOptions { names_backchannel_applications: true, ..CoreOptions::default() };
        let stand_in = StandInCore::start(options).expect("a core");
        let alice = UserSpec::new("alice", "alice-password").groups(&["staff", "operators"]);
        stand_in.put_user(alice.app_password(APP_PASSWORD));
        for provider in providers {
            stand_in.put_provider(provider).expect("a provider");
        }
        Self { stand_in }
    }
}
