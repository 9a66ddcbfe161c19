//! One look for all who see the same: what a page of a role shows at a moment is worked out once,
//! however many have it open.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outpost_dashboard::live::Frame;
use outpost_dashboard::model::Role;
use tokio::time::Instant;

use super::asked::Asked;

/// What a viewer sees. Two who see the same are shown the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The page.
    pub(super) asked: Asked,
    /// What the viewer may do.
    pub(super) role: Role,
    /// Number of the latest decision that was shown.
    pub(super) after: Option<u64>,
}

/// What stood there.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The parts of the page.
    pub(super) frame: Arc<Frame>,
    /// Number of the latest decision, on a page of decisions.
    pub(super) latest: Option<u64>,
}

/// The latest looks. Those that are too old for anybody are forgotten, so that there are at most
/// as many as viewers.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    seen: Seen,
    until: Instant,
    look: Look,
}

impl Looks {
    /// What is seen there: what another saw less than `pace` ago, else a look of one's own. Viewers
    /// of decisions come to know the same ones by this, and from then on share what is new.
    pub(super) async fn at(
        &self,
        now: Instant,
        seen: Seen,
        pace: Duration,
        look: impl AsyncFnOnce(&Seen) -> Look,
    ) -> Look {
        if let Some(look) = self.kept(now, &seen) {
            return look;
        }
        let look = look(&seen).await;
        let until = now + pace;
        self.lock().push(Kept { seen, until, look: look.clone() });
        look
    }

    fn kept(&self, now: Instant, seen: &Seen) -> Option<Look> {
        let mut all = self.lock();
        all.retain(|kept| now < kept.until);
        all.iter().find(|kept| kept.seen == *seen).map(|kept| kept.look.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        // Whole after each statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const PACE: Duration = Duration::from_secs(1);

    fn seen(asked: Asked, role: Role, after: Option<u64>) -> Seen {
        Seen { asked, role, after }
    }

    fn overview() -> Seen {
        seen(Asked::Overview, Role::View, None)
    }

    /// A look that is counted; its count stands in what was seen.
    async fn looked(looks: &Looks, now: Instant, seen: Seen, count: &Cell<u64>) -> u64 {
        let look = async |_: &Seen| {
            count.set(count.get() + 1);
            Look { frame: Arc::default(), latest: Some(count.get()) }
        };
        looks.at(now, seen, PACE, look).await.latest.unwrap()
    }

    #[tokio::test]
    async fn who_sees_the_same_shares_a_look_until_it_is_old() {
        let (looks, count) = (Looks::default(), Cell::new(0));
        let now = Instant::now();
        assert_eq!(looked(&looks, now, overview(), &count).await, 1);
        let later = now + PACE - Duration::from_millis(1);
        assert_eq!(looked(&looks, later, overview(), &count).await, 1, "another's");
        assert_eq!(looked(&looks, now + PACE, overview(), &count).await, 2, "old by now");
        assert_eq!(looks.lock().len(), 1, "the old one is forgotten");
    }

    #[tokio::test]
    async fn another_page_role_or_place_in_the_tail_is_another_look() {
        let (looks, count, now) = (Looks::default(), Cell::new(0), Instant::now());
        let others = [
            overview(),
            seen(Asked::Overview, Role::Act, None),
            seen(Asked::Doctor, Role::View, None),
            seen(Asked::Provider { pk: 1, tried: None }, Role::View, None),
            seen(Asked::Provider { pk: 2, tried: None }, Role::View, None),
            seen(Asked::Decisions(Default::default()), Role::View, Some(1)),
            seen(Asked::Decisions(Default::default()), Role::View, Some(2)),
        ];
        for (number, seen) in (1..).zip(others.clone()) {
            assert_eq!(looked(&looks, now, seen, &count).await, number);
        }
        for (number, seen) in (1..).zip(others) {
            assert_eq!(looked(&looks, now, seen, &count).await, number, "as it was");
        }
    }
}
