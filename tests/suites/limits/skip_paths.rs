//! Unauthenticated paths.

use outpost_tests::Browser;

use crate::limits::support::world;

/// The settings reach the compiler; where exactly the bounds lie is `skip`'s to test.
#[tokio::test]
async fn unauthenticated_paths_have_so_many_lines() {
    let world = world(&[("OUTPOST__LIMITS__SKIP_PATH_LINES", "2")]).await;
    for (rules, third) in [("^/one\n^/two", 302), ("^/one\n^/two\n^/three", 302)] {
        world.serve([world.proxy().skip(rules)]).await;
        let status = async |path: &str| {
            Browser::new().get(&world.url("app.test", path)).await.status.as_u16()
        };
        assert_eq!(status("/one").await, 200, "{rules:?}");
        assert_eq!(status("/two").await, 200, "{rules:?}");
        assert_eq!(status("/three").await, third, "{rules:?}");
        let url = format!("http://{}/metrics", world.outpost.addresses.metrics[0]);
        let figures = Browser::new().get(&url).await.body;
        let told = figures.contains("outpost_findings{code=\"skip_path_too_large\"");
        assert_eq!(told, rules.contains("three"), "{figures}");
    }
}
