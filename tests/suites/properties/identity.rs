//! The identity headers at the application are those of the session, whatever the client sends.

use std::sync::atomic::{AtomicUsize, Ordering};

use outpost_decision::headers::IDENTITY_NAMES;
use outpost_demo::core::ProviderSpec;
use outpost_tests::{Capture, World};
use proptest::prelude::*;

use super::{Wrong, for_all, kept, one_of};
use crate::ask::{self, DIALECTS};
use crate::proxy_mode::support::{browser_of, cookies, raw};

/// A header line of a client: a name that an application may take for one of ours, or one that makes
/// others go away.
fn line() -> impl Strategy<Value = String> {
    let name = proptest::sample::select(&IDENTITY_NAMES[..]).prop_map(str::to_owned);
    let others =
        one_of(&["X-authentik-future", "X-Authentik-", "Authorization", "X-Forwarded-User"]);
    let name = prop_oneof![6 => name, 1 => others];
    let spelled = (name, any::<u64>(), prop_oneof![Just('-'), Just('_'), Just('.'), Just('~')])
        .prop_map(|(name, upper, dash)| spelled(&name, upper, dash));
    let value = prop_oneof![
        Just("mallory".to_owned()),
        Just(String::new()),
        Just("admins|staff".to_owned()),
        "[ -~]{0,20}",
    ];
    let hop = spelled.clone().prop_map(|name| format!("Connection: close, {name}\r\n"));
    prop_oneof![
        8 => (spelled, value).prop_map(|(name, value)| format!("{name}: {value}\r\n")),
        2 => hop,
    ]
}

/// Letters in upper case where `upper` has a bit, hyphens as `dash` or as they are.
fn spelled(name: &str, upper: u64, dash: char) -> String {
    let letters = name.chars().enumerate().map(|(at, letter)| {
        let bit = upper >> (at % 64) & 1 == 1;
        match letter {
            '-' if bit => dash,
            letter if bit => letter.to_ascii_uppercase(),
            letter => letter.to_ascii_lowercase(),
        }
    });
    letters.collect()
}

/// Name and value of every header that any application may take for one of ours.
fn identity(head: &str) -> Vec<(String, String)> {
    let lines = head.lines().skip(1).take_while(|line| !line.is_empty());
    let mut found: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| {
            let name = name.to_lowercase().replace(['_', '.', '~', ' '], "-");
            (name, value.trim().to_owned())
        })
        .filter(|(name, _)| name.starts_with("x-authentik") || name == "authorization")
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_hears_who_is_signed_in_and_nothing_else_whatever_a_client_says() {
    let world = World::start().await;
    let capture = Capture::start().await;
    world.serve([ProviderSpec { internal_host: capture.url(), ..world.proxy() }]).await;
    let browser = browser_of(&world, "bob").await;
    let cookie = format!("Cookie: {}\r\n", cookies(&world, &browser));
    capture.take();
    let heard = async |path: &str, lines: &str| {
        let port = world.port();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: app.test:{port}\r\n{lines}X-Last: 1\r\n\r\n");
        // Whoever says `Connection` keeps it open otherwise.
        let request = request.replacen("X-Last: 1", "Connection: close", 1);
        let answer = raw(world.http(), request.as_bytes()).await;
        (answer, capture.take())
    };
    let (answer, told) = heard("/page", &cookie).await;
    let [told] = told.as_slice() else { panic!("{answer}") };
    let who = identity(told);
    assert!(who.contains(&("x-authentik-username".to_owned(), "bob".to_owned())), "{who:?}");
    let (answer, told) = heard("/public/x", "").await;
    let [told] = told.as_slice() else { panic!("{answer}") };
    let nobody = identity(told);
    assert!(nobody.iter().all(|(_, value)| value.is_empty()), "{nobody:?}");

    let passed = AtomicUsize::new(0);
    let cases = (proptest::collection::vec(line(), 0..12), 0..3_u8);
    for_all(kept!("identity_at_the_application"), 150, cases, async |(lines, way)| {
        // `Authorization` is a way to sign in, and the application's own where it is public.
        let is_own = |line: &&String| !line.to_ascii_lowercase().starts_with("authorization");
        let lines: Vec<_> = lines.iter().filter(is_own).cloned().collect();
        let mut lines = lines.concat();
        let (path, expected) = match way {
            0 => ("/page", &who),
            1 => ("/public/x", &who),
            _ => ("/public/x", &nobody),
        };
        if way < 2 {
            lines += &cookie;
        }
        let (answer, told) = heard(path, &lines).await;
        match told.as_slice() {
            // A request that contradicts itself may be refused.
            [] if answer.starts_with("HTTP/1.1 4") => Ok(()),
            [told] if expected_of(way, told, expected, &nobody) => {
                passed.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            told => Err(format!("{lines}\nwas told as {told:?}\nanswer: {answer}")),
        }
    })
    .await;
    assert!(passed.into_inner() > 20, "nearly everything was refused");
}

/// On a public path somebody who is signed in may be told or not, as the outpost sees fit.
fn expected_of(
    way: u8,
    told: &str,
    expected: &[(String, String)],
    nobody: &[(String, String)],
) -> bool {
    let found = identity(told);
    found == expected || (way == 1 && found == nobody)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_hears_who_is_signed_in_and_nothing_else_in_every_dialect() {
    let world = ask::world().await;
    let cookie = ask::cookie(&world, "single.test", "bob").await;
    let port = world.port();
    let asked = async |dialect: &str, path: &str, lines: &str| {
        let url = format!("http://single.test:{port}{path}");
        let mut head = ask::head(dialect, &url, &[]);
        head.extend(lines.as_bytes());
        ask::raw(world.http(), &head).await
    };
    let said = |verdict: &ask::Verdict| -> Vec<(String, Vec<String>)> {
        let owned = |name: &str| verdict.all(name).into_iter().map(str::to_owned).collect();
        IDENTITY_NAMES.iter().map(|name| ((*name).to_owned(), owned(name))).collect()
    };
    let signed_in = format!("Cookie: {cookie}\r\n");
    let who = said(&asked("traefik", "/page", &signed_in).await);
    let nobody = said(&asked("traefik", "/public/x", "").await);
    assert!(who.iter().any(|(_, values)| values == &["bob"]), "{who:?}");
    assert!(nobody.iter().all(|(_, values)| values.iter().all(String::is_empty)), "{nobody:?}");

    let passed = AtomicUsize::new(0);
    let lines = proptest::collection::vec(line(), 0..12);
    let cases = (lines, 0..DIALECTS.len(), any::<bool>());
    for_all(kept!("identity_to_proxies"), 150, cases, async |(lines, dialect, is_signed_in)| {
        let is_own = |line: &&String| !line.to_ascii_lowercase().starts_with("authorization");
        let mut lines = lines.iter().filter(is_own).cloned().collect::<Vec<_>>().concat();
        let (path, expected) = match is_signed_in {
            true => ("/page", &who),
            false => ("/public/x", &nobody),
        };
        if is_signed_in {
            lines += &signed_in;
        }
        let verdict = asked(DIALECTS[dialect], path, &lines).await;
        match verdict.status {
            200 if said(&verdict) == *expected => {
                passed.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            401 if is_signed_in => Err(format!("sent to sign in: {lines}\n{verdict:?}")),
            400..500 => Ok(()),
            _ => Err(format!("{}: {lines}\n{verdict:?}", DIALECTS[dialect])) as Result<(), Wrong>,
        }
    })
    .await;
    assert!(passed.into_inner() > 20, "nearly everything was refused");
}
