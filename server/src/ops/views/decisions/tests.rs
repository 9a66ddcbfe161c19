use std::sync::Arc;

use super::*;
use crate::ops::event::Decided;
use crate::ops::finish::tests::event;
use crate::ops::views::testing::{parts, skipped, views};
use crate::snapshot::testing;

fn sequences(decisions: &Decisions) -> Vec<u64> {
    decisions.rows.iter().map(|row| row.sequence).collect()
}

#[test]
fn the_newest_come_first_and_only_what_is_new_to_whoever_knows_the_rest() {
    let views = views();
    for _ in 0..5 {
        views.parts.journal.record(Arc::new(event()));
    }
    let all = views.decisions(&DecisionFilter::default(), None, 3);
    assert_eq!(sequences(&all), [5, 4, 3]);
    assert_eq!((all.latest, all.seen, all.dropped, all.capacity), (5, 5, 0, 64));
    let new = views.decisions(&DecisionFilter::default(), Some(4), 3);
    assert_eq!(sequences(&new), [5]);
    assert_eq!(sequences(&views.decisions(&DecisionFilter::default(), Some(5), 3)), [0; 0]);
    assert!(all.reasons.contains(&"not_signed_in".to_owned()));
}

#[test]
fn every_filter_keeps_what_it_means() {
    let views = views();
    let provider = Some(testing::provider(7, "seven", |_| ()));
    let journal = &views.parts.journal;
    journal.record(Arc::new(event()));
    journal.record(Arc::new(RequestEvent {
        provider,
        decided: skipped(1),
        user: None,
        host: "other.example.com".to_owned(),
        client: Some([198, 51, 100, 9].into()),
        ..event()
    }));
    let (decided, failure, user) = (None, Some("panic"), Some("Bob".to_owned()));
    journal.record(Arc::new(RequestEvent { decided, failure, user, status: 500, ..event() }));

    let none = DecisionFilter::default();
    let text = |text: &str| text.to_owned();
    for (filter, expected) in [
        (DecisionFilter { provider: text("7"), ..none.clone() }, vec![2]),
        (DecisionFilter { provider: text("8"), ..none.clone() }, vec![]),
        (DecisionFilter { outcome: text("allowed"), ..none.clone() }, vec![2]),
        (DecisionFilter { outcome: text("failed"), ..none.clone() }, vec![3]),
        (DecisionFilter { outcome: text("nonsense"), ..none.clone() }, vec![]),
        (DecisionFilter { reason: text("skip_path"), ..none.clone() }, vec![2]),
        (DecisionFilter { reason: text("panic"), ..none.clone() }, vec![3]),
        (DecisionFilter { user: text("ALICE"), ..none.clone() }, vec![1]),
        (DecisionFilter { user: text("bob"), ..none.clone() }, vec![3]),
        (DecisionFilter { path: text("app.example.com/page"), ..none.clone() }, vec![3, 1]),
        (DecisionFilter { path: text("other"), ..none.clone() }, vec![2]),
        (DecisionFilter { path: text("s3cr3t"), ..none.clone() }, vec![]),
        (DecisionFilter { address: text("192.0.2."), ..none.clone() }, vec![3, 1]),
        (DecisionFilter { address: text("2.7"), ..none.clone() }, vec![]),
        (DecisionFilter { user: text("alice"), outcome: text("sign_in"), ..none.clone() }, vec![1]),
        (DecisionFilter { user: text("alice"), outcome: text("denied"), ..none }, vec![]),
    ] {
        let found = views.decisions(&filter, None, 10);
        assert_eq!(sequences(&found), expected, "{filter:?}");
        assert_eq!((found.latest, &found.filter), (3, &filter));
    }
}

#[test]
fn a_decision_is_found_by_its_id_with_everything_that_is_known_of_it() {
    let views = views();
    views.parts.journal.record(Arc::new(event()));
    assert_eq!(views.decision("nobody's"), None);
    let page = views.decision("decision-1").unwrap();
    assert_eq!(views.decision("request-1").map(|page| page.row), Some(page.row.clone()));
    assert_eq!((page.row.id.as_str(), page.row.status), ("decision-1", 401));
    assert_eq!(page.replica, "here");
    assert_eq!(page.reasoning.reason, "not_signed_in_script");
    assert_eq!(page.logged[0], ("cookie".to_owned(), "******".to_owned()));
    assert!(page.configuration_changed, "the event is of generation 1, now is 0");
    let headers: Vec<_> =
        page.reasoning.headers.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    assert_eq!(
        headers,
        [
            ("X-Forwarded-For", "192.0.2.7"),
            ("X-Original-URL", "https://app.example.com/page?code=******&x=1")
        ]
    );
    let shown = serde_json::to_string(&page).unwrap();
    assert!(!shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn a_decision_leads_to_the_question_that_explains_it_again() {
    let views = views();
    let decided = |dialect| {
        let mut decided: Decided = event().decided?;
        decided.dialect = dialect;
        Some(decided)
    };
    for (number, (scheme, dialect, url, via)) in [
        (Some(Scheme::Http), None, "http://app.example.com/page?code=******&x=1", Via::Direct),
        (None, None, "https://app.example.com/page?code=******&x=1", Via::Direct),
        (
            Some(Scheme::Https),
            Some(Dialect::NginxAkprox),
            "https://app.example.com/page?code=******&x=1",
            Via::Nginx,
        ),
        (
            Some(Scheme::Http),
            Some(Dialect::Envoy),
            "http://app.example.com/page?code=******&x=1",
            Via::Envoy,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (id, decided) = (format!("d{number}"), decided(dialect));
        let decision_id = Some(id.as_str().into());
        let event = RequestEvent { scheme, decided, decision_id, ..event() };
        views.parts.journal.record(Arc::new(event));
        let again = views.decision(&id).unwrap().again;
        assert_eq!((again.url.as_str(), again.via), (url, via));
        assert_eq!((again.peer.as_str(), again.user.as_str()), ("10.0.0.1", "alice"));
    }
}

#[test]
fn what_failed_before_a_decision_is_found_too() {
    let views = views();
    for (failure, status, outcome) in
        [("panic", 500, "failed"), ("headers_too_large", 431, "denied")]
    {
        let event = RequestEvent {
            request_id: failure.into(),
            decision_id: None,
            decided: None,
            failure: Some(failure),
            status,
            ..event()
        };
        views.parts.journal.record(Arc::new(event));
        let page = views.decision(failure).unwrap();
        assert_eq!((page.row.action.as_str(), page.row.reason.as_str()), ("none", failure));
        assert_eq!(page.row.outcome.code(), outcome);
        assert!(!page.reasoning.explanation.is_empty() && !page.reasoning.remedy.is_empty());
    }
}

#[test]
fn nothing_waits_while_somebody_looks() {
    let parts = parts();
    let (journal, activity) = (Arc::clone(&parts.journal), Arc::clone(&parts.activity));
    let views = Views::new(parts);
    journal.record(Arc::new(event()));
    let (page, overview) =
        (views.decisions(&DecisionFilter::default(), None, 64), views.overview());
    // Both are held: what goes on meanwhile loses nothing.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..32 {
                    journal.record(Arc::new(event()));
                    activity.record(&event());
                }
            });
        }
    });
    assert_eq!((page.seen, journal.seen(), journal.dropped()), (1, 65, 0));
    assert_eq!(overview.traffic.columns.iter().map(|it| it.total()).sum::<u64>(), 0);
}
