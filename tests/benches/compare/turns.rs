//! Turns: A B A B.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::background::give_way;
use super::load::{self, Asked, Measured, Pace};
use super::options::Options;
use super::server::{Server, processor_seconds};

/// What goes on beside the load of a turn, until it is told that the turn is over.
pub(crate) type Meanwhile<'a> = &'a (dyn Fn(&AtomicBool) + Sync);

/// One side of a comparison.
#[derive(Clone)]
pub(crate) struct Side<'a> {
    /// What it is called in the table.
    pub(crate) name: String,
    /// Whom load asks; several share its connections.
    pub(crate) at: Vec<SocketAddr>,
    pub(crate) asked: Asked,
    /// Whose processor time counts.
    pub(crate) servers: Vec<&'a Server>,
    /// Connections, where not as many as the command says.
    pub(crate) connections: Option<usize>,
    /// Requests a second, where not as many as there is an answer to.
    pub(crate) rate: Option<f64>,
    /// What goes on beside it.
    pub(crate) meanwhile: Option<Meanwhile<'a>>,
}

impl Side<'_> {
    fn pace(&self, options: &Options) -> Pace {
        Pace {
            connections: self.connections.unwrap_or(options.connections),
            seconds: options.turn.as_secs_f64(),
            rate: self.rate,
        }
    }
}

/// What one turn of one side has given.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) measured: Measured,
    /// Microseconds of processor time a request.
    pub(crate) processor: f64,
}

/// All turns of a side.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    pub(crate) name: String,
    pub(crate) turns: Vec<Turn>,
    /// Bytes of memory at the end.
    pub(crate) resident: u64,
}

/// Several sides, of which the first one is compared with each of the others.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    /// What is compared.
    pub(crate) what: String,
    pub(crate) sides: Vec<Turns>,
    /// Least ratio to each of the others, in their order, that is aimed at.
    pub(crate) targets: Vec<Option<f64>>,
    /// Most microseconds by which the first side's 99th percentile may lie above the second one's.
    pub(crate) added: Option<f64>,
}

impl Compared {
    /// Aims at so little added to the 99th percentile, in microseconds.
    pub(crate) fn adding(self, most: f64) -> Self {
        Self { added: Some(most), ..self }
    }

    /// Microseconds by which the first side's 99th percentile lies above the second one's.
    pub(crate) fn added_to_p99(&self) -> Option<f64> {
        let [with, without, ..] = self.sides.as_slice() else { return None };
        let p99 = |turns: &Turns| turns.median(|turn| turn.measured.microseconds.p99);
        Some(p99(with) - p99(without))
    }

    /// Whether that is more than is aimed at.
    pub(crate) fn added_too_much(&self) -> bool {
        self.added.zip(self.added_to_p99()).is_some_and(|(most, added)| added > most)
    }

    /// The same in words, where something is aimed at.
    pub(crate) fn added_said(&self) -> Option<String> {
        let (most, added) = self.added.zip(self.added_to_p99())?;
        let missed = if self.added_too_much() { " **missed**" } else { "" };
        let (first, what) = (self.sides.first()?, &self.what);
        Some(format!(
            "{what}, {}: {added:.0} µs are added to the 99th percentile; at most {most:.0} \
             µs{missed}.",
            first.name
        ))
    }
}

impl Turns {
    /// Of a side that has had no turn yet.
    pub(crate) fn none(name: &str) -> Self {
        Self { name: name.to_owned(), turns: Vec::new(), resident: 0 }
    }

    /// The one in the middle of all turns.
    pub(crate) fn median(&self, of: impl Fn(&Turn) -> f64) -> f64 {
        median(self.turns.iter().map(of).collect())
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.median(|turn| turn.measured.rate)
    }
}

/// The one in the middle, or between the two that are.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[length / 2],
        length => f64::midpoint(values[length / 2 - 1], values[length / 2]),
    }
}

/// Lets all sides take turns, after one short one each that does not count.
pub(crate) fn take(
    options: &Options,
    what: &str,
    sides: &[Side<'_>],
    targets: &[Option<f64>],
) -> Compared {
    let pace =
        Pace { connections: options.connections, seconds: options.turn.as_secs_f64(), rate: None };
    give_way();
    for side in sides {
        load::run(&side.at, &side.asked, Pace { seconds: 1.0, ..pace });
    }
    let mut all: Vec<Turns> = sides.iter().map(|side| Turns::none(&side.name)).collect();
    for _ in 0..options.turns {
        for (side, turns) in sides.iter().zip(&mut all) {
            turns.turns.push(turn(side, side.pace(options)));
        }
    }
    for (side, turns) in sides.iter().zip(&mut all) {
        turns.resident = side.servers.iter().map(|server| server.resident()).sum();
    }
    Compared { what: what.to_owned(), sides: all, targets: targets.to_vec(), added: None }
}

/// One turn of one side.
fn turn(side: &Side<'_>, pace: Pace) -> Turn {
    let before = processor_seconds(&side.servers);
    let measured = match side.meanwhile {
        None => load::run(&side.at, &side.asked, pace),
        Some(meanwhile) => beside(meanwhile, || load::run(&side.at, &side.asked, pace)),
    };
    Turn::of(measured, processor_seconds(&side.servers) - before)
}

impl Turn {
    /// One that took so many seconds of processor time.
    pub(crate) fn of(measured: Measured, seconds: f64) -> Self {
        let processor = 1e6 * seconds / measured.requests.max(1) as f64;
        Self { measured, processor }
    }
}

/// Measures while something else goes on, which is told when that is over, however it ends.
fn beside<T>(meanwhile: Meanwhile<'_>, measure: impl FnOnce() -> T) -> T {
    struct Ending<'a>(&'a AtomicBool);
    impl Drop for Ending<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ending = Ending(&over);
        scope.spawn(|| meanwhile(&over));
        measure()
    })
}
