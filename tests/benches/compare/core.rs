//! The stand-in core of a benchmark: it lives in this process.

use std::collections::BTreeSet;
use std::process::Command;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};

/// What alice's machines sign in with.
pub(crate) const APP_PASSWORD: &str = "machines-of-alice";

/// A stand-in core, and the threads that it answers on.
pub(crate) struct Core {
    pub(crate) stand_in: StandInCore,
    threads: Vec<String>,
}

impl Core {
    /// Starts one that knows alice and these providers.
    pub(crate) fn start(providers: Vec<ProviderSpec>) -> Self {
        let before = threads();
        // Another outpost is likely to be of these days.
        let options =
            CoreOptions { names_backchannel_applications: true, ..CoreOptions::default() };
        let stand_in = StandInCore::start(options).expect("a core");
        let threads = threads().difference(&before).cloned().collect();
        let alice = UserSpec::new("alice", "alice-password").groups(&["staff", "operators"]);
        stand_in.put_user(alice.app_password(APP_PASSWORD));
        for provider in providers {
            stand_in.put_provider(provider).expect("a provider");
        }
        Self { stand_in, threads }
    }

    /// Has only what others leave of a processor from now on: load that it shares one with is not
    /// kept waiting.
    pub(crate) fn give_way(&self) {
        let done = Command::new("renice").args(["-n", "19", "-p"]).args(&self.threads).output();
        let done = done.expect("renice");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

/// The threads of this process, by number.
fn threads() -> BTreeSet<String> {
    let listed = std::fs::read_dir("/proc/self/task").expect("its threads");
    listed.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
