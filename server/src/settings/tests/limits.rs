//! `[limits]`, and limits that stand elsewhere: each is taken at both ends of what makes sense, and
//! refused beyond, with what may stand there.

use super::*;

/// Keys, and the least and the most.
const RANGES: [(&str, u64, u64); 17] = [
    ("LIMITS__CONNECTIONS", 1, 1_000_000),
    ("LIMITS__CONNECTIONS_PER_ADDRESS", 0, 1_000_000),
    ("LIMITS__SIGN_INS_PER_MINUTE", 0, 1_000_000),
    ("LIMITS__FAILED_CODES_PER_MINUTE", 0, 1_000_000),
    ("LIMITS__COUNTED_CLIENTS", 1024, 16_777_216),
    ("LIMITS__FLOWS_PER_BROWSER", 1, 128),
    ("LIMITS__LOGOUT_FORM_BYTES", 2048, 262_144),
    ("LIMITS__SKIP_PATH_LINES", 1, 10_000),
    ("LIMITS__SKIP_PATH_LINE_BYTES", 64, 65_536),
    ("LIMITS__SKIP_PATH_SIZE", 100, 100_000),
    ("LIMITS__CORE_PAGE_BYTES", 262_144, 1_073_741_824),
    ("LIMITS__CORE_ANSWER_BYTES", 16_384, 16_777_216),
    ("LIMITS__CORE_KEY_SET_BYTES", 16_384, 16_777_216),
    ("LIMITS__CORE_MESSAGE_BYTES", 16_384, 16_777_216),
    ("DASHBOARD__VIEWERS", 1, 400),
    ("ADMIN__FAILURES_PER_MINUTE", 1, 1000),
    ("ADMIN__FAILURES_PER_MINUTE_OF_ALL", 1, 10_000),
];

#[test]
fn what_makes_no_sense_is_refused_with_what_does() {
    for (key, least, most) in RANGES {
        let name = format!("OUTPOST__{key}");
        for inside in [least, most] {
            let text = load(&[(&name, &inside.to_string())]).to_toml();
            let line = format!(" = {inside} # {name}");
            assert!(text.lines().any(|found| found.ends_with(&line)), "{line} in\n{text}");
        }
        let beyond = [most + 1].into_iter().chain(least.checked_sub(1));
        for outside in beyond {
            let found = mistakes(&sources(&[(&name, &outside.to_string())]));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(&name), "{found:?}");
            assert!(found[0].contains(&format!("{outside} is not between")), "{found:?}");
        }
    }
}

#[test]
fn a_line_of_unauthenticated_paths_may_not_be_larger_than_all_of_them() {
    let set = |size: &str, total: &str| {
        sources(&[
            ("OUTPOST__LIMITS__SKIP_PATH_SIZE", size),
            ("OUTPOST__LIMITS__SKIP_PATH_TOTAL_SIZE", total),
        ])
    };
    assert!(Settings::load(&set("500", "500")).is_ok());
    let found = mistakes(&set("501", "500"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("lower it, or raise the other"), "{found:?}");
}

#[test]
fn the_defaults_of_unauthenticated_paths_are_those_of_the_compiler() {
    assert_eq!(load(&[]).limits.skip_paths, outpost_decision::skip::SkipLimits::DEFAULT);
}
