//! Refreshing while people work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use outpost_demo::core::{CoreOptions, Endpoint, Fault, ProviderSpec, UserSpec};
use outpost_tests::{Browser, World};
use serde_json::json;

/// ak#10741, and contract 3: however often the configuration changes around them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refreshing_a_thousand_providers_under_load_fails_no_request_and_signs_nobody_out() {
    let world = World::start().await;
    for n in 0..999 {
        let spec =
            ProviderSpec::forward_single(&format!("other{n:03}"), &format!("http://o{n}.test"));
        world.core.put_provider(spec).expect("a provider");
    }
    world.serve([world.proxy()]).await;
    assert_eq!(world.outpost.published.snapshot.load().ruleset.providers().len(), 1000);
    let url = world.url("app.test", "/json");
    let browser = Browser::new();
    assert_eq!(browser.sign_in(&url, "alice").await.status, 200);

    let (over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (over, served) = (Arc::clone(&over), Arc::clone(&served));
            let (browser, url) = (browser.clone(), url.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let answer = browser.get(&url).await;
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..2 {
        for n in 0..50 {
            let name = format!("other{:03}", round * 50 + n);
            world.core.edit_provider(&name, |spec| spec.skip_path_regex = format!("^/v{round}"));
        }
        world.refreshed().await;
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("no request failed");
    }
    assert!(served.load(Ordering::Relaxed) > 8);
    assert!(world.outpost.published.snapshot.load().generation >= 3);
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn a_provider_edited_to_nonsense_goes_on_as_it_was_and_shows_why() {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single()]).await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json");
    assert_eq!(browser.sign_in(&url, "alice").await.status, 200);
    world.core.edit_provider("app", |spec| spec.external_host = "no url at all".into());
    world.refreshed().await;
    assert_eq!(browser.get(&url).await.status, 200, "the last good version stays");
    let snapshot = world.outpost.published.snapshot.load_full();
    let about: Vec<&str> = snapshot
        .findings
        .iter()
        .filter_map(|found| found.provider.as_ref())
        .map(|(_, name)| name.as_str())
        .collect();
    assert!(about.contains(&"app"), "{:#?}", snapshot.findings);
    let page = browser.get(&format!("http://{}/", world.outpost.addresses.dashboard[0])).await;
    assert!(page.body.contains("no url at all"), "{}", page.body);
    let single = browser.get(&world.url("single.test", "/outpost.goauthentik.io/start")).await;
    assert_eq!(single.status, 302);
}

#[tokio::test]
async fn a_burst_of_triggers_is_one_refresh() {
    let quick =
        [("OUTPOST__CORE__REFRESH_JITTER", "200ms"), ("OUTPOST__CORE__HELLO_INTERVAL", "200ms")];
    let world = World::with(CoreOptions::default(), &quick).await;
    world.serve([world.proxy()]).await;
    let link = &world.outpost.published.link;
    link.wait_for(|link| link.is_up()).await.expect("a link");
    // What the connection itself brings about is over once two hellos have been answered since.
    let settled = async || {
        let hellos = link.load().counters.hellos;
        link.wait_for(|link| link.counters.hellos >= hellos + 3).await.expect("hellos");
    };
    settled().await;
    let status = &world.outpost.published.status;
    let before = status.load().refreshes;
    world.core.trigger();
    world.core.trigger();
    world.core.trigger();
    link.wait_for(|link| link.counters.triggers >= 3).await.expect("triggers");
    status.wait_for(|status| status.refreshes > before).await.expect("a refresh");
    settled().await;
    assert_eq!(status.load().refreshes, before + 1);
}

#[tokio::test]
async fn a_removed_provider_is_routed_no_more_and_a_glitch_removes_none() {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single(), world.forward_domain()]).await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json");
    assert_eq!(browser.sign_in(&url, "alice").await.status, 200);

    let empty = json!({"pagination": {"next": 0, "count": 0}, "results": []});
    world.core.set_fault_times(Endpoint::Providers, Fault::json(200, &empty), 1);
    let status = &world.outpost.published.status;
    let before = status.load().refreshes;
    world.outpost.refresh();
    status.wait_for(|status| status.refreshes > before).await.expect("a refresh");
    assert_eq!(browser.get(&url).await.status, 200, "one empty list is a glitch");
    world.refreshed().await;
    assert_eq!(browser.get(&url).await.status, 200);
    assert_eq!(world.sessions().await, 1);

    assert!(world.core.remove_provider("single"));
    world.refreshed().await;
    let gone = browser.get(&world.url("single.test", "/outpost.goauthentik.io/start")).await;
    assert_eq!(gone.status, 400, "{}", gone.body);
    assert_eq!(browser.get(&url).await.status, 200);
}

/// C17: what one provider makes others carry is bounded.
#[tokio::test]
async fn absurd_skip_lists_harm_their_own_provider_alone() {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single()]).await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json");
    assert_eq!(browser.sign_in(&url, "alice").await.status, 200);
    let ten_megabytes = "^/some/public/path$\n".repeat(500_000);
    for absurd in ["(((a+)+)+)+$", "(a{1,1000}){1,1000}", &"(".repeat(100_000), &ten_megabytes] {
        world.core.edit_provider("single", |spec| spec.skip_path_regex = absurd.to_owned());
        world.refreshed().await;
        assert_eq!(browser.get(&url).await.status, 200, "{absurd:.30}");
        let path = format!("/{}!", "a".repeat(2000));
        let host = format!("single.test:{}", world.port());
        let forwarded = [
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", host.as_str()),
            ("x-forwarded-uri", path.as_str()),
        ];
        let asked = world.url("single.test", "/outpost.goauthentik.io/auth/traefik");
        let answer = browser.send(reqwest::Method::GET, &asked, &forwarded, None).await;
        assert_eq!(answer.status, 302, "{absurd:.30}: {}", answer.body);
    }
}

/// C17: somebody with ten thousand groups or a claim of a megabyte cannot sign in, is told why, and
/// nobody else notices.
#[tokio::test]
async fn an_identity_beyond_all_measure_is_refused_and_harms_nobody_else() {
    let world = World::start().await;
    let groups: Vec<String> = (0..10_000).map(|n| format!("group-{n:05}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    world.core.put_user(UserSpec::new("many", "many-password").groups(&groups));
    let endless = json!({ "endless": "x".repeat(1 << 20) });
    world.core.put_user(UserSpec::new("huge", "huge-password").attributes(endless));
    world.serve([world.proxy(), world.forward_single()]).await;
    let url = world.url("app.test", "/json");
    let bob = Browser::new();
    assert_eq!(bob.sign_in(&url, "bob").await.status, 200);
    for user in ["many", "huge"] {
        let browser = Browser::new();
        let page = browser.sign_in(&url, user).await;
        assert_eq!(page.status, 502, "{user}: {}", page.body);
        assert!(page.body.contains("too many groups or attributes"), "{user}: {}", page.body);
        assert_eq!(browser.get(&url).await.status, 302, "{user} is not signed in");
        assert_eq!(bob.get(&url).await.status, 200);
    }
    assert_eq!(world.sessions().await, 1);
}
