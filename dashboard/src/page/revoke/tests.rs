use super::*;
use crate::page::testing::*;

fn sample() -> RevokePlan {
    RevokePlan {
        now: NOW,
        by: SearchBy::User,
        value: "alice & co".into(),
        label: "all sessions of alice & co".into(),
        count: 1234,
        sample: vec![session("alice")],
        problem: None,
    }
}

#[test]
fn a_plan_says_who_and_how_many_before_anything_is_done() {
    let html = main_of(Role::Act, &sample());
    for part in [
        "End all sessions of alice &amp; co?",
        "<strong>1,234 live sessions</strong>",
        "Nothing has been ended yet.",
        "1 of the 1,234 that would end",
        "data-key=\"key-of-alice\"",
    ] {
        assert_has(&html, part);
    }
}

#[test]
fn only_a_form_with_the_token_of_the_viewer_ends_sessions() {
    let html = main_of(Role::Act, &sample());
    for part in [
        "method=\"post\" action=\"/sessions/revoke\"",
        "name=\"by\" value=\"user\"",
        "name=\"value\" value=\"alice &amp; co\"",
        "name=\"csrf\" value=\"csrf-of-olivia\"",
        ">End 1,234 sessions</button>",
        "href=\"/sessions?by=user&amp;value=alice%20%26%20co\"",
    ] {
        assert_has(&html, part);
    }
}

#[test]
fn who_may_only_look_reads_why_there_is_no_button() {
    let html = main_of(Role::View, &sample());
    assert_has(&html, "that takes the role <strong>act</strong>");
    for part in ["<form", "<button", "csrf"] {
        assert_lacks(&html, part);
    }
}

#[test]
fn without_anything_to_end_there_is_no_button() {
    for plan in [
        RevokePlan { count: 0, sample: Vec::new(), ..sample() },
        RevokePlan { problem: Some("The store is away.".into()), ..sample() },
    ] {
        let html = main_of(Role::Act, &plan);
        assert_lacks(&html, "<form");
        assert_has(&html, "href=\"/sessions\"");
    }
}

#[test]
fn one_session_is_left_by_going_back_to_it() {
    let plan = RevokePlan { by: SearchBy::Key, value: "k/1".into(), count: 1, ..sample() };
    let html = main_of(Role::Act, &plan);
    assert_has(&html, "href=\"/sessions/k%2F1\"");
    assert_has(&html, ">End 1 session</button>");
    assert_has(&html, "The one that would end");
}

#[test]
fn texts_of_others_are_only_texts() {
    let plan = RevokePlan {
        value: HOSTILE.into(),
        label: HOSTILE.into(),
        sample: vec![hostile_session()],
        ..sample()
    };
    assert_has(&main_of(Role::Act, &plan), "&lt;img src=x");
    main_of(Role::Act, &RevokePlan { problem: Some(HOSTILE.into()), ..plan });
}
