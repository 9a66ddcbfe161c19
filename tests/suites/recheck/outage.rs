//! Core slow or failing when it is asked.

use outpost_demo::core::Fault;

use super::*;

/// More sessions than are asked about at the same time.
const IN_DOUBT: usize = 20;

#[tokio::test]
async fn a_core_that_hangs_holds_up_nobody_but_sessions_in_doubt() {
    let world = world(&[AT_ONCE]).await;
    let mut in_doubt = Vec::new();
    for _ in 0..IN_DOUBT {
        in_doubt.push(signed_in(&world, "alice").await.0);
    }
    gap(&world.core, &[&world.outpost], &[]).await;
    let (fresh, _) = signed_in(&world, "bob").await;
    world.core.set_fault(Endpoint::Introspect, Fault::Hang);
    let waiting: Vec<_> = in_doubt
        .iter()
        .map(|browser| {
            let (browser, url) = (browser.clone(), world.url("app.test", "/json"));
            tokio::spawn(async move { browser.get(&url).await.status })
        })
        .collect();
    world
        .core
        .wait_for("a full house", |seen| seen.count(Endpoint::Introspect) == 16)
        .await
        .unwrap();
    // None of these could be answered if they stood in the same queue: core still hangs.
    for _ in 0..20 {
        assert_eq!(visit(&world, &fresh).await.json()["user"], "bob");
        assert_eq!(visit(&world, &Browser::new()).await.status, 302);
        let public = Browser::new().get(&world.url("app.test", "/public/page")).await;
        assert_eq!(public.status, 200);
    }
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), 503, "not signed out, and not let through");
    }
    assert_eq!(asked_at_all(&world.core), 16, "never more at the same time");
    world.core.clear_faults();
    for browser in &in_doubt {
        become_200(&world, browser).await;
    }
}

#[tokio::test]
async fn a_failing_core_closes_sessions_in_doubt_when_their_time_is_over_until_it_is_back() {
    let world = world(&[("OUTPOST__SESSIONS__RECHECK_WITHIN", "8s")]).await;
    let (alice, _) = signed_in(&world, "alice").await;
    world.core.set_fault(Endpoint::Introspect, Fault::Status(503));
    gap(&world.core, &[&world.outpost], &[]).await;
    let page = visit(&world, &alice).await;
    assert_eq!(page.status, 200, "within the time it is served as it is: {}", page.body);
    let closed = async {
        loop {
            let page = visit(&world, &alice).await;
            if page.status != 200 {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let page = tokio::time::timeout(PATIENCE, closed).await.expect("its time ends");
    assert_eq!(page.status, 503, "{}", page.body);
    assert!(page.header("retry-after").parse::<u32>().is_ok(), "{:?}", page.headers);
    assert_eq!(page.redirect(), None);
    for _ in 0..3 {
        assert_eq!(visit(&world, &alice).await.status, 503, "closed stays closed");
    }
    world.core.clear_faults();
    become_200(&world, &alice).await;
    assert_eq!(world.sessions().await, 1, "the same session");
}

/// Answers that are no answer end nothing.
#[tokio::test]
async fn nonsense_from_core_is_an_outage_and_no_end() {
    let world = world(&[AT_ONCE]).await;
    let (alice, _) = signed_in(&world, "alice").await;
    gap(&world.core, &[&world.outpost], &[]).await;
    for fault in [
        Fault::Status(500),
        Fault::Status(400),
        Fault::starting(),
        Fault::Lost,
        Fault::Reply { status: 200, content_type: "text/html".into(), body: "<p>hi".into() },
        Fault::json(200, &serde_json::json!({"active": true})),
    ] {
        world.core.set_fault(Endpoint::Introspect, fault.clone());
        let page = visit(&world, &alice).await;
        assert_eq!(page.status, 503, "{fault:?}: {}", page.body);
        assert_eq!(world.sessions().await, 1, "{fault:?}");
    }
    world.core.clear_faults();
    become_200(&world, &alice).await;
}

async fn become_200(world: &World, browser: &Browser) {
    let fine = async {
        loop {
            let page = visit(world, browser).await;
            match page.status.as_u16() {
                200 => return,
                503 => {}
                other => panic!("{other}: {}", page.body),
            }
        }
    };
    tokio::time::timeout(PATIENCE, fine).await.expect("core is back");
}
