use super::*;
use crate::page::testing::*;

fn sample() -> SessionPage {
    SessionPage { now: NOW, row: session("alice"), others: vec![session("other")] }
}

#[test]
fn a_session_shows_what_the_store_keeps_in_the_clear_and_says_what_it_does_not() {
    let html = main_of(Role::Act, &sample());
    for part in [
        "Session of alice",
        "href=\"/sessions?by=user&amp;value=alice\"",
        "href=\"/sessions?by=sid&amp;value=a%20sid\"",
        "href=\"/sessions?by=address&amp;value=192.0.2.1\"",
        "href=\"/decisions?user=alice\"",
        "Firefox/132.0",
        "<code>key-of-alice</code>",
        "Somebody signed in with a browser",
        "if unused, ",
        "Claims and tokens are sealed",
        "data-key=\"key-of-other\"",
    ] {
        assert_has(&html, part);
    }
}

#[test]
fn whoever_may_act_is_led_to_plans_and_whoever_may_look_is_not() {
    let html = main_of(Role::Act, &sample());
    for part in [
        "href=\"/sessions/revoke?by=key&amp;value=key-of-alice\"",
        "href=\"/sessions/revoke?by=user&amp;value=alice\"",
        "href=\"/sessions/revoke?by=sid&amp;value=a%20sid\"",
    ] {
        assert_has(&html, part);
    }
    assert_lacks(&html, "method=\"post\"");
    assert_lacks(&main_of(Role::View, &sample()), "revoke");
}

#[test]
fn a_session_of_a_program_has_no_session_at_authentik_and_may_be_nameless() {
    let mut page = SessionPage { others: Vec::new(), ..sample() };
    page.row.sid = None;
    page.row.user = String::new();
    page.row.client_address = None;
    page.row.origin = "header".into();
    let html = main_of(Role::Act, &page);
    for part in [
        "Session of sub-of-alice",
        "it hangs on no session at authentik",
        "An Authorization header was accepted",
        "This is the only one.",
    ] {
        assert_has(&html, part);
    }
    assert_lacks(&html, "by=user");
    assert_lacks(&html, "by=sid");
}

#[test]
fn texts_of_others_are_only_texts() {
    let page = SessionPage { now: NOW, row: hostile_session(), others: vec![hostile_session()] };
    assert_has(&main_of(Role::Act, &page), "&lt;img src=x");
}

#[test]
fn what_is_sent_while_one_looks_is_what_the_page_shows() {
    assert_changes_are_on_the_page(&sample());
    assert_eq!(sample().address().as_deref(), Some("/sessions/key-of-alice"));
}
