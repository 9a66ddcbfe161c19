//! Everything at once, for a long time, while what is around the outposts fails at random: nobody is
//! served who must not be, nobody is turned away who must not be, and in the end there is nothing left
//! of it: no memory, no file handle, no thread, no request. (Tasks live in their workers' local sets, which
//! count none; what one holds on to is memory or a handle.)
//!
//! Every run does ten minutes of it beside the other suites. An hour by hand, which prints the figures:
//! `SOAK_SECONDS=3600 ./tests/run soak:: --no-capture`. A run begins with its seed; `SOAK_SEED=<seed>`
//! draws the same faults again.

mod faults;
mod figures;

use std::time::{Duration, Instant};

use outpost_tests::redis::{Options, RedisServer};
use outpost_tests::relay::Relay;
use outpost_tests::{Dice, wait};

use self::faults::{Fault, Surroundings};
use self::figures::{Sample, flat};
use crate::crowd::{BOUND, Crowd, Front, Member, Served};

/// Replicas that serve all the time and are weighed; one more dies and comes back.
const WEIGHED: usize = 2;

/// How long sessions go on while the store is away.
const GRACE: Duration = Duration::from_secs(1);

/// Between two requests of a client.
const REST: Duration = Duration::from_millis(40);

/// Rounds before anything is compared: caches, journals and pools have their size then.
const WARM_UP: usize = 6;

fn set<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

#[tokio::test]
async fn after_a_long_time_with_many_faults_nothing_is_left_and_nothing_went_wrong() {
    let lasts = Duration::from_secs(set("SOAK_SECONDS").unwrap_or(600));
    let seed = set("SOAK_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("SOAK_SEED={seed}, {} s", lasts.as_secs());
    let mut dice = Dice::new(seed);
    let redis = RedisServer::with(Options::new().append_only());
    let relay = Relay::start(redis.address());
    let url = |index| if index == 0 { redis.url_at(relay.address()) } else { redis.url() };
    let grace = format!("{}s", GRACE.as_secs());
    // Patient: what hangs for half a second on a machine with much else to do is not away.
    let variables =
        [("OUTPOST__SESSIONS__GRACE", grace.as_str()), ("OUTPOST__SESSIONS__TIMEOUT", "1s")];
    let front = Front::each(WEIGHED + 1, url, &variables).await;
    let mut around = Surroundings { redis, relay, front };

    let (began, mut deck) = (Instant::now(), Vec::new());
    let (mut samples, mut drawn) = (Vec::new(), Vec::new());
    while began.elapsed() < lasts || samples.len() < 3 * WARM_UP {
        if deck.is_empty() {
            deck = Fault::deck(&mut dice);
        }
        let fault = deck.pop().unwrap();
        drawn.push(fault);
        let answers = round(&mut around, fault, &mut dice).await;
        let sample = Sample::of(&around.front.replicas, WEIGHED).await;
        eprintln!("{:>5} s  {fault:?}, {answers:>5} answers  {sample}", began.elapsed().as_secs());
        samples.push(sample);
    }
    for fault in Fault::ALL {
        let times = drawn.iter().filter(|it| **it == fault).count();
        eprintln!("{fault:?}: {times} times");
    }
    assert_eq!(flat(&samples[WARM_UP..]), Ok(()));
}

/// People sign in and are served, something fails and is mended, they sign out. Gives the answers that
/// were judged.
async fn round(around: &mut Surroundings, fault: Fault, dice: &mut Dice) -> usize {
    let user = ["alice", "bob", "carol"][dice.below(3)];
    let member = around.front.member(user).await;
    let crowds: Vec<Crowd> = (0..WEIGHED)
        .map(|replica| around.front.crowd_at_ease(replica, &member, BOUND + GRACE, REST))
        .collect();
    answers(&crowds, 10).await;
    around.strike(fault, dice).await;
    answers(&crowds, 10).await;
    around.mend(fault).await;
    for (replica, crowd) in crowds.iter().enumerate() {
        around.front.becomes(replica, &member, 200).await;
        // With the store again, that is.
        crowd.garbage_gets(401).await;
    }
    around.clients_that_leave(dice).await;
    leave(&around.front, &member, dice.below(WEIGHED)).await;
    answers(&crowds, 10).await;
    let served = crowds.into_iter().map(Crowd::stop).enumerate();
    served
        .map(|(replica, served)| {
            let away = served.member_got().contains(&503);
            assert!(
                !away || !fault.leaves_store_to(replica),
                "{fault:?} at {replica}: {served:#?}"
            );
            total(&served)
        })
        .sum()
}

async fn answers(crowds: &[Crowd], more: usize) {
    futures_util::future::join_all(crowds.iter().map(|crowd| crowd.answers(more))).await;
}

/// Signs out at one replica, and waits until all know. A store that does not answer in time is told to
/// whoever signs out, who comes again: on a machine with much else to do that is nobody's fault.
async fn leave(front: &Front, member: &Member, replica: usize) {
    wait::until_async("a sign-out", async || match front.sign_out(replica, member).await {
        done if done.status == 302 => Ok(()),
        away => {
            assert_eq!(away.status, 503, "{away:?}");
            Err(away.body)
        }
    })
    .await;
    for replica in 0..=WEIGHED {
        front.becomes(replica, member, 302).await;
    }
}

fn total(served: &Served) -> usize {
    served.member.iter().map(outpost_tests::load::Totals::answers).sum()
}

#[test]
fn what_grows_is_seen() {
    let steady =
        |n: u64| Sample { resident: 60_000_000 + n % 3 * 100_000, handles: 40, threads: 9 };
    assert_eq!(flat(&(0..30).map(steady).collect::<Vec<_>>()), Ok(()));
    let grows: [fn(&mut Sample, u64); 3] = [
        |it, n| it.resident += n * 2_000_000,
        |it, n| it.handles += usize::try_from(n).unwrap(),
        |it, n| it.threads += usize::try_from(n).unwrap(),
    ];
    for grow in grows {
        let samples: Vec<_> = (0..30)
            .map(|n| {
                let mut it = steady(n);
                grow(&mut it, n);
                it
            })
            .collect();
        assert!(flat(&samples).is_err(), "{samples:?}");
    }
}
