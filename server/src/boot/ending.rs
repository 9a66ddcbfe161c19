//! The end, in order: readiness says no, listeners close, what is under way finishes, core hears
//! goodbye.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{FAREWELL, Running};
use crate::settings::Shutdown;

/// How long renewals of sessions may take to finish when everything else has.
const RENEWALS_FINISH: Duration = Duration::from_secs(5);

/// How long the last spans may take to their collector, while core hears goodbye.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// What actix adds to the drain time for its last answers.
const MARGIN: Duration = Duration::from_secs(2);

/// Exit code after a second SIGTERM or SIGINT: 128 and the number of the signal, as shells show
/// the end of a process that did not handle it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Impatience {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
}

impl From<Impatience> for ExitCode {
    fn from(signal: Impatience) -> Self {
        match signal {
            Impatience::Terminate => 143.into(),
            Impatience::Interrupt => 130.into(),
        }
    }
}

/// The longest that [`Running::stop`] takes.
pub(super) fn longest(settings: &Shutdown) -> Duration {
    settings.delay + settings.drain_timeout + MARGIN * 2 + RENEWALS_FINISH + FAREWELL
}

impl Running {
    /// Says by readiness that it goes, and after `shutdown.delay` stops accepting; finishes what is
    /// under way within `shutdown.drain_timeout`; says goodbye to core.
    pub async fn stop(self) {
        let Shutdown { delay, drain_timeout, close_spread } = self.shutdown;
        self.departure.leave();
        // Whoever reads it finds it so.
        tracing::info!("the outpost stops");
        if !delay.is_zero() {
            sleep(delay).await;
        }

        let until = Instant::now() + drain_timeout;
        self.departure.drain_until(until, close_spread);
        // actix ends by itself after the drain time; the margin is for the last answers.
        if timeout(drain_timeout + MARGIN, self.data.stop(true)).await.is_err() {
            tracing::warn!("requests were still under way when the drain time was over");
        }
        self.departure.over();

        self.renewals.finish(RENEWALS_FINISH).await;
        // Last of the listeners: until here, readiness says why no traffic should come.
        let stopping = self.operations.iter().map(|server| server.stop(true));
        let _ = timeout(MARGIN, futures_util::future::join_all(stopping)).await;
        tokio::join!(self.control.stop(), self.traces.finish(LAST_SPANS));
    }
}
