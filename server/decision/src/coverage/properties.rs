//! Fleets: whatever connects and disconnects in whatever order, by clocks that differ.

use proptest::prelude::*;

use super::*;

/// Quarters of a second, so that things happen within one second of the clocks.
const QUARTERS: i64 = 4;
const HELLO_EVERY: i64 = 10 * QUARTERS;
const LOOK_EVERY: i64 = 3 * QUARTERS;
const PATIENCE: Duration = Duration::from_secs(28);

/// A replica: its clock, and its connection if it has one.
#[derive(Clone, Debug)]
struct Replica {
    ahead: i64,
    connection: Option<Connection>,
}

#[derive(Clone, Debug)]
struct Connection {
    began: i64,
    hearing: Hearing,
}

/// A fleet over one store.
struct Fleet {
    replicas: Vec<Replica>,
    known: Option<Coverage>,
    now: i64,
    connections: usize,
    /// The last moment at which nobody was connected.
    deaf_at: Option<i64>,
    gaps: usize,
}

impl Fleet {
    fn new(ahead: [i64; 3]) -> Self {
        let replicas = ahead.map(|ahead| Replica { ahead, connection: None }).to_vec();
        Self { replicas, known: None, now: 1000, connections: 0, deaf_at: None, gaps: 0 }
    }

    fn stamp(&self, replica: usize) -> Timestamp {
        Timestamp(self.now / QUARTERS + self.replicas[replica].ahead)
    }

    fn connect(&mut self, replica: usize) {
        let since = self.stamp(replica);
        self.connections += 1;
        let connection = self.connections.to_string();
        let hearing = Hearing { connection, since, until: since };
        self.replicas[replica].connection = Some(Connection { began: self.now, hearing });
        self.look(replica);
    }

    fn disconnect(&mut self, replica: usize) {
        self.replicas[replica].connection = None;
    }

    /// Time passes: hellos are acknowledged, and everybody looks at the store now and then.
    fn pass(&mut self, quarters: i64) {
        for _ in 0..quarters {
            if self.replicas.iter().all(|replica| replica.connection.is_none()) {
                self.deaf_at = Some(self.now);
            }
            self.now += 1;
            for index in 0..self.replicas.len() {
                let stamp = self.stamp(index);
                let now = self.now;
                let Some(connection) = &mut self.replicas[index].connection else { continue };
                let age = now - connection.began;
                if age % HELLO_EVERY == 0 {
                    connection.hearing.until = stamp;
                }
                if age % HELLO_EVERY == 0 || age % LOOK_EVERY == 0 {
                    self.look(index);
                }
            }
        }
    }

    fn look(&mut self, replica: usize) {
        let Some(connection) = &self.replicas[replica].connection else { return };
        let now = self.stamp(replica);
        match advance(self.known.as_ref(), &connection.hearing, now, PATIENCE) {
            Progress::Covered(coverage) => self.known = Some(coverage),
            Progress::Waits => {}
            Progress::Gap(coverage) => {
                self.gaps += 1;
                self.known = Some(coverage);
            }
        }
    }
}

fn clocks() -> impl Strategy<Value = [i64; 3]> {
    [0..CLOCKS_DIFFER, 0..CLOCKS_DIFFER, 0..CLOCKS_DIFFER]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// No end of a session is lost: after a moment at which nobody listened, every session that
    /// was vouched for until then, by whatever clock, is in doubt once somebody listens for long
    /// enough to know.
    #[test]
    fn every_gap_is_found(
        ahead in clocks(),
        happenings in prop::collection::vec((0_usize..3, any::<bool>(), 0_i64..150), 1..30),
        last in 0_usize..3,
    ) {
        let mut fleet = Fleet::new(ahead);
        for (replica, connects, before) in happenings {
            fleet.pass(before);
            let connected = fleet.replicas[replica].connection.is_some();
            match connects {
                true if !connected => fleet.connect(replica),
                false => fleet.disconnect(replica),
                true => {}
            }
        }
        fleet.pass(1);
        if fleet.replicas[last].connection.is_none() {
            fleet.connect(last);
        }
        fleet.pass(60 * QUARTERS);
        let known = fleet.known.clone().unwrap_or_default();
        if let Some(deaf_at) = fleet.deaf_at {
            let latest = Timestamp(deaf_at / QUARTERS + CLOCKS_DIFFER - 1);
            prop_assert!(known.doubts(latest), "{latest:?} {known:?}");
        }
    }

    /// Rolling restarts and reconnects cost nothing as long as somebody else listens meanwhile.
    #[test]
    fn who_always_overlaps_has_no_gap(
        ahead in clocks(),
        overlaps in prop::collection::vec((20 * QUARTERS..400, 0_i64..400), 1..20),
    ) {
        let mut fleet = Fleet::new(ahead);
        fleet.connect(0);
        fleet.pass(HELLO_EVERY);
        for (index, (overlap, alone)) in overlaps.into_iter().enumerate() {
            fleet.connect((index + 1) % 3);
            fleet.pass(overlap);
            fleet.disconnect(index % 3);
            fleet.pass(alone);
        }
        prop_assert_eq!(fleet.gaps, 1, "only the first start");
    }

    /// What was known is never known less.
    #[test]
    fn a_session_in_doubt_stays_so_until_core_vouches_for_it(
        known in prop::option::of((0_i64..500, 0_i64..500)),
        since in 0_i64..500,
        heard in 0_i64..100,
        waited in 0_i64..100,
        patience in 0_u64..60,
    ) {
        let known = known.map(|(until, before)| Coverage {
            covered_until: Timestamp(until),
            recheck_before: Timestamp(before),
            ..Coverage::default()
        });
        let hearing = Hearing {
            connection: "a".into(),
            since: Timestamp(since),
            until: Timestamp(since + heard),
        };
        let now = Timestamp(since + heard + waited);
        let before = known.clone().unwrap_or_default();
        match advance(known.as_ref(), &hearing, now, Duration::from_secs(patience)) {
            Progress::Covered(after) => {
                prop_assert_eq!(after.recheck_before, before.recheck_before);
                prop_assert!(after.covered_until >= before.covered_until);
            }
            Progress::Waits => {}
            Progress::Gap(after) => {
                prop_assert!(after.recheck_before > before.recheck_before);
                prop_assert!(after.recheck_before > hearing.since);
            }
        }
    }
}
