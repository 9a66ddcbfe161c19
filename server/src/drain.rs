//! The end of the program, as everything that winds down sees it: one signal, in phases.
//!
//! `boot` moves it on; listeners, tunnels, event streams and readiness observe it. There is no way
//! back:
//!
//! | phase | readiness | new connections | what is under way |
//! | --- | --- | --- | --- |
//! | [`Phase::Serving`] | as it is | accepted | goes on |
//! | [`Phase::Leaving`] | says no | accepted; answers ask the client to reconnect elsewhere | goes on |
//! | [`Phase::Draining`] | says no | refused | requests finish; what would never end is told to go |
//! | [`Phase::Over`] | says no | refused | is cut |

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Where the program stands between start and end. Later phases compare as greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It serves.
    Serving,
    /// It serves still, and readiness says no: load balancers shall stop sending.
    Leaving,
    /// It accepts nothing any more and finishes what is under way.
    Draining {
        /// When that must be done.
        until: Instant,
        /// The time over which what would never end by itself (websockets, event streams) is
        /// closed, at random moments: not all clients come back at once then. At most the time
        /// until `until`.
        spread: Duration,
    },
    /// Whatever is still open is cut.
    Over,
}

impl Phase {
    const fn order(self) -> u8 {
        match self {
            Self::Serving => 0,
            Self::Leaving => 1,
            Self::Draining { .. } => 2,
            Self::Over => 3,
        }
    }

    /// Whether answers should ask clients not to use the connection again (`Connection: close`,
    /// GOAWAY).
    #[must_use]
    pub const fn is_ending(self) -> bool {
        !matches!(self, Self::Serving)
    }
}

/// The writing end, held by whoever takes the program apart.
#[derive(Debug)]
pub struct Departure(watch::Sender<Phase>);

/// The reading end: cheap to clone, of any thread.
#[derive(Clone, Debug)]
pub struct Drain(watch::Receiver<Phase>);

impl Departure {
    /// A program that serves.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }

    /// A reading end.
    #[must_use]
    pub fn drain(&self) -> Drain {
        Drain(self.0.subscribe())
    }

    /// Moves on to [`Phase::Leaving`].
    pub fn leave(&self) {
        self.advance(Phase::Leaving);
    }

    /// Moves on to [`Phase::Draining`]; `spread` is cut down to the time that is left.
    pub fn drain_until(&self, until: Instant, spread: Duration) {
        let left = until.saturating_duration_since(Instant::now());
        self.advance(Phase::Draining { until, spread: spread.min(left) });
    }

    /// Moves on to [`Phase::Over`].
    pub fn over(&self) {
        self.advance(Phase::Over);
    }

    fn advance(&self, next: Phase) {
        self.0.send_if_modified(|phase| {
            let forward = next.order() > phase.order();
            if forward {
                *phase = next;
            }
            forward
        });
    }
}

impl Default for Departure {
    fn default() -> Self {
        Self::new()
    }
}

impl Drain {
    /// Of a program that never ends: for tools and tests.
    #[must_use]
    pub fn never() -> Self {
        Departure::new().drain()
    }

    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until the program leaves, or is further on.
    pub async fn leaving(&self) {
        self.reach(Phase::Leaving).await;
    }

    /// Waits until the program accepts nothing any more; gives when what is under way must be
    /// done, which is now when the program is over.
    pub async fn draining(&self) -> Instant {
        self.window().await.0
    }

    /// Waits until whatever is open is to be cut.
    pub async fn over(&self) {
        self.reach(Phase::Over).await;
    }

    /// Waits for the moment at which something that would never end by itself is to close: within
    /// the drain, where `random` (uniform over all words) says, or when the program is over.
    pub async fn my_turn(&self, random: u32) {
        let (_, spread) = self.window().await;
        tokio::select! {
            () = sleep(share(spread, random)) => {}
            () = self.over() => {}
        }
    }

    async fn window(&self) -> (Instant, Duration) {
        let draining = Phase::Draining { until: Instant::now(), spread: Duration::ZERO };
        match self.reach(draining).await {
            Phase::Draining { until, spread } => (until, spread),
            _ => (Instant::now(), Duration::ZERO),
        }
    }

    /// Waits until the phase is `wanted` or a later one, and gives it. Waits for ever when nobody
    /// can move it on any more.
    async fn reach(&self, wanted: Phase) -> Phase {
        let mut phases = self.0.clone();
        let reached = phases.wait_for(|phase| phase.order() >= wanted.order()).await;
        match reached.ok().map(|phase| *phase) {
            Some(phase) => phase,
            None => std::future::pending().await,
        }
    }
}

/// The part of `spread` that `random` is of all words.
fn share(spread: Duration, random: u32) -> Duration {
    spread.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn phases_only_go_forward() {
        let departure = Departure::new();
        let drain = departure.drain();
        assert_eq!(drain.phase(), Phase::Serving);
        assert!(!drain.phase().is_ending());
        assert!(drain.leaving().now_or_never().is_none());

        departure.leave();
        assert_eq!(drain.phase(), Phase::Leaving);
        assert!(drain.phase().is_ending());
        drain.leaving().await;
        assert!(drain.draining().now_or_never().is_none());

        let until = Instant::now() + HOUR;
        departure.drain_until(until, HOUR / 2);
        departure.leave();
        departure.drain_until(until + HOUR, HOUR);
        assert_eq!(drain.draining().await, until);
        assert!(drain.over().now_or_never().is_none());

        departure.over();
        departure.drain_until(until, HOUR);
        assert_eq!(drain.phase(), Phase::Over);
        drain.over().await;
        assert!(drain.draining().await <= Instant::now());
    }

    #[tokio::test]
    async fn turns_come_within_the_drain_and_at_its_end_at_the_latest() {
        let departure = Departure::new();
        let drain = departure.drain();
        departure.drain_until(Instant::now() + HOUR, 24 * HOUR);
        let Phase::Draining { spread, .. } = drain.phase() else { panic!("draining") };
        assert!(spread <= HOUR);

        drain.my_turn(0).await;
        let mut last = tokio::spawn(async move { drain.my_turn(u32::MAX).await });
        assert!((&mut last).now_or_never().is_none());
        departure.over();
        last.await.unwrap();
    }

    #[test]
    fn turns_are_spread_evenly() {
        for (random, part) in [(0, 0.0), (u32::MAX / 4, 0.25), (u32::MAX / 2, 0.5), (u32::MAX, 1.0)]
        {
            let waited = share(HOUR, random).as_secs_f64();
            assert!((waited - 3600.0 * part).abs() < 0.01, "{random}: {waited}");
        }
        assert_eq!(share(Duration::ZERO, u32::MAX), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_program_that_never_ends_closes_nothing() {
        let drain = Drain::never();
        assert_eq!(drain.phase(), Phase::Serving);
        assert!(drain.my_turn(0).now_or_never().is_none());
    }
}
