//! Sign-ins that somebody else made, or made twice.

use std::collections::HashSet;

use outpost_demo::core::Endpoint;

use crate::attacks::exchange::Ask;
use crate::attacks::site::{DOORS, Door, HOMES, Person, Site};

/// A door of the application that one signs in to at `home`.
fn door_of(home: &str) -> Door {
    DOORS.into_iter().find(|door| door.home == home).unwrap()
}

/// Whom the application takes somebody for.
async fn assert_is(site: &Site, person: &Person, home: &str, user: &str) {
    let ask = Ask::get("/x").line("Cookie", person.session_pair());
    site.knock(door_of(home), &ask).await.assert_open_to(user, home);
}

fn exchanges(site: &Site) -> u64 {
    site.core.observe(|seen| seen.count(Endpoint::Token))
}

/// CVE-2023-48228, CVE-2024-23647: a challenge goes along always, and is proved.
#[tokio::test]
async fn every_sign_in_carries_a_challenge_of_its_own_and_proves_it() {
    let site = Site::start().await;
    let mut seen_before = HashSet::new();
    for home in HOMES.into_iter().chain(HOMES) {
        let mut person = Person::default();
        let authorize = site.begin(&mut person, home, "/").await;
        let query: Vec<(String, String)> =
            url::Url::parse(&authorize).unwrap().query_pairs().into_owned().collect();
        let value = |name: &str| {
            let values: Vec<_> = query.iter().filter(|(key, _)| key == name).collect();
            assert_eq!(values.len(), 1, "{name} once: {authorize}");
            values[0].1.clone()
        };
        assert_eq!(value("code_challenge_method"), "S256");
        assert_eq!(value("response_type"), "code");
        for name in ["code_challenge", "nonce", "state"] {
            assert!(value(name).len() >= 43, "{name}: {authorize}");
            assert!(seen_before.insert(value(name)), "{name} is new each time");
        }
        site.visit(&mut person, home, &site.callback(&authorize, "alice")).await;
        let token = site.core.observe(|seen| seen.requests_to(Endpoint::Token).last().cloned());
        let token = token.unwrap();
        let verifier = token.form_value("code_verifier").unwrap_or_default();
        assert!((43..=128).contains(&verifier.len()), "RFC 7636 section 4.1: {verifier}");
        assert!(!authorize.contains(verifier));
        assert!(seen_before.insert(verifier.to_owned()));
        assert_is(&site, &person, home, "alice").await;
    }
}

/// What an attacker asks of `/start` changes nothing of what core is asked.
#[tokio::test]
async fn nobody_can_take_the_challenge_away() {
    let site = Site::start().await;
    for home in HOMES {
        for query in [
            "code_challenge=&code_challenge_method=plain",
            "code_challenge_method=plain",
            "state=mine&nonce=mine&redirect_uri=http://evil.test/",
            "rd=/&prompt=none&code_challenge=x",
        ] {
            let mut person = Person::default();
            let path = format!("/outpost.goauthentik.io/start?{query}");
            let begun = site.visit(&mut person, home, &path).await;
            let location = begun.header("location").unwrap();
            assert_eq!(location.matches("code_challenge=").count(), 1, "{location}");
            assert_eq!(location.matches("code_challenge_method=S256").count(), 1, "{location}");
            assert!(!location.contains("plain"), "{location}");
            assert!(!location.contains("evil"), "{location}");
            assert!(!location.contains("=mine"), "{location}");
        }
    }
}

/// Login CSRF: the attacker's callback in the victim's browser does not make her him.
#[tokio::test]
async fn the_callback_of_another_browser_signs_nobody_in() {
    let site = Site::start().await;
    for home in HOMES {
        let mut attacker = Person::default();
        let trap = site.callback(&site.begin(&mut attacker, home, "/").await, "bob");
        let before = exchanges(&site);
        let (mut fresh, mut busy) = (Person::default(), Person::default());
        let own = site.begin(&mut busy, home, "/").await;
        for victim in [&mut fresh, &mut busy] {
            let answer = site.visit(victim, home, &trap).await;
            let location = answer.header("location").unwrap();
            assert!(location.contains("/application/o/authorize/"), "{home}: {answer:?}");
            assert_eq!(victim.session(), None, "{home}");
        }
        assert_eq!(exchanges(&site), before, "{home}: the code is left alone");
        site.visit(&mut busy, home, &site.callback(&own, "alice")).await;
        assert_is(&site, &busy, home, "alice").await;
        // Who is signed in stays who she is.
        site.visit(&mut busy, home, &trap).await;
        assert_is(&site, &busy, home, "alice").await;
    }
}

#[tokio::test]
async fn a_callback_works_once() {
    let site = Site::start().await;
    for home in HOMES {
        let mut person = Person::default();
        let authorize = site.begin(&mut person, home, "/").await;
        let callback = site.callback(&authorize, "alice");
        // A thief who has seen all of it: the address and the cookie that goes with it.
        let mut thief = person.clone();
        site.visit(&mut person, home, &callback).await;
        assert_is(&site, &person, home, "alice").await;
        let again = site.visit(&mut thief, home, &callback).await;
        assert_eq!(thief.session(), None, "{home}: {again:?}");
        again.assert_shut(home);
        // And the one who was first, without the session: her flow's cookie is gone.
        person.cookies.clear();
        let again = site.visit(&mut person, home, &callback).await;
        assert_eq!(person.session(), None, "{home}: {again:?}");
    }
}

#[tokio::test]
async fn a_state_that_was_changed_is_none() {
    let site = Site::start().await;
    for home in HOMES {
        let mut person = Person::default();
        let authorize = site.begin(&mut person, home, "/").await;
        let callback = site.callback(&authorize, "alice");
        let (base, state) = callback.split_once("&state=").unwrap();
        let parts: Vec<&str> = state.split('.').collect();
        let flipped = |part: &str| {
            let other = if part.starts_with('A') { 'B' } else { 'A' };
            format!("{other}{}", &part[1..])
        };
        let before = exchanges(&site);
        for forged in [
            format!("{}.{}.{}", parts[0], flipped(parts[1]), parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], flipped(parts[2])),
            format!("{}.{}.{}", parts[0], parts[1], &parts[2][..1]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
            format!("eyJhbGciOiJub25lIn0.{}.{}", parts[1], parts[2]),
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            "A".repeat(100_000 / 2),
        ] {
            let mut browser = person.clone();
            let answer = site.visit(&mut browser, home, &format!("{base}&state={forged}")).await;
            assert_eq!(browser.session(), None, "{home} {forged:.80}: {answer:?}");
        }
        assert_eq!(exchanges(&site), before, "{home}");
        site.visit(&mut person, home, &callback).await;
        assert_is(&site, &person, home, "alice").await;
    }
}

/// A sign-in that somebody has left open is no way in a day later.
#[tokio::test]
async fn a_state_runs_out() {
    let site = Site::with(&[("OUTPOST__SIGN_IN__FLOW_TTL", "8s")], |spec| spec).await;
    let mut left_open = Vec::new();
    for home in HOMES {
        let mut person = Person::default();
        let authorize = site.begin(&mut person, home, "/").await;
        left_open.push((home, person, site.callback(&authorize, "alice")));
    }
    // What is awaited is time itself; whole seconds count.
    tokio::time::sleep(std::time::Duration::from_secs(9)).await;
    for (home, mut person, late) in left_open {
        let before = exchanges(&site);
        let answer = site.visit(&mut person, home, &late).await;
        assert_eq!(person.session(), None, "{home}: {answer:?}");
        assert_eq!(exchanges(&site), before, "{home}: the code is left alone");
        // In time, it works.
        let location = answer.header("location").unwrap().to_owned();
        site.visit(&mut person, home, &site.callback(&location, "alice")).await;
        assert_is(&site, &person, home, "alice").await;
    }
}

/// The state of one application is nothing to another.
#[tokio::test]
async fn a_callback_does_not_work_at_another_application() {
    let site = Site::start().await;
    for home in HOMES {
        for other in HOMES.into_iter().filter(|other| *other != home) {
            let mut person = Person::default();
            let callback = site.callback(&site.begin(&mut person, home, "/").await, "alice");
            let before = exchanges(&site);
            let mut there = person.clone();
            let answer = site.visit(&mut there, other, &callback).await;
            assert_eq!(there.session(), None, "{home} at {other}: {answer:?}");
            assert_eq!(exchanges(&site), before, "{home} at {other}");
            site.visit(&mut person, home, &callback).await;
            assert_is(&site, &person, home, "alice").await;
        }
    }
}

/// Session fixation: what an attacker planted before the sign-in is worth nothing after it.
#[tokio::test]
async fn a_planted_session_is_not_the_one_after_the_sign_in() {
    let site = Site::start().await;
    for home in HOMES {
        let attacker = site.person(door_of(home), "bob").await;
        let (name, bobs) = attacker.session().unwrap();
        let invented = "A".repeat(bobs.len());
        for planted in [bobs, &invented] {
            let mut victim = Person::default();
            victim.cookies.insert(name.to_owned(), planted.to_owned());
            site.sign_in(&mut victim, home, "alice").await;
            assert_ne!(victim.session().unwrap().1, planted, "{home}");
            assert_is(&site, &victim, home, "alice").await;
            let ask = Ask::get("/x").line("Cookie", format!("{name}={planted}"));
            site.knock(door_of(home), &ask).await.assert_refused(&[302, 401], home);
        }
    }
}
