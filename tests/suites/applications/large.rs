//! Bodies far larger than the memory that the outpost may take for them. The same with 10 GB and
//! with figures: `cargo bench -p outpost-tests --bench streaming`.

use outpost_tests::streaming::{self, Direction};

use crate::applications::support::before;

/// Bytes each way.
const SIZE: u64 = 1 << 30;

/// What the outpost may take beyond what it took for a small request: the buffers of two
/// connections and of TLS-less sockets, with room for what the allocator keeps.
const MOST: u64 = 32 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_each_way_takes_no_memory_to_speak_of() {
    let app = streaming::application().await;
    let (_core, outpost, http) = before(&format!("http://{app}"), &[]).await;
    streaming::pass(http, "app.test", Direction::Up, 1 << 20).await;
    streaming::pass(http, "app.test", Direction::Down, 1 << 20).await;
    let before = outpost.most_resident();
    for direction in [Direction::Up, Direction::Down] {
        let took = streaming::pass(http, "app.test", direction, SIZE).await;
        let more = outpost.most_resident().saturating_sub(before);
        println!("{direction:?}: {SIZE} bytes in {took:?}, {more} bytes more memory at most");
        assert!(more < MOST, "{direction:?}: {more} bytes");
    }
}
