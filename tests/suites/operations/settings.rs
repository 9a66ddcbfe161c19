//! Starting with wrong settings, looking at settings, and asking for health.

use outpost_demo::core::{CoreOptions, StandInCore};
use outpost_tests::program::{Program, environment, run};

/// Everything that is wrong with a set-up, and what each line must name.
const WRONG: [(&str, &str); 7] = [
    ("AUTHENTIK_HOST", "ftp://core.example.com"),
    ("AUTHENTIK_INSECURE", "perhaps"),
    ("AUTHENTIK_LISTEN__HTTP", "everywhere"),
    ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "10.0.0.0/99"),
    ("AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE", "a while"),
    ("OUTPOST__SESSIONS__STORE", "carrier-pigeon://"),
    ("OUTPOST__NO__SUCH_SETTING", "1"),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_mistake_in_the_settings_is_told_at_once() {
    for arguments in [&[][..], &["config", "--check"]] {
        let output = run(arguments, &WRONG);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        for (name, _) in WRONG.iter().chain([&("AUTHENTIK_TOKEN", "")]) {
            let lines = told.lines().filter(|line| line.contains(name)).count();
            assert_eq!(lines, 1, "{name} in: {told}");
        }
        assert_eq!(told.lines().count(), WRONG.len() + 1, "{told}");
    }
}

#[test]
fn a_token_never_shows_in_the_settings_nor_in_their_mistakes() {
    let file = std::env::temp_dir().join(format!("outpost-token-{}", std::process::id()));
    std::fs::write(&file, "from-a-file-51c5\n").expect("a file");
    let from_file = format!("file://{}", file.display());
    for (token, secret) in [("directly-51c5", "directly-51c5"), (&*from_file, "from-a-file-51c5")] {
        let right = [("AUTHENTIK_HOST", "https://core.example.com"), ("AUTHENTIK_TOKEN", token)];
        let shown = run(&["config"], &right);
        assert_eq!(shown.status.code(), Some(0));
        assert!(text(&shown.stdout).contains("AUTHENTIK_TOKEN"));
        let checked = run(&["config", "--check"], &right);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
        let wrong = [right[1], ("AUTHENTIK_HOST", "nonsense")];
        let refused = run(&["config"], &wrong);
        assert_eq!(refused.status.code(), Some(2));
        for output in [shown, checked, refused] {
            assert!(!text(&output.stdout).contains(secret));
            assert!(!text(&output.stderr).contains(secret));
        }
    }
    let _ = std::fs::remove_file(file);
}

#[tokio::test]
async fn a_taken_port_ends_the_start_and_is_named() {
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).expect("a port");
    for listener in ["AUTHENTIK_LISTEN__HTTP", "AUTHENTIK_LISTEN__METRICS"] {
        let outpost = Program::start(&core, &[(listener, &taken.1)]);
        let code = outpost.exit_code().await;
        assert!(code.is_some_and(|code| code != 0), "{code:?}");
        let line = outpost.line("does not start").await;
        assert!(line.contains(&taken.1) && line.contains("cannot listen"), "{line}");
    }
}

#[tokio::test]
async fn the_health_check_says_whether_the_outpost_serves() {
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    let outpost = Program::start(&core, &[]);
    let metrics = outpost.address("metrics").await.to_string();
    let variables = environment(&core, &[("AUTHENTIK_LISTEN__METRICS", &metrics)]);
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let healthy = run(&["healthcheck"], &variables);
    assert_eq!(healthy.status.code(), Some(0), "{}", text(&healthy.stderr));
    outpost.serves(0).await;
    let ready = run(&["healthcheck", "--ready"], &variables);
    assert_eq!(ready.status.code(), Some(0), "{}", text(&ready.stderr));
    outpost.signal("TERM");
    assert_eq!(outpost.exit_code().await, Some(0));
    let gone = run(&["healthcheck"], &variables);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).starts_with("unhealthy: "), "{}", text(&gone.stderr));
}
