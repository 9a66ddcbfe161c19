use super::*;
use crate::model::{Outcome, Reasoning, Role};
use crate::page::testing::*;

fn form_of_alice() -> ExplainForm {
    ExplainForm {
        url: "https://app.example.com/reports?a=\"b\"".into(),
        method: "POST".into(),
        headers: "Accept: application/json\nOrigin: null".into(),
        peer: "192.0.2.1".into(),
        user: "alice".into(),
        via: Via::Nginx,
    }
}

#[test]
fn before_anything_is_asked_there_are_questions_to_begin_with() {
    let html = main_of(Role::View, &ExplainPage::default());
    for part in [
        "method=\"get\" action=\"/explain\"",
        "GET if empty",
        "Questions to begin with",
        "href=\"/explain?url=https%3A%2F%2Fapp.example.com%2F&amp;via=nginx&amp;user=alice\"",
    ] {
        assert_has(&html, part);
    }
    assert_lacks(&html, "What would be decided</h2>");
}

#[test]
fn an_answer_stands_below_the_question() {
    let explained = Explained {
        reasoning: Reasoning {
            action: "begin_sign_in".into(),
            outcome: Outcome::SignIn,
            reason: "not_signed_in".into(),
            explanation: "There is no session yet.".into(),
            ..Reasoning::default()
        },
        answer: "A redirect to authentik (302).".into(),
        request: vec!["POST /reports HTTP/1.1".into(), "Host: app.example.com".into()],
    };
    let page =
        ExplainPage { now: NOW, form: form_of_alice(), problem: None, explained: Some(explained) };
    let html = main_of(Role::View, &page);
    for part in [
        "name=\"url\" value=\"https://app.example.com/reports?a=&quot;b&quot;\"",
        "name=\"method\" value=\"POST\"",
        "<option value=\"nginx\" selected>",
        ">\nAccept: application/json\nOrigin: null</textarea>",
        "Sent to authentik to sign in",
        "There is no session yet.",
        "A redirect to authentik (302).",
        "POST /reports HTTP/1.1\nHost: app.example.com</pre>",
    ] {
        assert_has(&html, part);
    }
    assert_lacks(&html, "Questions to begin with");
}

#[test]
fn a_question_that_makes_no_sense_is_kept_with_what_is_wrong_about_it() {
    let page = ExplainPage {
        form: form_of_alice(),
        problem: Some("The URL has no host.".into()),
        ..ExplainPage::default()
    };
    let html = main_of(Role::View, &page);
    assert_has(&html, "role=\"alert\"");
    assert_has(&html, "The URL has no host.");
    assert_has(&html, "name=\"peer\" value=\"192.0.2.1\"");
}

#[test]
fn texts_of_others_are_only_texts() {
    let text = || HOSTILE.to_owned();
    let form = ExplainForm {
        url: text(),
        method: text(),
        headers: text(),
        peer: text(),
        user: text(),
        via: Via::Direct,
    };
    let explained = Explained { answer: text(), request: vec![text()], ..Explained::default() };
    let page = ExplainPage { now: NOW, form, problem: Some(text()), explained: Some(explained) };
    let html = main_of(Role::Act, &page);
    assert_has(&html, "&lt;img src=x");
    assert_eq!(html.matches("</textarea>").count(), 1, "{html}");
}
