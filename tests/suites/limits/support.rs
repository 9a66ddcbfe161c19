//! Figures, and clients at addresses of their own.

use outpost_demo::core::CoreOptions;
use outpost_tests::{Figures, World, wait};

/// A world with settings, and an application at `app.test` below `/public/` of which everybody may
/// be.
pub(crate) async fn world(variables: &[(&str, &str)]) -> World {
    let world = World::with(CoreOptions::default(), variables).await;
    world.serve([world.proxy()]).await;
    world
}

/// How often a limit was reached so far.
pub(crate) async fn reached(world: &World, limit: &str) -> u64 {
    let series = format!("outpost_limits_reached_total{{limit=\"{limit}\"}}");
    let figures = Figures::of(world).await;
    figures.count(&series).unwrap_or_else(|| panic!("no {limit} in {}", figures.text))
}

/// Waits until a limit was reached so often: what is refused before it is a request is counted
/// when its connection ends.
pub(crate) async fn becomes(world: &World, limit: &str, times: u64) {
    wait::until_async("a limit is reached", async || {
        let now = reached(world, limit).await;
        if now == times { Ok(()) } else { Err(format!("{limit}: {now}")) }
    })
    .await;
}
