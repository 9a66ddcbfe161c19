//! What holds for every request, tried with requests that nobody would think of, over real HTTP.
//!
//! The same cases in every run; `PROPTEST_CASES=10000` runs as many, of its own choice. A case that
//! fails is shrunk, and its seed kept in `tests/proptest-regressions/`, to be checked in.

mod decisions;
mod identity;
mod return_targets;

use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngSeed, TestCaseError, TestCaseResult, TestRunner,
};

/// What a case found wrong.
type Wrong = String;

/// Tries `holds` with cases of `strategy`, `cases` of them where nobody says how many. `holds` is
/// asked by a thread of its own, since it may wait.
async fn for_all<S>(
    kept: &'static str,
    cases: u32,
    strategy: S,
    holds: impl AsyncFn(S::Value) -> Result<(), Wrong>,
) where
    S: Strategy,
{
    let mut config = Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(kept))),
        max_shrink_time: 60_000,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
        config.rng_seed = RngSeed::Fixed(11);
    }
    let mut runner = TestRunner::new(config);
    let runtime = tokio::runtime::Handle::current();
    let result = tokio::task::block_in_place(|| {
        runner.run(&strategy, |case| -> TestCaseResult {
            runtime.block_on(holds(case)).map_err(TestCaseError::fail)
        })
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// One of these texts.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    proptest::sample::select(texts).prop_map(str::to_owned as fn(&str) -> String)
}

/// Where seeds of failures are kept.
macro_rules! kept {
    ($name:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/", $name, ".txt")
    };
}
use kept;
