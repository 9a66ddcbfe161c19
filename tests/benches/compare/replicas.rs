//! Several outposts that share a store. They have one processor together: what is compared is what a
//! request costs, not how much they could do on machines of their own.

use outpost_tests::filler;
use outpost_tests::redis::RedisServer;

use super::comparisons::{forward, ok, side};
use super::exchange::{Exchange, signed_out};
use super::figures::{Figure, Found};
use super::front::Front;
use super::options::Options;
use super::turns::{Side, take};

/// Outposts.
const REPLICAS: usize = 3;

/// Three against one, and how soon all know of a sign-out at one.
pub(crate) async fn replicas(options: &Options) -> Found {
    let redis = RedisServer::start();
    let store = redis.url();
    let variables = [("OUTPOST__SESSIONS__STORE", store.as_str())];
    let mut front = Front::start(&variables, None, forward);
    front.sign_in_first().await;
    // Each lets in who has signed in at the first one.
    let more: Vec<_> = (1..REPLICAS).map(|_| front.another(&variables)).collect();
    let check = ok(front.check("traefik"));
    let all = Side {
        name: format!("{REPLICAS} in turns"),
        at: std::iter::once(&front.outpost).chain(&more).map(|server| server.at()).collect(),
        servers: std::iter::once(&front.outpost).chain(&more).collect(),
        ..side("", &front.outpost, check.clone())
    };
    let one = side("1", &front.outpost, check);
    let compared = take(options, "outposts over one Redis", &[all, one], &[None]);

    let owner = filler::store(&redis);
    let mut at_one = Exchange::with(front.outpost.at());
    let mut at_others: Vec<_> = more.iter().map(|server| Exchange::with(server.at())).collect();
    let mut times = Vec::new();
    for id in front.others(&owner, 10 * options.turns).await {
        let (check, sign_out) = front.check_and_sign_out(&id);
        let refused = signed_out(&mut at_one, &mut at_others, &sign_out, &check);
        times.push(refused.as_secs_f64() * 1e3);
    }
    let refused = Figure::new("from a sign-out at one until the others refuse", "ms", times);
    Found { compared: vec![compared], figures: vec![refused] }
}
