//! The command: what it prints, and its exit codes.

use outpost_tests::World;

use super::asked::{explain, world};

#[actix_rt::test]
async fn the_exit_code_says_whether_the_request_would_be_let_through() {
    let world = world().await;
    let url = world.url("app.test", "/private");
    let public = world.url("app.test", "/public/logo.png");
    for (arguments, code, expected) in [
        (
            vec![url.as_str()],
            1,
            "not let through without a sign-in (redirect_to_start, not_signed_in)",
        ),
        (vec![&url, "--user", "alice"], 0, "let through (allow, session)"),
        (vec![&public], 0, "let through (skip, skip_path)"),
        (vec!["http://nobody.test/"], 1, "refused (deny, no_provider)"),
    ] {
        let said = explain(&world, &arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}{}", said.out, said.err);
        assert!(said.out.starts_with(expected), "{arguments:?}: {}", said.out);
        assert!(said.out.contains("The client would get: "), "{}", said.out);
    }
}

#[actix_rt::test]
async fn what_nearly_matched_is_told_with_the_reason_why_not() {
    let world = world().await;
    let said = explain(&world, &[&world.url("www.app.test", "/")]);
    assert!(said.out.contains("nearly matched\n  app.test"), "{}", said.out);
    let said = explain(&world, &[&world.url("app.test", "/Public/x")]);
    assert!(said.out.contains("upper and lower case"), "{}", said.out);
}

#[actix_rt::test]
async fn wrong_questions_and_nobody_to_ask_have_codes_of_their_own() {
    let world = world().await;
    let said = explain(&world, &["app.test"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("https://"), "{}", said.err);
    let nobody =
        format!("http://127.0.0.1:{}", outpost_tests::ports::free("127.0.0.1".parse().unwrap()));
    let said = explain(&world, &["https://app.test/", "--url", &nobody]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("no outpost answers"), "{}", said.err);
}

#[actix_rt::test]
async fn nothing_is_sent_and_nothing_kept() {
    let world: World = world().await;
    let before = world.app.url();
    let sessions = world.sessions().await;
    for via in ["direct", "nginx", "traefik", "caddy", "envoy"] {
        let url = world.url("app.test", "/x?token=s3cr3t");
        let header = "Authorization: Bearer s3cr3t";
        let said = explain(&world, &[&url, "--via", via, "--header", header, "--user", "alice"]);
        assert!(!said.out.contains("s3cr3t"), "{}", said.out);
    }
    assert_eq!(world.sessions().await, sessions);
    assert_eq!(world.app.url(), before);
}
