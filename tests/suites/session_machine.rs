//! Sign-ins, sign-outs, sessions that core ends, logout tokens, crashes, faults of the store and the
//! end of time, in any order, against two replicas: whoever must be signed in is, whoever must not be
//! is not, and nobody without a session is ever served.
//!
//! Twelve sequences a run, the same each time; `PROPTEST_CASES=500` runs as many, of its own choice. A
//! sequence that fails is shrunk, shown, and its seed kept in `tests/proptest-regressions/`, to be
//! checked in: it is run first from then on.

mod model;
mod rig;

use std::cell::RefCell;

use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestRunner};
use proptest_state_machine::ReferenceStateMachine as _;

use self::model::Sessions;
use self::rig::Rig;

/// Where seeds of failures are kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/session_machine.txt");

#[test]
fn whatever_happens_in_whatever_order_sessions_are_what_they_must_be() {
    let mut config = Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(KEPT))),
        max_shrink_time: 120_000,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 12;
        config.rng_seed = RngSeed::Fixed(7);
    }
    let rig = RefCell::new(Rig::start());
    let mut runner = TestRunner::new(config);
    let sequences = Sessions::sequential_strategy(6..24);
    let ran = runner.run(&sequences, |(mut model, steps, seen)| {
        let mut rig = rig.borrow_mut();
        rig.begin();
        for step in &steps {
            if let Some(seen) = &seen {
                seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
            let before = model.clone();
            model = Sessions::apply(model, step);
            let fails = |what: String| {
                let what = format!("{what}\nat {step:?} of {steps:#?}\nfrom {before:#?}");
                eprintln!("{what}");
                TestCaseError::fail(what)
            };
            rig.apply(&before, step).map_err(fails)?;
            rig.check(&model).map_err(fails)?;
        }
        model.heal();
        rig.heal();
        rig.check(&model).map_err(TestCaseError::fail)?;
        rig.check_the_past().map_err(TestCaseError::fail)
    });
    println!("{}", rig.borrow());
    if let Err(failure) = ran {
        panic!("{failure}");
    }
}
