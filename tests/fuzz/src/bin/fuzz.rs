//! libFuzzer around the targets. `OUTPOST_FUZZ_TARGET` names the one to run; everything else is
//! libFuzzer's own: `tests/fuzz/run` knows how.
#![no_main]

use std::sync::OnceLock;

use outpost_fuzz::Target;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

#[expect(clippy::expect_used, reason = "without a target there is nothing to run")]
fn chosen() -> &'static Target {
    let name = std::env::var("OUTPOST_FUZZ_TARGET").expect("OUTPOST_FUZZ_TARGET names a target");
    outpost_fuzz::target(&name).expect("OUTPOST_FUZZ_TARGET names a target that exists")
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (TARGET.get_or_init(chosen).check)(data);
});
