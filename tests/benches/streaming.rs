//! Very large bodies through one outpost on this machine, and the memory that it takes for them:
//!
//! ```text
//! cargo build --release -p outpost
//! cargo bench -p outpost-tests --bench streaming -- [gigabytes]
//! ```
//!
//! 10 GB each way by default.
#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to say")]
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_tests::Program;
use outpost_tests::streaming::{self, Direction};

fn main() {
    // Cargo adds `--bench`.
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let size = numbers.next().unwrap_or(10) * 1_000_000_000;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure(size));
}

async fn measure(size: u64) {
    let app = streaming::application().await;
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    let provider = ProviderSpec::proxy("app", "http://app.test", &format!("http://{app}"));
    core.put_provider(provider.skip("^/")).expect("a provider");
    let outpost = Program::start(&core, &[]);
    outpost.serves(1).await;
    let http = outpost.address("http").await;
    streaming::pass(http, "app.test", Direction::Up, 1 << 20).await;
    streaming::pass(http, "app.test", Direction::Down, 1 << 20).await;
    println!("before: {} MB resident at most", outpost.most_resident() / 1_000_000);
    println!("| direction | GB | seconds | MB/s | MB resident, now / at most |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for direction in [Direction::Up, Direction::Down] {
        let took = streaming::pass(http, "app.test", direction, size).await.as_secs_f64();
        println!(
            "| {direction:?} | {} | {took:.1} | {:.0} | {} / {} |",
            size / 1_000_000_000,
            size as f64 / 1e6 / took,
            outpost.resident() / 1_000_000,
            outpost.most_resident() / 1_000_000,
        );
    }
}
