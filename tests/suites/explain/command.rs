//! The command: what it prints, and its exit codes.

use std::io::ErrorKind;
use std::net::TcpListener;

use outpost_dashboard::model::Via;
use outpost_demo::core::Endpoint;
use outpost_tests::{Browser, World, wait};

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

/// What a request would leave behind: questions to core about credentials, decisions in the
/// journal, sessions, and connections to the application.
async fn left_behind(world: &World, application: &TcpListener) -> (u64, u64, usize, bool) {
    let asked = |endpoint| world.core.observe(|seen| seen.counts.get(&endpoint).copied());
    let asked = [Endpoint::Token, Endpoint::Introspect].map(asked).into_iter().flatten().sum();
    let at = world.outpost.addresses.dashboard[0];
    let decisions = Browser::new().get(&format!("http://{at}/api/v1/decisions")).await.json();
    let connected = match application.accept() {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    };
    (asked, decisions["latest"].as_u64().unwrap(), world.sessions().await, connected)
}

#[actix_rt::test]
async fn nothing_is_sent_and_nothing_kept() {
    let world = World::start().await;
    let application = TcpListener::bind("127.0.0.1:0").unwrap();
    application.set_nonblocking(true).unwrap();
    let mut provider = world.proxy();
    provider.internal_host = format!("http://{}", application.local_addr().unwrap());
    world.serve([provider, world.forward_single(), world.forward_domain()]).await;
    let before = left_behind(&world, &application).await;
    let header = "Authorization: Bearer s3cr3t";
    for via in Via::ALL.map(Via::code) {
        for path in ["/x?token=s3cr3t", "/public/x?token=s3cr3t"] {
            let url = world.url("app.test", path);
            for more in [&["--user", "alice"][..], &["--header", header]] {
                let said = explain(&world, &[&[url.as_str(), "--via", via], more].concat());
                assert!([0, 1].contains(&said.code), "{via} {path}: {}", said.err);
                assert!(!said.out.contains("s3cr3t"), "{}", said.out);
            }
        }
    }
    assert_eq!(left_behind(&world, &application).await, before);

    // The same, really sent, leaves all of it behind but a session.
    let browser = Browser::new();
    let bearer = [("authorization", "Bearer s3cr3t")];
    browser.send(reqwest::Method::GET, &world.url("app.test", "/x"), &bearer, None).await;
    let url = world.url("app.test", "/public/x");
    let public = actix_rt::spawn(async move { Browser::new().get(&url).await });
    let seen = wait::until_async("what was sent", async || {
        let seen = left_behind(&world, &application).await;
        if seen.3 { Ok(seen) } else { Err(format!("{seen:?}")) }
    })
    .await;
    public.abort();
    assert!(seen.0 > before.0 && seen.1 > before.1, "{seen:?} after {before:?}");
}
