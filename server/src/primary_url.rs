//! The URL under which people reach an embedded core, where its administrators have not said:
//! learned from the first of them who comes by.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use url::Url;

/// The URL, once it is known. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct PrimaryUrl(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    url: OnceLock<Url>,
    learned: Notify,
}

impl PrimaryUrl {
    /// What was learned.
    #[must_use]
    pub fn get(&self) -> Option<&Url> {
        self.0.url.get()
    }

    /// Learns it, for good: the first one counts. Whether this was it.
    pub fn learn(&self, url: Url) -> bool {
        let first = self.0.url.set(url).is_ok();
        if first {
            self.0.learned.notify_one();
        }
        first
    }

    /// Resolves when it has been learned. One waits at a time.
    pub async fn learned(&self) {
        self.0.learned.notified().await;
    }
}
