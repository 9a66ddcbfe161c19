//! What core may say at once.

use outpost_tests::{Figures, World, wait};

use crate::limits::support::{becomes, reached, world};

/// Most bytes of a message of core's.
const LARGEST: usize = 16_384;

async fn reconnects(world: &World) -> u64 {
    Figures::of(world).await.count("outpost_core_reconnects_total").unwrap()
}

#[tokio::test]
async fn a_message_of_core_has_so_many_bytes() {
    let world = world(&[("OUTPOST__LIMITS__CORE_MESSAGE_BYTES", "16384")]).await;
    world.core.wait_for("a hello", |seen| !seen.hellos.is_empty()).await.unwrap();
    let trigger = |bytes: usize| {
        let (begin, end) = (r#"{"instruction": 2, "args": {"padding": ""#, r#""}}"#);
        format!("{begin}{}{end}", "x".repeat(bytes - begin.len() - end.len()))
    };
    let (links, refreshes) =
        (reconnects(&world).await, world.outpost.published.status.load().refreshes);
    world.core.send_frame(&trigger(LARGEST));
    wait::until_async("a refresh", async || {
        let now = world.outpost.published.status.load().refreshes;
        if now > refreshes { Ok(()) } else { Err(format!("{now} refreshes")) }
    })
    .await;
    assert_eq!(reconnects(&world).await, links, "at the limit it is read");
    assert_eq!(reached(&world, "core_message").await, 0);

    world.core.send_frame(&trigger(LARGEST + 1));
    wait::until_async("another connection", async || {
        let now = reconnects(&world).await;
        if now > links { Ok(()) } else { Err(format!("{now} reconnects")) }
    })
    .await;
    becomes(&world, "core_message", 1).await;
}
