//! How figures change with how much there is. Each row of a curve stands against its beginning, turn by
//! turn.

use outpost::session::seals::SealSecret;
use outpost_demo::core::ProviderSpec;
use outpost_tests::filler;
use outpost_tests::redis::RedisServer;

use super::comparisons::{forward, ok, side};
use super::front::Front;
use super::load::Asked;
use super::options::Options;
use super::turns::{Compared, Side, take};

/// What is left of the beginning's rate, at least.
const LEFT: f64 = 0.85;

/// Providers: one is asked for, among so many.
pub(crate) async fn providers(options: &Options) -> Vec<Compared> {
    among(options, "providers", &[10, 100, 1000], |external, count| {
        let other = |number| {
            let host = format!("http://app-{number}.test");
            ProviderSpec::forward_single(&format!("app-{number}"), &host)
        };
        forward(external).into_iter().chain((1..count).map(other)).collect()
    })
    .await
}

/// Unauthenticated paths: the one that is asked for is behind so many that it is not.
pub(crate) async fn skip_paths(options: &Options) -> Vec<Compared> {
    among(options, "paths", &[10, 100, 1000], |external, count| {
        let lines: Vec<String> =
            (1..count).map(|number| format!("^/public-{number}/[a-z]+$")).collect();
        vec![ProviderSpec::forward_single("app", external).skip(&lines.join("\n"))]
    })
    .await
}

async fn among(
    options: &Options,
    what: &str,
    counts: &[usize],
    providers: impl Fn(&str, usize) -> Vec<ProviderSpec>,
) -> Vec<Compared> {
    // As many paths as are asked for, not as many as are sensible.
    let variables = [
        ("OUTPOST__LIMITS__SKIP_PATH_TOTAL_SIZE", "1000000"),
        ("OUTPOST__LIMITS__SKIP_PATH_LINES", "10000"),
    ];
    let mut first = Front::start(options, &variables, None, |home| providers(home, 1)).await;
    first.sign_in_first().await;
    let mut all = Vec::new();
    for &count in counts {
        let mut many = Front::start(options, &variables, None, |home| providers(home, count)).await;
        many.sign_in_first().await;
        let sides = [
            side(&format!("{count}"), &many.outpost, ok(many.check("traefik"))),
            side("1", &first.outpost, ok(first.check("traefik"))),
        ];
        all.push(take(options, what, &sides, &[Some(LEFT)]));
    }
    all
}

/// Sessions: each request has another one of so many, all of them at hand.
pub(crate) async fn sessions(options: &Options) -> Vec<Compared> {
    let redis = RedisServer::start();
    let store = redis.url();
    let variables = [
        ("OUTPOST__SESSIONS__STORE", store.as_str()),
        // None is asked for again while turns last.
        ("OUTPOST__SESSIONS__CACHE_TTL", "10m"),
    ];
    let mut secret = String::new();
    let provider = |external: &str| {
        let providers = forward(external);
        providers[0].cookie_secret.clone_into(&mut secret);
        providers
    };
    let mut front = Front::start(options, &variables, None, provider).await;
    front.sign_in_first().await;
    let owner = filler::store(&redis);
    let one = side("1", &front.outpost, ok(front.check("traefik")));
    let (name, _) = front.cookies.split_once('=').expect("a cookie");
    let mut all = Vec::new();
    for count in [100, 1_000, 10_000] {
        let sub = |number: usize| format!("user-{number}");
        let secret = SealSecret::of(&secret);
        let ids = filler::usable(&*owner, count, sub, front.provider(&owner).await, &secret).await;
        let requests = ids
            .iter()
            .map(|id| front.check_of("traefik", &format!("Cookie: {name}={}", id.cookie_value())));
        let asked = Asked::Http { requests: requests.collect(), expect: 200 };
        let many = side(&format!("{count}"), &front.outpost, asked);
        all.push(take(options, "sessions", &[many, one.clone()], &[None]));
    }
    all
}

/// Connections: each waits for its answer before it asks again.
pub(crate) async fn connections(options: &Options) -> Vec<Compared> {
    let mut front = Front::start(options, &[], None, forward).await;
    front.sign_in_first().await;
    let of = |count: usize| Side {
        connections: Some(count),
        ..side(&format!("{count}"), &front.outpost, ok(front.check("traefik")))
    };
    let against = |count| take(options, "connections", &[of(count), of(32)], &[None]);
    [1, 100, 1000, 10_000].into_iter().map(against).collect()
}
