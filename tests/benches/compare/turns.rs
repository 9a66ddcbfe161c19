//! Turns: A B A B.

use super::load::{self, Asked, Measured, Pace};
use super::options::Options;
use super::server::Server;

/// One side of a comparison.
#[derive(Clone)]
pub(crate) struct Side<'a> {
    /// What it is called in the table.
    pub(crate) name: String,
    /// Whom load asks.
    pub(crate) at: std::net::SocketAddr,
    pub(crate) asked: Asked,
    /// Whose processor time counts.
    pub(crate) servers: Vec<&'a Server>,
    /// Connections, where not as many as the command says.
    pub(crate) connections: Option<usize>,
    /// Requests a second, where not as many as there is an answer to.
    pub(crate) rate: Option<f64>,
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
}

impl Turns {
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
    for side in sides {
        load::run(side.at, &side.asked, Pace { seconds: 1.0, ..pace });
    }
    let mut all: Vec<Turns> = sides
        .iter()
        .map(|side| Turns { name: side.name.clone(), turns: Vec::new(), resident: 0 })
        .collect();
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
    let used = || side.servers.iter().map(|server| server.processor_time().as_secs_f64());
    let before: f64 = used().sum();
    let measured = load::run(side.at, &side.asked, pace);
    let used = used().sum::<f64>() - before;
    let processor = 1e6 * used / measured.requests.max(1) as f64;
    Turn { measured, processor }
}
