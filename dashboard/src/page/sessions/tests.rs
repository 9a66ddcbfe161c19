use super::*;
use crate::model::{ProviderRef, SessionQuery};
use crate::page::testing::*;

fn sample() -> Sessions {
    Sessions {
        now: NOW,
        rows: vec![session("alice"), session("bob")],
        total: Some(12_345),
        next: Some("a/b+c".into()),
        providers: vec![ProviderRef { pk: 7, name: "Wiki".into() }],
        ..Sessions::default()
    }
}

fn asking(by: SearchBy, value: &str) -> Sessions {
    let query = SessionQuery { by, value: value.into(), cursor: None };
    Sessions { query, ..sample() }
}

#[test]
fn each_session_tells_who_where_and_how_long() {
    let html = main_of(Role::Act, &sample());
    for part in [
        "12,345 live sessions",
        "data-key=\"key-of-alice\"",
        "href=\"/sessions/key-of-bob\"",
        "<a href=\"/providers/7\">Wiki</a>",
        ">10 min ago</time>",
        ">12 s ago</time>",
        ">in 15 min</time>",
        ">192.0.2.1</td>",
        "Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0\">Firefox 132 on Linux</span>",
        "href=\"/sessions?cursor=a%2Fb%2Bc\" rel=\"next\"",
    ] {
        assert_has(&html, part);
    }
    assert_lacks(&html, "/sessions/revoke");
}

#[test]
fn a_search_is_kept_in_the_form_in_the_pages_and_in_the_way_to_end_what_it_found() {
    let html = main_of(Role::Act, &asking(SearchBy::Address, "2001:db8::1"));
    for part in [
        "<option value=\"address\" selected>Client address</option>",
        "name=\"value\" value=\"2001:db8::1\"",
        "begun from 2001:db8::1",
        "href=\"/sessions?by=address&amp;value=2001%3Adb8%3A%3A1&amp;cursor=a%2Fb%2Bc\"",
        "href=\"/sessions/revoke?by=address&amp;value=2001%3Adb8%3A%3A1\"",
    ] {
        assert_has(&html, part);
    }
    let html = main_of(Role::Act, &asking(SearchBy::Provider, "7"));
    assert_has(&html, "<option value=\"7\" selected>Wiki</option>");
    assert_has(&html, "provider Wiki");
    assert_has(&html, "End all sessions of this provider");
    assert_has(&html, "name=\"value\" value=\"\"");
}

#[test]
fn who_may_only_look_is_offered_nothing_that_ends_sessions() {
    for by in SearchBy::ALL {
        assert_lacks(&main_of(Role::View, &asking(by, "7")), "revoke");
    }
}

#[test]
fn where_there_is_nothing_the_page_says_what_to_do() {
    let none = Sessions { rows: Vec::new(), next: None, ..sample() };
    assert_has(&main_of(Role::Act, &none), "Nobody is signed in.");
    let missed = Sessions { rows: Vec::new(), ..asking(SearchBy::User, "carol") };
    assert_has(&main_of(Role::Act, &missed), "No live session matches.");
    assert_lacks(&main_of(Role::Act, &missed), "revoke");
    let query = SessionQuery { cursor: Some("x".into()), ..SessionQuery::default() };
    let past = Sessions { query, ..none.clone() };
    assert_has(&main_of(Role::Act, &past), "Nothing comes after this.");
    let away = Sessions { problem: Some("The store is away.".into()), total: None, ..none };
    let html = main_of(Role::Act, &away);
    assert_has(&html, "role=\"alert\"");
    assert_has(&html, "The store is away.");
    assert_lacks(&html, "Nobody is signed in");
}

#[test]
fn texts_of_others_are_only_texts() {
    let query =
        SessionQuery { by: SearchBy::User, value: HOSTILE.into(), cursor: Some(HOSTILE.into()) };
    let hostile = Sessions {
        query,
        rows: vec![hostile_session()],
        next: Some(HOSTILE.into()),
        providers: vec![ProviderRef { pk: 1, name: HOSTILE.into() }],
        ..sample()
    };
    assert_has(&main_of(Role::Act, &hostile), "&lt;img src=x");
    let problem = Sessions { problem: Some(HOSTILE.into()), ..hostile };
    main_of(Role::Act, &problem);
}

#[test]
fn what_is_sent_while_one_looks_is_what_the_page_shows() {
    assert_changes_are_on_the_page(&sample());
    assert_changes_are_on_the_page(&asking(SearchBy::User, "alice"));
    assert_eq!(
        asking(SearchBy::User, "a b").address().as_deref(),
        Some("/sessions?by=user&value=a%20b")
    );
}
