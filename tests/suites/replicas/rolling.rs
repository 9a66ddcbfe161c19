//! A new version, replica by replica, while people work.

use outpost_tests::Load;

use crate::replicas::fleet::{Fleet, REPLICAS, SignedIn};

/// Answers between two steps.
const STEADY: usize = 60;

/// Several tabs of somebody who must be served as `user` every time.
fn work(fleet: &Fleet, person: &SignedIn, user: &'static str) -> Load {
    // A balancer that is reloaded closes connections that clients keep, at times just when one is
    // used again. That is between these two; browsers ask once more.
    Load::unkept(3, &fleet.page(), Some(person.cookies.clone()), move |answer| {
        let seen: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        if answer.status == 200 && seen["user"] == user {
            return Ok(());
        }
        Err(format!("{} {:?} {}", answer.status, answer.headers, answer.body))
    })
}

#[tokio::test]
async fn nobody_notices_a_rolling_restart() {
    let mut fleet = Fleet::start().await;
    let (alice, bob) = (fleet.sign_in("alice").await, fleet.sign_in("bob").await);
    let loads = [work(&fleet, &alice, "alice"), work(&fleet, &bob, "bob")];
    for index in 0..REPLICAS {
        loads[0].answers(STEADY).await;
        let all = fleet.replicas.http();
        let others: Vec<_> = all.iter().copied().filter(|one| *one != all[index]).collect();
        fleet.balancer.reload(&others).await;
        assert_eq!(fleet.replicas.terminate(index).await, Some(0));
        loads[1].answers(STEADY).await;
        fleet.replicas.restart(index).await;
        fleet.balancer.reload(&all).await;
    }
    loads[0].answers(STEADY).await;
    for load in loads {
        let totals = load.stop();
        assert_eq!((totals.failed, totals.violated), (0, 0), "{totals:#?}");
        eprintln!("{} answers", totals.answers());
    }
    fleet.is_everywhere(&alice, "alice").await;
    fleet.is_everywhere(&bob, "bob").await;
}
