//! What we make of a path, against what the real nginx makes of it: thousands of paths, each read by
//! both. A path that we call plain nginx reads alike; one that nginx reads otherwise we never take for
//! public or for our own. And behind `auth_request` no anonymous request comes to the application but
//! for a path that is public as the application's own server reads it.

mod paths;
mod server;

use std::collections::BTreeMap;

use outpost_decision::endpoint::{OwnPaths, classify};
use outpost_decision::facts::Endpoint;
use outpost_decision::path::{PathView, view};
use outpost_decision::provider::Mode;
use outpost_decision::skip::{SkipOutcome, SkipRules};
use outpost_decision::target::{Authority, Scheme, Target};
use outpost_fuzz::naive;
use outpost_tests::World;

use self::paths::Paths;
use self::server::{Nginx, Read};

/// Where the public part of the application lies, to us and to nginx.
const RULE: &str = "^/public/";

#[tokio::test]
async fn a_plain_path_is_the_same_to_nginx_and_any_other_is_neither_public_nor_ours() {
    let nginx = Nginx::start(None).await;
    let targets: Vec<String> = Paths::of(1).take(12_000).collect();
    let answers = nginx.ask(&targets).await;
    let (rules, _) = SkipRules::compile(RULE);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, (target, read)) in targets.iter().zip(&answers).enumerate() {
        let path = target.split('?').next().unwrap();
        let ours = view(path);
        let public = rules.matches(Mode::Proxy, &asked(path));
        let endpoint = classify(path, None, OwnPaths::at_root(false));
        // What follows this one is another request's path.
        let is_envoy =
            matches!(endpoint, Endpoint::Auth(outpost_decision::dialect::Dialect::Envoy));
        let is_own = endpoint != Endpoint::Application && !is_envoy;
        let outcome = match (&ours, read) {
            (PathView::Plain(text), Read::At { location, uri }) => {
                assert_eq!(text.as_bytes(), uri, "{target:?} is plain, and another path to nginx");
                let is_public = matches!(public, SkipOutcome::Matched { .. });
                assert_eq!(is_public, location == "public", "{target:?} is at {location}");
                if !is_envoy {
                    assert_eq!(is_own, location == "own", "{target:?} is at {location}");
                }
                "plain"
            }
            (PathView::Plain(_), Read::Refused(status)) => {
                panic!("{target:?} is plain, and nginx refuses it with {status}")
            }
            (PathView::Ambiguous(_), read) => {
                assert!(public.line().is_none(), "{target:?} is public, and {read:?}");
                assert!(!is_own, "{target:?} is ours, and {read:?}");
                match read {
                    Read::At { uri, .. } if uri == path.as_bytes() => {
                        "ambiguous, as it is to nginx"
                    }
                    Read::At { .. } => "ambiguous, another path to nginx",
                    Read::Refused(_) => "ambiguous, refused by nginx",
                }
            }
        };
        // nginx is one of the readers that the naive model knows, which takes its time.
        if let Read::At { uri, .. } = read
            && index % 4 == 0
            && !path.contains('#')
        {
            let readings = naive::path::readings(path.as_bytes());
            assert!(
                readings.contains(uri),
                "{target:?} is {:?} to nginx",
                String::from_utf8_lossy(uri)
            );
        }
        *counts.entry(outcome).or_default() += 1;
    }
    println!("{} paths: {counts:?}", targets.len());
    for outcome in ["plain", "ambiguous, another path to nginx", "ambiguous, refused by nginx"] {
        assert!(counts.get(outcome).is_some_and(|count| *count > 300), "{outcome}: {counts:?}");
    }
}

#[tokio::test]
async fn whoever_is_not_signed_in_comes_to_public_paths_alone_as_the_application_reads_them() {
    let world = World::start().await;
    world.serve([world.forward_single()]).await;
    let nginx = Nginx::start(Some(&world)).await;
    let targets: Vec<String> = Paths::of(2).take(3000).collect();
    let answers = nginx.ask(&targets).await;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (target, read) in targets.iter().zip(&answers) {
        let outcome = match read {
            Read::At { location, uri } if location == "public" => {
                assert!(uri.starts_with(b"/public/"), "{target:?}");
                "public"
            }
            // Sent to the outpost by nginx, whatever the outpost then says to it.
            Read::At { location, .. } if location == "own" => "own",
            Read::At { .. } => panic!("{target:?} came to the application: {read:?}"),
            Read::Refused(401 | 302) => "to sign in",
            // By nginx itself, or by the outpost: nginx makes a 500 of whatever it does not know.
            Read::Refused(_) => "refused",
        };
        *counts.entry(outcome).or_default() += 1;
    }
    println!("{} requests through auth_request: {counts:?}", targets.len());
    for outcome in ["public", "own", "to sign in", "refused"] {
        assert!(counts.get(outcome).is_some_and(|count| *count > 20), "{outcome}: {counts:?}");
    }
}

fn asked(path: &str) -> Target {
    Target {
        scheme: Scheme::Http,
        authority: Authority::parse("single.test").unwrap(),
        path: path.to_owned(),
        query: None,
    }
}
