//! Every page works without any script: links lead somewhere, and forms do what they say.

use std::collections::{BTreeSet, VecDeque};

use outpost_tests::{Answer, Browser};

use crate::dashboard_browser::site::{Site, TOKEN};

/// Values of an attribute in a page, as a browser reads them.
fn values(page: &str, attribute: &str) -> Vec<String> {
    let opening = format!(" {attribute}=\"");
    let parts = page.split(&opening).skip(1).filter_map(|rest| rest.split_once('"'));
    parts.map(|(value, _)| value.replace("&amp;", "&").replace("&quot;", "\"")).collect()
}

/// Fields of the form that is sent to `action`, with the values that stand in them.
fn fields(page: &str, action: &str) -> Vec<(String, String)> {
    let (_, rest) = page.split_once(&format!("action=\"{action}\"")).expect("a form");
    let (form, _) = rest.split_once("</form>").unwrap();
    let inputs = form.split("<input").skip(1).map(|rest| rest.split_once('>').unwrap().0);
    let value = |tag: &str, name: &str| values(tag, name).pop().unwrap_or_default();
    inputs.map(|tag| (value(tag, "name"), value(tag, "value"))).collect()
}

/// Sends such a form with some values changed.
async fn send(client: &Browser, page: &Answer, action: &str, changed: &[(&str, &str)]) -> Answer {
    let mut fields = fields(&page.body, action);
    for (name, value) in changed {
        fields.iter_mut().find(|field| field.0 == *name).expect("a field").1 = (*value).to_owned();
    }
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let url = page.url.join(action).unwrap();
    // As a browser says whose form it is.
    let origin = page.url.origin().ascii_serialization();
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
    ];
    client.send(reqwest::Method::POST, url.as_str(), &headers, Some(body)).await
}

#[tokio::test]
async fn every_link_of_every_page_leads_somewhere() {
    let site = Site::start().await;
    site.visitor("alice").await;
    site.stranger().await;
    let client = Browser::new();
    let mut found = BTreeSet::from(["/".to_owned()]);
    let mut todo = VecDeque::from(["/".to_owned()]);
    while let Some(path) = todo.pop_front() {
        let answer = client.get(&site.page(&path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        for part in [" style=", " onclick=", "javascript:"] {
            assert!(!answer.body.contains(part), "{part} in {path}");
        }
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        let links = values(&answer.body, "href").into_iter().chain(values(&answer.body, "src"));
        for link in links.filter(|link| link.starts_with('/')) {
            if found.insert(link.clone()) {
                todo.push_back(link);
            }
        }
        assert!(found.len() < 200, "{found:#?}");
    }
    for path in ["/providers", "/sessions", "/decisions", "/explain", "/doctor"] {
        assert!(found.contains(path), "{found:#?}");
    }
    for beginning in ["/providers/", "/sessions/", "/sessions/revoke?", "/decisions/", "/explain?"]
    {
        assert!(found.iter().any(|link| link.starts_with(beginning)), "{beginning}: {found:#?}");
    }
}

#[tokio::test]
async fn an_operator_signs_in_finds_ends_and_signs_out_by_forms_alone() {
    let site = Site::locked().await;
    let alice = site.visitor("alice").await;
    let client = Browser::new();

    let entrance = client.follow(&site.page("/sessions?by=user&value=alice")).await;
    let answer = send(&client, &entrance, "/sign-in", &[("token", TOKEN)]).await;
    let page = client.follow(&answer.redirect().expect("signed in")).await;
    assert_eq!(page.url.query(), Some("by=user&value=alice"), "where it was to go");
    let plan = values(&page.body, "href").into_iter().find(|link| link.contains("revoke"));
    let plan = client.get(page.url.join(&plan.unwrap()).unwrap().as_str()).await;
    assert!(plan.body.contains("1 live session"), "{}", plan.body);
    assert_eq!(alice.get(&site.app("/json")).await.status, 200, "a plan ends nothing");

    let forged = send(&client, &plan, "/sessions/revoke", &[("csrf", "another")]).await;
    assert_eq!(forged.status, 403, "{}", forged.body);
    assert_eq!(alice.get(&site.app("/json")).await.status, 200, "a forged form ends nothing");

    let done = send(&client, &plan, "/sessions/revoke", &[]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let page = client.follow(&done.redirect().unwrap()).await;
    assert!(page.body.contains("class=\"done\""), "{}", page.body);
    assert_eq!(alice.get(&site.app("/json")).await.status, 302, "signed out");

    let out = send(&client, &page, "/sign-out", &[]).await;
    assert_eq!(out.status, 303, "{}", out.body);
    let after = client.get(&site.page("/sessions")).await;
    assert!(after.redirect().expect("signed out").contains("/sign-in"), "{after:?}");
}

#[tokio::test]
async fn forms_that_ask_are_addresses() {
    let site = Site::start().await;
    let alice = site.visitor("alice").await;
    alice.get(&site.app("/deep/page?q=1")).await;
    site.stranger().await;
    let client = Browser::new();
    for (address, has, lacks) in [
        ("/sessions?by=user&value=alice", "user alice", "No live session matches"),
        ("/sessions?by=user&value=bob", "No live session matches", "/sessions/revoke"),
        ("/decisions?user=alice&path=%2Fdeep", "/deep/page?q=1", "nowhere.localhost"),
        ("/decisions?outcome=denied", "nowhere.localhost", "/deep/page"),
        ("/decisions?reason=no_provider&address=127.", "nowhere.localhost", "/deep/page"),
        (
            "/explain?url=http%3A%2F%2Fnowhere.localhost%2F",
            "no_provider",
            "Questions to begin with",
        ),
    ] {
        let page = client.get(&site.page(address)).await;
        assert_eq!(page.status, 200, "{address}");
        assert!(page.body.contains(has), "{address}: {has}: {}", page.body);
        assert!(!page.body.contains(lacks), "{address}: {lacks}: {}", page.body);
    }
}
