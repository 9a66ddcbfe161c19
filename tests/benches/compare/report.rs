//! The table, and the same as JSON.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::options::Options;
use super::turns::{Compared, Turns, median};

/// Everything that was measured.
pub(crate) struct Report {
    json: Option<PathBuf>,
    all: Vec<Value>,
    missed: Vec<String>,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Self {
        println!(
            "{} turns of {} s each, {} connections; servers on one processor, load on another.",
            options.turns,
            options.turn.as_secs(),
            options.connections
        );
        Self { json: options.json.clone(), all: Vec::new(), missed: Vec::new() }
    }

    /// Prints what was compared.
    pub(crate) fn add(&mut self, name: &str, compared: Vec<Compared>) {
        println!("\n### {name}\n");
        println!(
            "| | answers/s | ratio | least – most | target | µs of processor | p50 | p99 | memory |"
        );
        println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        for compared in compared {
            self.print(name, &compared);
        }
    }

    fn print(&mut self, name: &str, compared: &Compared) {
        let Some((first, others)) = compared.sides.split_first() else { return };
        row(&format!("**{}**: {}", compared.what, first.name), first, "");
        let mut ratios = Vec::new();
        for (other, target) in others.iter().zip(&compared.targets) {
            let ratio = Ratio::of(first, other);
            let met = target.is_none_or(|target| ratio.median >= target);
            if !met {
                self.missed.push(format!("{name}, {} to {}", compared.what, other.name));
            }
            let target_said = target.map_or_else(String::new, |target| {
                format!("{target}{}", if met { "" } else { " **missed**" })
            });
            let cells = format!(
                "{:.2} | {:.2} – {:.2} | {target_said}",
                ratio.median, ratio.least, ratio.most
            );
            row(&format!("to {}", other.name), other, &cells);
            ratios.push(json!({
                "to": other.name, "median": ratio.median, "least": ratio.least, "most": ratio.most,
                "target": target,
            }));
        }
        if let (Some(most), [with, without, ..]) = (compared.added, compared.sides.as_slice()) {
            let p99 = |turns: &Turns| turns.median(|turn| turn.measured.microseconds.p99);
            let added = p99(with) - p99(without);
            let missed = if added > most { " **missed**" } else { "" };
            println!(
                "\nIt adds {added:.0} µs to the 99th percentile; at most {most:.0} µs{missed}."
            );
            if added > most {
                self.missed.push(format!("{name}, {}: 99th percentile", compared.what));
            }
        }
        let sides: Vec<Value> = compared.sides.iter().map(side).collect();
        self.all.push(json!({
            "comparison": name, "what": compared.what, "sides": sides, "ratios": ratios,
        }));
    }

    /// Ends: what was missed is a failure.
    pub(crate) fn finish(self) -> ExitCode {
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(&self.all).expect("JSON");
            if let Err(error) = std::fs::write(path, text + "\n") {
                println!("{}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        }
        if self.missed.is_empty() {
            return ExitCode::SUCCESS;
        }
        println!("\nMissed: {}", self.missed.join("; "));
        ExitCode::FAILURE
    }
}

fn row(name: &str, turns: &Turns, ratio: &str) {
    let ratio = if ratio.is_empty() { " | | " } else { ratio };
    println!(
        "| {name} | {:.0} | {ratio} | {:.1} | {:.0} µs | {:.0} µs | {:.0} MB |",
        turns.rate(),
        turns.median(|turn| turn.processor),
        turns.median(|turn| turn.measured.microseconds.p50),
        turns.median(|turn| turn.measured.microseconds.p99),
        turns.resident as f64 / 1e6,
    );
}

fn side(turns: &Turns) -> Value {
    json!({
        "name": turns.name,
        "rates": turns.turns.iter().map(|turn| turn.measured.rate).collect::<Vec<_>>(),
        "processor_microseconds": turns.median(|turn| turn.processor),
        "p50_microseconds": turns.median(|turn| turn.measured.microseconds.p50),
        "p99_microseconds": turns.median(|turn| turn.measured.microseconds.p99),
        "resident": turns.resident,
    })
}

/// Of one side's rate to another's, turn by turn.
struct Ratio {
    median: f64,
    least: f64,
    most: f64,
}

impl Ratio {
    fn of(one: &Turns, other: &Turns) -> Self {
        let pairs = one.turns.iter().zip(&other.turns);
        let ratios: Vec<f64> =
            pairs.map(|(one, other)| one.measured.rate / other.measured.rate).collect();
        Self {
            least: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            most: ratios.iter().copied().fold(0.0, f64::max),
            median: median(ratios),
        }
    }
}
