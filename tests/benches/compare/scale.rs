//! How figures change with how much there is. Each row of a curve stands against its beginning, turn by
//! turn.

use outpost_demo::core::ProviderSpec;

use super::comparisons::{self, forward, ok, side};
use super::front::Front;
use super::options::Options;
use super::turns::{Compared, Side, take};

/// What is left of the beginning's rate, at least.
const LEFT: f64 = 0.85;

/// Providers: one is asked for, among so many.
pub(crate) async fn providers(options: &Options) -> Vec<Compared> {
    among(options, "providers", &[10, 100, 1000, 10_000], comparisons::providers).await
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
    let mut first = Front::start(&variables, None, |home| providers(home, 1));
    first.sign_in_first().await;
    let mut all = Vec::new();
    for &count in counts {
        let mut many = Front::start(&variables, None, |home| providers(home, count));
        many.sign_in_first().await;
        let sides = [
            side(&format!("{count}"), &many.outpost, ok(many.check("traefik"))),
            side("1", &first.outpost, ok(first.check("traefik"))),
        ];
        all.push(take(options, what, &sides, &[Some(LEFT)]));
    }
    all
}

/// Connections: each waits for its answer before it asks again.
pub(crate) async fn connections(options: &Options) -> Vec<Compared> {
    let mut front = Front::start(&[], None, forward);
    front.sign_in_first().await;
    let of = |count: usize| Side {
        connections: Some(count),
        ..side(&format!("{count}"), &front.outpost, ok(front.check("traefik")))
    };
    let against = |count| take(options, "connections", &[of(count), of(32)], &[None]);
    [1, 100, 1000, 10_000].into_iter().map(against).collect()
}
