use std::sync::Arc;

use outpost_decision::finding::{Finding, Severity};
use outpost_decision::ruleset::Ruleset;
use outpost_decision::skip::SkipRules;
use outpost_render::Target;

use super::*;
use crate::ops::event::RequestEvent;
use crate::ops::finish::tests::event;
use crate::ops::views::testing::{parts, state};
use crate::publish::published;
use crate::snapshot::testing;
use crate::snapshot::{ProviderFinding, Snapshot};
use crate::status::ProviderStates;

/// Views of an outpost with these providers in effect.
fn views(providers: Vec<Arc<Provider>>) -> Views {
    let mut parts = parts();
    let states: ProviderStates =
        providers.iter().map(|it| (it.pk, published(state(it)).1)).collect();
    let (ruleset, _) = Ruleset::build(providers);
    parts.metrics.configure("0f0e", &Snapshot { generation: 1, ..Snapshot::default() });
    parts.activity.configure(ruleset.providers());
    parts.providers = published(states).1;
    parts.snapshot = published(Snapshot { generation: 1, ruleset, ..Snapshot::default() }).1;
    Views::new(parts)
}

fn skipping(skip: &str) -> impl FnOnce(&mut Provider) {
    move |it| it.skip = SkipRules::compile(skip).0
}

#[test]
fn a_row_tells_what_happened_lately() {
    let one = testing::provider(1, "one", |it| it.application_slug = "slug".to_owned());
    let views = views(vec![Arc::clone(&one), testing::provider(2, "two", |_| ())]);
    let at = clock::now();
    for status in [200, 200, 502] {
        let failure = (status == 502).then_some("upstream_unreachable");
        let provider = Some(Arc::clone(&one));
        views.parts.activity.record(&RequestEvent { at, status, failure, provider, ..event() });
    }
    let rows = views.providers().rows;
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let row = &rows[0];
    assert_eq!((row.requests, row.errors), (3, 1));
    assert!(row.requests_per_second > 0.0);
    assert!((row.speed.unwrap().p99 - 1.0).abs() < 0.05, "{:?}", row.speed);
    assert_eq!(
        (row.application_slug.as_str(), &row.hosts[..]),
        ("slug", &["one.test".to_owned()][..])
    );
    assert_eq!((rows[1].requests, rows[1].speed), (0, None));

    let overview = views.overview();
    let slowest: Vec<_> = overview.slowest.iter().map(|row| row.pk).collect();
    assert_eq!((slowest, overview.providers), (vec![1], 2), "two has not been asked at all");
    assert_eq!(requests(&overview.traffic), 3);
}

#[test]
fn a_domain_stands_among_the_hosts_of_its_provider() {
    let domain = |it: &mut Provider| {
        it.mode = Mode::ForwardDomain;
        it.cookie_domain = Some("example.com".to_owned());
    };
    let views = views(vec![testing::provider(1, "auth", domain)]);
    assert_eq!(views.providers().rows[0].hosts, ["auth.test", "example.com", "*.example.com"]);
}

#[test]
fn no_secret_stands_in_a_compiled_configuration_not_even_its_length() {
    let secrets = |length: usize| {
        testing::provider(1, "one", |it| {
            it.client_secret = "s3cr3t".repeat(length).into();
            it.cookie_secret = "s3cr3t".repeat(length).into();
            it.internal = url::Url::parse("http://user:s3cr3t@upstream.test/?token=s3cr3t").ok();
        })
    };
    let page = |length| {
        let page = views(vec![secrets(length)]).provider(1, None).unwrap();
        serde_json::to_string(&page.configuration).unwrap()
    };
    let (short, long) = (page(1), page(40));
    assert!(!short.contains("s3cr3t"), "{short}");
    assert_eq!(short, long);
    assert!(short.contains(r#"{"name":"Client secret","value":"******"}"#), "{short}");
    assert!(short.contains("http://******@upstream.test/?token=******"), "{short}");
}

#[test]
fn configuration_stands_there_for_each_reverse_proxy_and_only_where_it_is_read() {
    let one = testing::provider(1, "one", |it| {
        it.mode = Mode::ForwardSingle;
        it.client_secret = "s3cr3t".to_owned().into();
    });
    let mut of_two = state(&testing::provider(2, "two", |_| ()));
    of_two.provider = None;
    let mut parts = parts();
    let states = [(1, published(state(&one)).1), (2, published(of_two).1)];
    parts.providers = published(states.into_iter().collect()).1;
    parts.site.outpost = url::Url::parse("http://edge.internal:9123").unwrap();
    let views = Views::new(parts);
    let snippets = views.provider(1, None).unwrap().snippets;
    let targets: Vec<&str> = snippets.iter().map(|snippet| snippet.target.as_str()).collect();
    let expected: Vec<&str> = Target::ALL
        .into_iter()
        .filter(|target| target.is_for_applications())
        .map(Target::code)
        .collect();
    assert_eq!(targets, expected);
    let nginx = snippets.iter().find(|snippet| snippet.target == "nginx").unwrap();
    assert_eq!(nginx.problem, None);
    let text = &nginx.files[0].text;
    assert!(text.contains("one.test") && text.contains("edge.internal:9123"), "{text}");
    assert!(!serde_json::to_string(&snippets).unwrap().contains("s3cr3t"));
    assert!(views.provider(2, None).unwrap().snippets.is_empty(), "nothing of it is in effect");
    assert!(views.provider_now(1, None).unwrap().snippets.is_empty(), "the feed goes without");
}

#[test]
fn rules_stand_in_their_order_with_their_matches_and_what_is_odd_about_them() {
    let one = testing::provider(1, "one", skipping("^/public\n(\n\n/anywhere"));
    let views = views(vec![Arc::clone(&one)]);
    let decided = crate::ops::views::testing::skipped(4);
    let provider = Some(Arc::clone(&one));
    views.parts.activity.record(&RequestEvent { provider, decided, ..event() });
    let page = views.provider(1, None).unwrap();
    let shown: Vec<_> = page
        .skip_rules
        .iter()
        .map(|rule| (rule.line, rule.source.as_str(), rule.matches, rule.problem.is_some()))
        .collect();
    assert_eq!(shown, [(1, "^/public", 0, false), (2, "(", 0, true), (4, "/anywhere", 1, true)]);
    assert_eq!(page.tried, None);
}

#[test]
fn a_path_that_is_tried_comes_to_what_it_would_come_to() {
    let one = testing::provider(1, "one", skipping("^/public\npub\n^/outpost"));
    let views = views(vec![one, testing::provider(2, "two", |_| ())]);
    let tried = |input: &str| views.provider(1, Some(input)).unwrap().tried.unwrap();
    for (input, text, lines) in [
        ("/public/a%20b?x=1", "/public/a b", &[1, 2][..]),
        ("/other#/public", "/other", &[]),
        ("https://one.test/public", "/public", &[1, 2]),
        ("https://one.test", "/", &[]),
        (" /public ", "/public", &[1, 2]),
    ] {
        let tried = tried(input);
        let came_to = (tried.text.as_str(), &tried.lines[..], tried.refused.as_deref());
        assert_eq!(came_to, (text, lines, None), "{input}");
    }
    for (input, why) in [
        ("public", "Neither a path"),
        ("/a b", "Neither a path"),
        ("ftp://one.test/", "Neither a path"),
        ("https://two.test/public", "The provider two serves this."),
        ("https://three.test/public", "No app for hostname"),
        ("/public/../x", "several ways"),
        ("/outpost.goauthentik.io/start", "the outpost's own"),
    ] {
        let tried = tried(input);
        let refused = tried.refused.unwrap_or_default();
        assert!(refused.contains(why) && tried.lines.is_empty(), "{input}: {refused}");
    }
    assert_eq!(views.provider(1, Some("")).unwrap().tried, None);
    assert!(!tried("/x?token=s3cr3t").input.contains("s3cr3t"));
}

#[test]
fn decisions_are_counted_by_reason_most_often_first() {
    let one = testing::provider(1, "one", |_| ());
    let views = views(vec![Arc::clone(&one)]);
    let snapshot = Snapshot {
        generation: 1,
        ruleset: Ruleset::build(vec![Arc::clone(&one)]).0,
        ..Snapshot::default()
    };
    views.parts.metrics.configure("0f0e", &snapshot);
    let provider = Some(Arc::clone(&one));
    let challenged = RequestEvent { provider, ..event() };
    let skipped =
        RequestEvent { decided: crate::ops::views::testing::skipped(1), ..challenged.clone() };
    for event in [&skipped, &challenged, &challenged] {
        views.parts.metrics.record(event);
    }
    // Of nobody's, which is no provider's.
    views.parts.metrics.record(&event());
    let page = views.provider(1, None).unwrap();
    let counts: Vec<_> = page
        .decisions
        .iter()
        .map(|it| (it.reason.as_str(), it.action.as_str(), it.outcome.code(), it.count))
        .collect();
    assert_eq!(
        counts,
        [("not_signed_in_script", "challenge", "sign_in", 2), ("skip_path", "skip", "allowed", 1)]
    );
}

#[test]
fn findings_come_once_and_the_worst_first() {
    let finding = |severity, code| Finding::new(severity, code, format!("about {code}"), "");
    let mut parts = parts();
    let one = testing::provider(1, "one", |_| ());
    let mut of_one = state(&one);
    of_one.findings =
        vec![finding(Severity::Info, "both"), finding(Severity::Error, "not_up_to_date")];
    parts.providers = published([(1, published(of_one).1)].into_iter().collect()).1;
    let found = |provider, finding| ProviderFinding { provider, finding };
    parts.snapshot = published(Snapshot {
        generation: 1,
        findings: vec![
            found(Some((1, "one".to_owned())), finding(Severity::Info, "both")),
            found(None, finding(Severity::Warning, "of the outpost")),
        ],
        ..Snapshot::default()
    })
    .1;
    let views = Views::new(parts);
    let codes =
        |notices: &[Notice]| notices.iter().map(|notice| notice.code.clone()).collect::<Vec<_>>();
    let overview = views.overview();
    assert_eq!(codes(&overview.findings), ["not_up_to_date", "of the outpost", "both"]);
    let row = &views.providers().rows[0];
    assert_eq!(codes(&row.findings), ["not_up_to_date", "both"]);
}
