//! What was counted against what was counted before.

use serde::Deserialize;

/// What one thing costs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    /// What it is.
    pub(crate) name: String,
    /// Instructions, where the program that was counted is an optimised one.
    pub(crate) instructions: Option<u64>,
    /// Calls that ask for memory; those for more of it are among them.
    pub(crate) allocations: u64,
}

/// What was counted at one time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    /// The compiler that made the program.
    pub(crate) rustc: String,
    /// In the order that people read them in.
    pub(crate) costs: Vec<Cost>,
}

/// Instructions more or fewer that are nothing to speak of, in percent.
const PERCENT: u64 = 10;

/// The same where another compiler made the program: it may well know a better way.
const PERCENT_OF_ANOTHER: u64 = 20;

/// Whatever differs by more than it may, a line each. Fewer are as bad as more: what was gained could be
/// lost again, and nobody would see it. `allocations` may be more or fewer by so many.
pub(crate) fn differences(then: &Counts, now: &Counts, allocations: u64) -> Vec<String> {
    let percent = if then.rustc == now.rustc { PERCENT } else { PERCENT_OF_ANOTHER };
    let mut found = Vec::new();
    for cost in &now.costs {
        let name = &cost.name;
        let Some(before) = then.costs.iter().find(|before| before.name == *name) else {
            found.push(format!("{name}: not in the baseline"));
            continue;
        };
        match (before.instructions, cost.instructions) {
            (Some(before), Some(now)) => {
                found.extend(differs(name, "instructions", before, now, before * percent / 100));
            }
            (None, None) => {}
            _ => found.push(format!("{name}: its instructions were counted once, and once not")),
        }
        let (before, now) = (before.allocations, cost.allocations);
        found.extend(differs(name, "allocations", before, now, allocations));
    }
    let gone = then.costs.iter().filter(|before| now.costs.iter().all(|it| it.name != before.name));
    found.extend(
        gone.map(|cost| format!("{}: in the baseline, and not counted any more", cost.name)),
    );
    if !found.is_empty() && then.rustc != now.rustc {
        found.push(format!("The baseline is of {}, and this of {}.", then.rustc, now.rustc));
    }
    found
}

fn differs(name: &str, what: &str, before: u64, now: u64, allowed: u64) -> Option<String> {
    if now.abs_diff(before) <= allowed {
        return None;
    }
    let verdict = if now > before { "a regression" } else { "the baseline is stale" };
    Some(format!("{name}: {now} {what}, and {before} in the baseline: {verdict}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rustc: &str, costs: &[(&str, u64, u64)]) -> Counts {
        let costs = costs.iter().map(|(name, instructions, allocations)| Cost {
            name: (*name).to_owned(),
            instructions: Some(*instructions),
            allocations: *allocations,
        });
        Counts { rustc: rustc.to_owned(), costs: costs.collect() }
    }

    #[test]
    fn what_differs_from_the_baseline_is_told_and_nothing_else() {
        let then = counts("a", &[("one", 10_000, 10), ("two", 1000, 0)]);
        for (one, allocations, told) in [
            (10_000, 10, None),
            (11_000, 10, None),
            (9_000, 10, None),
            (11_001, 10, Some("one: 11001 instructions, and 10000 in the baseline: a regression")),
            (
                8_999,
                10,
                Some("one: 8999 instructions, and 10000 in the baseline: the baseline is stale"),
            ),
            (10_000, 11, Some("one: 11 allocations, and 10 in the baseline: a regression")),
            (10_000, 9, Some("one: 9 allocations, and 10 in the baseline: the baseline is stale")),
        ] {
            let now = counts("a", &[("one", one, allocations), ("two", 1000, 0)]);
            let told: Vec<String> = told.into_iter().map(str::to_owned).collect();
            assert_eq!(differences(&then, &now, 0), told);
        }
    }

    #[test]
    fn as_many_allocations_more_or_fewer_as_are_allowed_are_none() {
        let then = counts("a", &[("one", 0, 10)]);
        for (allocations, fine) in [(8, false), (9, true), (10, true), (11, true), (12, false)] {
            let now = counts("a", &[("one", 0, allocations)]);
            assert_eq!(differences(&then, &now, 1).is_empty(), fine, "{allocations}");
        }
    }

    #[test]
    fn what_is_missing_on_either_side_is_told() {
        let one = counts("a", &[("one", 1000, 0)]);
        let two = counts("a", &[("two", 1000, 0)]);
        assert_eq!(
            differences(&one, &two, 0),
            ["two: not in the baseline", "one: in the baseline, and not counted any more"]
        );
        let mut uncounted = one.clone();
        uncounted.costs[0].instructions = None;
        assert_eq!(differences(&one, &uncounted, 0).len(), 1);
        assert_eq!(differences(&uncounted, &one, 0).len(), 1);
    }

    #[test]
    fn another_compiler_may_do_better_or_worse_and_is_named_where_that_is_too_much() {
        let then = counts("a", &[("one", 1000, 5)]);
        assert!(differences(&then, &counts("b", &[("one", 1200, 5)]), 0).is_empty());
        assert!(differences(&then, &counts("b", &[("one", 800, 5)]), 0).is_empty());
        let told = differences(&then, &counts("b", &[("one", 1201, 5)]), 0);
        assert_eq!(told.last().unwrap(), "The baseline is of a, and this of b.");
        assert_eq!(told.len(), 2);
    }
}
