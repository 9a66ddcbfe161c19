//! The figures of an outpost, as Prometheus reads them.

use std::net::SocketAddr;

use crate::{Browser, World};

/// What it said at one moment.
#[derive(Debug)]
pub struct Figures {
    /// All of it, line by line.
    pub text: String,
}

impl Figures {
    /// What the listener for metrics at this address says now.
    pub async fn at(metrics: SocketAddr) -> Self {
        Self { text: Browser::new().get(&format!("http://{metrics}/metrics")).await.body }
    }

    /// What the outpost of a world says now.
    pub async fn of(world: &World) -> Self {
        Self::at(world.outpost.addresses.metrics[0]).await
    }

    /// The value of a series that counts: its name, with its labels where it has some.
    ///
    /// # Panics
    /// When its value is no whole number.
    #[must_use]
    pub fn count(&self, series: &str) -> Option<u64> {
        let values = self.text.lines().map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = values.flatten().next()?;
        Some(value.parse().unwrap_or_else(|error| panic!("{series} {value}: {error}")))
    }
}
