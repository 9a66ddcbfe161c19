//! The doctor where no outpost runs.

use outpost_demo::core::{CoreOptions, StandInCore};
use outpost_tests::ports;
use outpost_tests::program::run;

#[test]
fn without_an_outpost_core_and_its_token_are_looked_at() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let nobody = format!("127.0.0.1:{}", ports::free("127.0.0.1".parse().unwrap()));
    let (host, token) = (core.url(), core.token());
    let look = |token: &str| {
        let variables = [
            ("AUTHENTIK_HOST", host.as_str()),
            ("AUTHENTIK_TOKEN", token),
            ("OUTPOST__DASHBOARD__LISTEN", &nobody),
        ];
        let output = run(&["doctor"], &variables);
        let text = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("no outpost answers"), "{error}");
        assert_eq!(output.status.code(), Some(3), "{text}");
        text
    };
    let fine = look(&token);
    assert!(fine.contains("ok Core answers, and takes the token"), "{fine}");
    let refused = look("another-token");
    assert!(refused.contains("error: core_refresh_failed"), "{refused}");
    assert!(refused.contains("AUTHENTIK_TOKEN"), "{refused}");
    assert!(!refused.contains("another-token"), "{refused}");
}
