//! What core may answer.

use outpost_demo::core::UserSpec;
use outpost_tests::Browser;
use serde_json::json;

use crate::limits::support::{reached, world};

/// The settings reach the client; where exactly the bound lies is `oidc`'s to test.
#[tokio::test]
async fn tokens_of_core_have_so_many_bytes() {
    let small = ("OUTPOST__LIMITS__CORE_ANSWER_BYTES", "16384");
    for (settings, status, counted) in [(vec![], 200, 0), (vec![small], 502, 1)] {
        let world = world(&settings).await;
        let attributes = json!({ "much": "x".repeat(12_000) });
        world.core.put_user(UserSpec::new("carol", "carol-password").attributes(attributes));
        let page = Browser::new().sign_in(&world.url("app.test", "/json"), "carol").await;
        assert_eq!(page.status, status, "{}", page.body);
        assert_eq!(reached(&world, "core_answer").await, counted);
        let page = Browser::new().sign_in(&world.url("app.test", "/json"), "bob").await;
        assert_eq!(page.status, 200, "{}", page.body);
    }
}
