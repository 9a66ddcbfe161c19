//! The tables, and the same as JSON.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::figures::{Figure, Found};
use super::machine;
use super::options::Options;
use super::turns::{Compared, Turns, median};

/// Everything that was measured.
pub(crate) struct Report {
    json: Option<PathBuf>,
    markdown: Option<PathBuf>,
    machine: String,
    /// What was printed.
    text: String,
    all: Vec<Value>,
    missed: Vec<String>,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Self {
        let mut report = Self {
            json: options.json.clone(),
            markdown: options.markdown.clone(),
            machine: machine::described(),
            text: "# What authentication costs\n\nMeasured by `./tests/bench`.\n\n".to_owned(),
            all: Vec::new(),
            missed: Vec::new(),
        };
        report.say(&format!("Machine: {}.", report.machine));
        let (turns, seconds) = (options.turns, options.turn.as_secs());
        report.say(&format!(
            "{turns} turns of {seconds} s each, {} connections; servers on one processor, load on \
             another.",
            options.connections
        ));
        report
    }

    /// Prints what one comparison has found.
    pub(crate) fn add(&mut self, name: &str, found: &Found) {
        self.say(&format!("\n### {name}\n"));
        if found.is_nothing() {
            self.say("It came to no end.");
            self.missed.push(name.to_owned());
        }
        if !found.compared.is_empty() {
            self.say(
                "| | answers/s | ratio | least – most | target | µs of processor | p50 | p99 | \
                 memory |",
            );
            self.say("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        }
        for compared in &found.compared {
            self.compared(name, compared);
        }
        // Where the table ends.
        let added: Vec<String> = found.compared.iter().filter_map(Compared::added_said).collect();
        for line in &added {
            self.say(&format!("\n{line}"));
        }
        if found.figures.is_empty() {
            return;
        }
        if !found.compared.is_empty() {
            self.say("");
        }
        for head in Figure::HEADS {
            self.say(head);
        }
        for figure in &found.figures {
            self.say(&figure.row());
            self.missed.extend(figure.missed().map(|what| format!("{name}, {what}")));
            self.all.push(figure.json(name));
        }
    }

    fn compared(&mut self, name: &str, compared: &Compared) {
        let Some((first, others)) = compared.sides.split_first() else { return };
        self.say(&row(&format!("**{}**: {}", compared.what, first.name), first, ""));
        let mut ratios = Vec::new();
        for (place, other) in others.iter().enumerate() {
            let target = compared.targets.get(place).copied().flatten();
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
            self.say(&row(&format!("to {}", other.name), other, &cells));
            ratios.push(json!({
                "to": other.name, "median": ratio.median, "least": ratio.least, "most": ratio.most,
                "target": target,
            }));
        }
        if compared.added_too_much() {
            self.missed.push(format!("{name}, {}: 99th percentile", compared.what));
        }
        let sides: Vec<Value> = compared.sides.iter().map(side).collect();
        self.all.push(json!({
            "comparison": name, "what": compared.what, "sides": sides, "ratios": ratios,
            "added_to_p99_microseconds": compared.added.and_then(|_| compared.added_to_p99()),
            "added_at_most_microseconds": compared.added,
        }));
    }

    /// Ends: what was missed is a failure.
    pub(crate) fn finish(mut self) -> ExitCode {
        if !self.missed.is_empty() {
            self.say(&format!("\nMissed: {}", self.missed.join("; ")));
        }
        let mut written = Ok(());
        if let Some(path) = &self.json {
            let all = json!({ "machine": self.machine, "measured": self.all });
            let text = serde_json::to_string_pretty(&all).expect("JSON");
            written = written.and(write(path, &(text + "\n")));
        }
        if let Some(path) = &self.markdown {
            written = written.and(write(path, &self.text));
        }
        if written.is_ok() && self.missed.is_empty() {
            return ExitCode::SUCCESS;
        }
        ExitCode::FAILURE
    }

    /// Prints a line.
    fn say(&mut self, line: &str) {
        println!("{line}");
        self.text += line;
        self.text.push('\n');
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(path, text).inspect_err(|error| println!("{}: {error}", path.display()))
}

fn row(name: &str, turns: &Turns, ratio: &str) -> String {
    let ratio = if ratio.is_empty() { " | | " } else { ratio };
    format!(
        "| {name} | {:.0} | {ratio} | {:.1} | {:.0} µs | {:.0} µs | {:.0} MB |",
        turns.rate(),
        turns.median(|turn| turn.processor),
        turns.median(|turn| turn.measured.microseconds.p50),
        turns.median(|turn| turn.measured.microseconds.p99),
        turns.resident as f64 / 1e6,
    )
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
