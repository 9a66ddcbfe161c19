use super::*;
use crate::page::testing::{HOSTILE, assert_has, assert_lacks};

fn both() -> Entrance {
    Entrance { token: true, core: true, next: "/sessions?by=user&value=a".into(), problem: None }
}

#[test]
fn whoever_wants_in_can_give_a_token_or_go_through_authentik() {
    let html = both().render();
    for part in [
        "<!DOCTYPE html><html lang=\"en\">",
        "<title>Sign in · Outpost</title>",
        "method=\"post\" action=\"/sign-in\"",
        "<label for=\"token\">",
        "type=\"password\"",
        "name=\"token\"",
        "autocomplete=\"current-password\"",
        "name=\"next\" value=\"/sessions?by=user&amp;value=a\"",
        "href=\"/sign-in/core?next=%2Fsessions%3Fby%3Duser%26value%3Da\"",
    ] {
        assert_has(&html, part);
    }
    assert_lacks(&html, "role=\"alert\"");
    assert_lacks(&html, "<script");
}

#[test]
fn only_ways_that_are_open_are_offered() {
    assert_lacks(&Entrance { token: false, ..both() }.render(), "name=\"token\"");
    assert_lacks(&Entrance { core: false, ..both() }.render(), "/sign-in/core");
    let closed = Entrance { token: false, core: false, ..both() }.render();
    assert_has(&closed, "Nobody can sign in yet");
}

#[test]
fn a_refusal_is_said_at_the_field() {
    let html = Entrance { problem: Some("This is not the token.".into()), ..both() }.render();
    for part in [
        "id=\"problem\" role=\"alert\"",
        "This is not the token.",
        "aria-describedby=\"problem token-hint\"",
        "aria-invalid=\"true\"",
    ] {
        assert_has(&html, part);
    }
}

#[test]
fn a_message_says_what_why_and_what_to_do() {
    let message = Message {
        title: "No such decision".into(),
        text: "The journal does not have it any more.".into(),
        remedy: "Look at the log.".into(),
    };
    let html = message.render();
    for part in [
        "<title>No such decision · Outpost</title>",
        "<h1 class=\"wrap\">No such decision</h1>",
        "The journal does not have it any more.",
        "Look at the log.",
        "href=\"/\"",
    ] {
        assert_has(&html, part);
    }
}

#[test]
fn texts_of_others_are_only_texts() {
    let text = || HOSTILE.to_owned();
    let entrance = Entrance { next: text(), problem: Some(text()), ..both() };
    let message = Message { title: text(), text: text(), remedy: text() };
    for html in [entrance.render(), message.render()] {
        assert_lacks(&html, "<img");
        assert_lacks(&html, "</script>");
        assert_lacks(&html, " style=");
    }
}
