//! Many sessions after one gap.

use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::iter;
use outpost_demo::core::Fault;

use super::*;

const SESSIONS: usize = 200;
const RATE: u32 = 100;

#[tokio::test]
async fn two_hundred_sessions_are_asked_about_once_each_and_at_the_rate_of_the_settings() {
    let rate = RATE.to_string();
    let world = world(&[("OUTPOST__SESSIONS__RECHECK_RATE", &rate)]).await;
    let users: Vec<(Browser, String)> =
        iter(0..SESSIONS).map(|_| signed_in_at_once(&world)).buffer_unordered(8).collect().await;
    assert_eq!(asked_at_all(&world.core), 0);
    // Slow enough that many are under way at the same time.
    world.core.set_fault(Endpoint::Introspect, Fault::Delay(Duration::from_millis(200)));
    gap(&world.core, &[&world.outpost], &[]).await;

    let began = Instant::now();
    let everybody = u64::try_from(SESSIONS).unwrap();
    while asked_at_all(&world.core) < everybody {
        assert!(began.elapsed() < PATIENCE, "{} are asked about", asked_at_all(&world.core));
        let visits = iter(&users).map(|(browser, _)| visit(&world, browser));
        let answers: Vec<Answer> = visits.buffer_unordered(64).collect().await;
        assert!(answers.iter().all(|answer| answer.status == 200), "nobody waits in vain");
    }
    let took = began.elapsed();
    let least = Duration::from_secs(1) / RATE * u32::try_from(SESSIONS - 1).unwrap();
    assert!(took >= least, "{SESSIONS} questions in {took:?} are more than {RATE} a second");
    for (browser, sid) in &users {
        assert_eq!(visit(&world, browser).await.status, 200);
        assert_eq!(asked(&world.core, sid), 1);
    }
    let most = world.core.observe(|seen| seen.most_at_once(Endpoint::Introspect));
    assert!((2..=16).contains(&most), "{most} at once");
}

/// Signs in without core's page, which needs fewer requests.
async fn signed_in_at_once(world: &World) -> (Browser, String) {
    let browser = Browser::new();
    let mut next = world.url("app.test", "/json");
    while !next.contains("/application/o/authorize/") {
        next = browser.get(&next).await.redirect().expect("a way to the sign-in");
    }
    let callback = world.core.sign_in(&next, "alice").unwrap();
    assert_eq!(browser.get(&callback).await.status, 302);
    let page = visit(world, &browser).await;
    let token = page.received("x-authentik-jwt").expect("a token");
    let payload = token.split('.').nth(1).expect("a payload").to_owned();
    (browser, sid_of(&payload))
}

fn sid_of(payload: &str) -> String {
    use base64::Engine as _;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    claims["sid"].as_str().expect("a sid").to_owned()
}
