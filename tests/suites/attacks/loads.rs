//! Configurations and users beyond measure.

use std::time::Duration;

use outpost::clock;
use outpost::session::SessionStore as _;
use outpost::session::redis::{RedisAddress, RedisOptions, RedisStore};
use outpost_demo::core::UserSpec;
use outpost_tests::filler::fill;
use outpost_tests::redis::RedisServer;

use crate::attacks::exchange::Ask;
use crate::attacks::site::{DOORS, HOMES, PATIENCE, PROXIED, Person, STRANGER, Site};

/// Regular expressions that take others a lifetime, or that are none.
#[tokio::test]
async fn a_regular_expression_takes_no_lifetime_and_a_broken_one_opens_nothing() {
    let rules = [
        "^(a+)+$",
        "^(a|aa)+$",
        "^/(.*)*(.*)*(.*)*never$",
        "(x+x+)+y",
        "((((a{1,9}){1,9}){1,9}){1,9}){1,9}",
        "(",
        "*",
        "[",
        "\\",
        "(?P<n>",
        "a{100000}",
        "(?=look)",
        "",
        "  ",
    ];
    let site = Site::with(&[], |spec| {
        let all = format!("{}\n{}", rules.join("\n"), spec.skip_path_regex);
        spec.skip(&all)
    })
    .await;
    for door in DOORS {
        for path in [
            format!("/{}!", "a".repeat(8_000)),
            format!("/{}", "x".repeat(8_000)),
            format!("/{}", "/a".repeat(2_000)),
            "/x".to_owned(),
        ] {
            let outcome = site.knock(door, &Ask::get(&path)).await;
            outcome.assert_refused(&[302, 400, 401], &format!("{door:?} {path:.20}"));
        }
        // The sound line among them counts.
        site.knock(door, &Ask::get("/public/x")).await.assert_open_to("", &format!("{door:?}"));
    }
}

/// What one provider has too much of is no other's matter.
#[tokio::test]
async fn a_skip_list_of_ten_megabytes_opens_nothing_and_stops_no_other() {
    let line = "^/only-this-one-page-of-very-many/[0-9]+/[a-z]+$\n";
    let long = line.repeat((10 << 20) / line.len() + 1);
    let site = Site::with(&[], |spec| match spec.name.as_str() {
        "single" => {
            let all = format!("{long}{}", spec.skip_path_regex);
            spec.skip(&all)
        }
        _ => spec,
    })
    .await;
    let people = site.people("alice").await;
    for door in DOORS {
        let about = format!("{door:?}");
        site.knock(door, &Ask::get("/x")).await.assert_refused(&[302, 401], &about);
        let own = Ask::get("/x").line("Cookie", people[door.provider].session_pair());
        site.knock(door, &own).await.assert_open_to("alice", &about);
        if door.provider != "single" {
            site.knock(door, &Ask::get("/public/x")).await.assert_open_to("", &about);
        }
    }
    let memory = site.outpost.resident();
    assert!(memory < 1 << 30, "{memory} bytes");
}

/// A user with as many groups gets a page that says so, and nobody else notices.
#[tokio::test]
async fn ten_thousand_groups_are_told_whole_or_not_at_all() {
    let site = Site::start().await;
    let groups: Vec<String> = (0..10_000).map(|number| format!("group-{number}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    site.core.put_user(UserSpec::new("many", "x").groups(&groups));
    site.core.put_user(UserSpec::new("some", "x").groups(&groups[..500]));
    for home in HOMES {
        let door = DOORS.into_iter().find(|door| door.home == home).unwrap();
        let mut many = Person::default();
        let authorize = site.begin(&mut many, home, "/").await;
        let back = site.visit(&mut many, home, &site.callback(&authorize, "many")).await;
        if many.session().is_some() {
            let ask = Ask::get("/x").line("Cookie", many.session_pair());
            let told = site.knock(door, &ask).await.told("X-authentik-groups");
            assert_eq!(told, [groups.join("|")], "{home}: all of them");
        } else {
            back.assert_refused(&[502], home);
            assert!(back.body.contains("groups"), "{home}: {}", back.body);
        }
        let some = site.person(door, "some").await;
        let ask = Ask::get("/x").line("Cookie", some.session_pair());
        let told = site.knock(door, &ask).await.told("X-authentik-groups");
        assert_eq!(told, [groups[..500].join("|")], "{home}");
    }
}

#[tokio::test]
async fn a_user_with_ten_thousand_sessions_signs_out_while_others_are_served() {
    let redis = RedisServer::start();
    let url = redis.url();
    let variables =
        [("OUTPOST__SESSIONS__STORE", url.as_str()), ("OUTPOST__SESSIONS__TIMEOUT", "20s")];
    let site = Site::with(&variables, |spec| spec).await;
    let timeout = Duration::from_secs(20);
    let address = redis.address();
    let address = RedisAddress { host: address.ip().to_string(), port: address.port() };
    let options =
        RedisOptions { connect_timeout: timeout, timeout, ..RedisOptions::single(address) };
    let store = RedisStore::new(options).unwrap();

    let mut alice = site.person(PROXIED, "alice").await;
    let bob = site.person(PROXIED, "bob").await;
    let other = site.person(PROXIED, "alice").await;
    let sub = {
        let ask = Ask::get("/x").line("Cookie", alice.session_pair());
        site.knock(PROXIED, &ask).await.told("X-authentik-uid").remove(0)
    };
    fill(&store, 1, &sub, 10_000).await;
    let sessions = async || store.count(None, clock::now()).await.unwrap();
    assert_eq!(sessions().await, 10_003);
    let signing_out = site.visit(&mut alice, "app.test", "/outpost.goauthentik.io/sign_out");
    let served = std::cell::Cell::new(0);
    let serving = async {
        loop {
            let ask = Ask::get("/x").line("Cookie", bob.session_pair());
            let outcome = site.send(STRANGER, &ask.to("app.test")).await;
            assert_eq!(outcome.status, 200, "bob is served meanwhile: {outcome:?}");
            served.set(served.get() + 1);
        }
    };
    let out = tokio::select! {
        out = tokio::time::timeout(PATIENCE, signing_out) => out.expect("the sign-out ends"),
        never = serving => never,
    };
    assert_eq!(out.status, 302, "{out:?}");
    assert!(served.get() > 0, "it takes long enough that bob was served meanwhile");
    assert_eq!(sessions().await, 1, "every one of hers has ended");
    let ask = Ask::get("/x").line("Cookie", other.session_pair());
    site.knock(PROXIED, &ask).await.assert_refused(&[302], "her other browser");
    let ask = Ask::get("/x").line("Cookie", bob.session_pair());
    site.knock(PROXIED, &ask).await.assert_open_to("bob", "and bob stays");
}
