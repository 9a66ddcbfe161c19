//! Figures that are no rates: times of events, bytes of sessions.

use serde_json::{Value, json};

use super::turns::{Compared, median};

/// What one comparison has found.
pub(crate) struct Found {
    pub(crate) compared: Vec<Compared>,
    pub(crate) figures: Vec<Figure>,
}

impl Found {
    /// What one that failed has found.
    pub(crate) const fn nothing() -> Self {
        Self { compared: Vec::new(), figures: Vec::new() }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.compared.is_empty() && self.figures.is_empty()
    }
}

impl From<Vec<Compared>> for Found {
    fn from(compared: Vec<Compared>) -> Self {
        Self { compared, figures: Vec::new() }
    }
}

impl From<Vec<Figure>> for Found {
    fn from(figures: Vec<Figure>) -> Self {
        Self { compared: Vec::new(), figures }
    }
}

/// One figure, measured so many times.
pub(crate) struct Figure {
    what: String,
    unit: &'static str,
    values: Vec<f64>,
    /// The median of the curve's beginning.
    beginning: Option<f64>,
    target: Option<Target>,
}

/// What is aimed at.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// A median of at most this.
    Median(f64),
    /// At most so many times the beginning of the curve.
    Ratio(f64),
}

impl Figure {
    pub(crate) fn new(what: &str, unit: &'static str, values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "{what}: nothing was measured");
        Self { what: what.to_owned(), unit, values, beginning: None, target: None }
    }

    /// Stands against the beginning of its curve.
    pub(crate) fn against(self, beginning: &Self) -> Self {
        Self { beginning: Some(beginning.median()), ..self }
    }

    pub(crate) fn aiming(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    fn median(&self) -> f64 {
        median(self.values.clone())
    }

    fn ratio(&self) -> Option<f64> {
        self.beginning.map(|beginning| self.median() / beginning)
    }

    /// The first one below which 99 of a hundred lie.
    fn p99(&self) -> f64 {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        let place = (values.len() * 99).div_ceil(100).saturating_sub(1);
        values.get(place).copied().unwrap_or(f64::NAN)
    }

    fn least(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn most(&self) -> f64 {
        self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// What it is of, where it is not what was aimed at.
    pub(crate) fn missed(&self) -> Option<&str> {
        let met = match self.target {
            None => true,
            Some(Target::Median(most)) => self.median() <= most,
            Some(Target::Ratio(most)) => self.ratio().is_some_and(|ratio| ratio <= most),
        };
        (!met).then_some(self.what.as_str())
    }

    /// The heads of its table's columns.
    pub(crate) const HEADS: [&str; 2] = [
        "| | times | median | p99 | least – most | ratio | target |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ];

    /// Its row.
    pub(crate) fn row(&self) -> String {
        let unit = self.unit;
        let target = match self.target {
            None => String::new(),
            Some(Target::Median(most)) => format!("at most {most} {unit}"),
            Some(Target::Ratio(most)) => format!("at most {most} times"),
        };
        let missed = if self.missed().is_some() { " **missed**" } else { "" };
        format!(
            "| {} | {} | {} {unit} | {} {unit} | {} – {} | {} | {target}{missed} |",
            self.what,
            self.values.len(),
            shown(self.median()),
            shown(self.p99()),
            shown(self.least()),
            shown(self.most()),
            self.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        )
    }

    pub(crate) fn json(&self, comparison: &str) -> Value {
        let target = self.target.map(|target| match target {
            Target::Median(most) => json!({ "median_at_most": most }),
            Target::Ratio(most) => json!({ "ratio_at_most": most }),
        });
        json!({
            "comparison": comparison, "what": self.what, "unit": self.unit,
            "values": self.values, "median": self.median(), "p99": self.p99(),
            "ratio": self.ratio(), "target": target, "met": self.missed().is_none(),
        })
    }
}

/// Three digits or so, and none after the point where there are as many before it.
fn shown(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
