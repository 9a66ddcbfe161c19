use super::*;

fn read(text: &str) -> Option<Asked> {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    Asked::read(path, query)
}

fn clear<T>(question: T) -> Understood<T> {
    Understood { question, problem: None }
}

#[test]
fn every_page_has_one_address() {
    let key = "ab".repeat(32);
    let query = |by, value: &str, cursor: Option<&str>| {
        Asked::Sessions(clear(SessionQuery {
            by,
            value: value.into(),
            cursor: cursor.map(ToOwned::to_owned),
        }))
    };
    for (text, expected) in [
        ("/", Asked::Overview),
        ("/?utm=x", Asked::Overview),
        ("/providers", Asked::Providers),
        ("/providers/12", Asked::Provider { pk: 12, tried: None }),
        ("/providers/12?try=%2Fa%3Fb", Asked::Provider { pk: 12, tried: Some("/a?b".into()) }),
        ("/providers/12?try=", Asked::Provider { pk: 12, tried: None }),
        ("/sessions", query(SearchBy::User, "", None)),
        ("/sessions?by=sid&value=+x+&cursor=c", query(SearchBy::Sid, "x", Some("c"))),
        ("/sessions?value=a&value=b", query(SearchBy::User, "a", None)),
        (&format!("/sessions/{key}"), Asked::Session(SessionKey([0xab; 32]))),
        (
            "/sessions/revoke?by=provider&value=3",
            Asked::Revoke(clear(Named { by: SearchBy::Provider, value: "3".into() })),
        ),
        (
            "/decisions?user=alice&outcome=nonsense",
            Asked::Decisions(DecisionFilter {
                user: "alice".into(),
                outcome: "nonsense".into(),
                ..DecisionFilter::default()
            }),
        ),
        ("/decisions/0a-B_9", Asked::Decision("0a-B_9".into())),
        (
            "/explain?url=http%3A%2F%2Fa%2F&headers=a%3A+b%0D%0A&via=caddy",
            Asked::Explain(clear(ExplainForm {
                url: "http://a/".into(),
                headers: "a: b\r\n".into(),
                via: Via::Caddy,
                ..ExplainForm::default()
            })),
        ),
        ("/doctor", Asked::Doctor),
    ] {
        assert_eq!(read(text), Some(expected), "{text}");
    }
}

#[test]
fn what_is_no_page_is_none() {
    let long = format!("/decisions/{}", "a".repeat(65));
    for text in [
        "",
        "//",
        "/index.html",
        "/providers/",
        "/providers/x",
        "/providers/+1",
        "/providers/01",
        "/providers/1/2",
        "/providers/9999999999999999999999",
        "/sessions/",
        "/sessions/abc",
        "/sessions/revoke/x",
        "/decisions/",
        "/decisions/a%2Fb",
        "/decisions/..",
        &long,
        "/Doctor",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_said_on_the_page() {
    for text in [
        "/sessions?by=colour&value=x",
        "/sessions/revoke?by=colour&value=x",
        "/sessions/revoke",
        "/sessions/revoke?by=user&value=+",
        "/explain?via=pigeon",
    ] {
        let problem = match read(text) {
            Some(Asked::Sessions(Understood { problem, .. })) => problem,
            Some(Asked::Revoke(Understood { problem, .. })) => problem,
            Some(Asked::Explain(Understood { problem, .. })) => problem,
            other => panic!("{text}: {other:?}"),
        };
        let problem = problem.unwrap_or_else(|| panic!("{text}"));
        assert!(problem.ends_with('.'), "{text}: {problem}");
    }
    let long = format!("/sessions?by={}", "x".repeat(5000));
    let Some(Asked::Sessions(Understood { problem: Some(problem), .. })) = read(&long) else {
        panic!("a problem")
    };
    assert!(problem.len() < 200, "{problem}");
}

#[test]
fn a_feed_is_there_for_pages_that_change() {
    for (page, is_live) in [
        ("/", true),
        ("/providers", true),
        ("/providers/7", true),
        ("/sessions?by=user&value=a", true),
        ("/decisions?outcome=denied", true),
        ("/doctor", true),
        ("/decisions/abc", false),
        ("/explain?url=x", false),
        ("/sessions/revoke?by=user&value=a", false),
    ] {
        assert_eq!(read(page).unwrap().is_live(), is_live, "{page}");
    }
}

#[test]
fn only_who_may_act_sees_what_would_be_done() {
    assert_eq!(read("/sessions/revoke?by=user&value=a").unwrap().role(), Role::Act);
    for text in ["/", "/sessions", "/decisions", "/doctor"] {
        assert_eq!(read(text).unwrap().role(), Role::View, "{text}");
    }
}
