//! Many tabs, one browser.

use futures_util::future::join_all;
use outpost_tests::Browser;

use crate::sign_in::{begin, eventually, flow_cookies, session_cookie, whoami, with_app};

fn target(tab: usize) -> String {
    format!(
        "/json?tab={tab}&q=a%20b%2Fc+d&empty=&x=%C3%BC&next=http%3A%2F%2Felsewhere.test%2F%3Fa%3D1%26b"
    )
}

/// ak#17033, #12008, #10848, o2p#817: a session id that doubles as the binding of sign-ins lets
/// one tab only succeed.
#[tokio::test]
async fn twenty_tabs_begun_at_once_all_land_where_they_were_going_in_any_order() {
    let world = with_app().await;
    let orders: [fn(usize) -> usize; 3] = [|n| 19 - n, |n| (n * 7 + 3) % 20, |n| n];
    for order in orders {
        let browser = Browser::new();
        let urls: Vec<String> = (0..20).map(|tab| world.url("app.test", &target(tab))).collect();
        let begun = join_all(urls.iter().map(|url| begin(&browser, url))).await;
        assert_eq!(flow_cookies(&browser).len(), 20);
        for n in 0..20 {
            let tab = order(n);
            let callback = world.core.sign_in(&begun[tab], "alice").unwrap();
            let answer = browser.get(&callback).await;
            assert_eq!(answer.header("location"), urls[tab], "tab {tab}: {}", answer.body);
            // This tab and every tab before it are signed in.
            for seen in (0..=n).map(order) {
                let page = browser.get(&urls[seen]).await;
                assert_eq!(page.status, 200, "tab {seen} after tab {tab}");
                assert_eq!(page.json()["target"], target(seen));
            }
        }
        assert!(flow_cookies(&browser).is_empty());
    }
    eventually("one session a browser, not one a tab", async || world.sessions().await == 3).await;
}

/// ak#17033: nor does it matter that all come back in the same moment.
#[tokio::test]
async fn twenty_tabs_that_come_back_in_one_moment_all_land() {
    let world = with_app().await;
    let browser = Browser::new();
    let urls: Vec<String> = (0..20).map(|tab| world.url("app.test", &target(tab))).collect();
    let begun = join_all(urls.iter().map(|url| begin(&browser, url))).await;
    let callbacks: Vec<String> =
        begun.iter().map(|url| world.core.sign_in(url, "alice").unwrap()).collect();
    let answers = join_all(callbacks.iter().map(|callback| browser.get(callback))).await;
    for (answer, url) in answers.iter().zip(&urls) {
        assert_eq!(answer.header("location"), url, "{}", answer.body);
    }
    let pages = join_all(urls.iter().map(|url| browser.get(url))).await;
    assert!(pages.iter().all(|page| page.status == 200));
}

/// ak#24624: the back button, or a tab left open.
#[tokio::test]
async fn a_stale_callback_of_a_browser_that_is_signed_in_goes_to_its_page() {
    let world = with_app().await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json?page=7");
    let authorize = begin(&browser, &url).await;
    let callback = world.core.sign_in(&authorize, "alice").unwrap();
    assert_eq!(browser.get(&callback).await.header("location"), url);
    let session = session_cookie(&browser);
    let issued = world.core.observe(|seen| seen.tokens_issued);

    let again = browser.get(&callback).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (302, url.as_str()));
    assert_eq!(session_cookie(&browser), session, "the session is the same");
    assert_eq!(world.core.observe(|seen| seen.tokens_issued), issued, "no code is used twice");
    assert_eq!(whoami(&world, &browser).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn sign_ins_that_are_never_finished_do_not_pile_up_in_the_browser() {
    let world = with_app().await;
    let browser = Browser::new();
    for n in 0..60 {
        begin(&browser, &world.url("app.test", &target(n))).await;
    }
    assert!(flow_cookies(&browser).len() <= 33, "{}", flow_cookies(&browser).len());
    assert_eq!(world.sessions().await, 0);
    let page = browser.sign_in(&world.url("app.test", "/json?the=last"), "alice").await;
    assert_eq!(page.json()["target"], "/json?the=last");
}
