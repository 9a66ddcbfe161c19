//! What ten people who look at the operators' pages cost everybody else: warm forward auth with
//! and without them, in turns.
//!
//! ```text
//! cargo build --release -p outpost
//! cargo bench -p outpost-tests --bench dashboard -- [turns] [seconds a turn]
//! ```
//!
//! Ten turns of five seconds each way by default; a debug build takes shorter ones, to see that it
//! works, and may cost what it likes; a release build that costs more than it may ends with exit code 1.
//! Half of the viewers see the overview, half the tail of decisions; each takes every frame
//! it is offered. One turn with viewers follows one without, so that whatever else the machine
//! does weighs on both; the middle one of the ratios counts.
#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to say")]
#![expect(clippy::print_stdout, reason = "that is what it is for")]

#[path = "dashboard/checks.rs"]
mod checks;
#[path = "dashboard/viewers.rs"]
mod viewers;

use std::process::ExitCode;
use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_tests::{Browser, Program};

use checks::Checks;
use viewers::Viewers;

/// How many look.
const VIEWERS: usize = 10;

/// Connections that checks are asked over.
const CONNECTIONS: usize = 16;

/// Largest share of throughput that looking may cost.
const LIMIT: f64 = 0.03;

const HOST: &str = "app.test";

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let debug = cfg!(debug_assertions);
    let turns = numbers.next().unwrap_or(if debug { 3 } else { 10 }).max(1);
    let turn = Duration::from_secs(numbers.next().unwrap_or(if debug { 2 } else { 5 }).max(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let within = runtime.expect("a runtime").block_on(measure(turns, turn));
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether viewers cost no more than they may; a debug build may cost what it likes.
async fn measure(turns: u64, turn: Duration) -> bool {
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    core.put_user(UserSpec::new("alice", "alice-password"));
    let outpost = Program::start(&core, &[("AUTHENTIK_LOG_LEVEL", "info")]);
    let (http, dashboard) = (outpost.address("http").await, outpost.address("dashboard").await);
    let home = format!("http://{HOST}:{}", http.port());
    core.put_provider(ProviderSpec::forward_single("app", &home)).expect("a provider");
    outpost.signal("USR1");
    outpost.serves(1).await;

    let browser = Browser::new();
    let start = format!("{home}/outpost.goauthentik.io/start?rd={home}/");
    let page = browser.sign_in(&start, "alice").await;
    let cookies = browser.cookie_header(&page.url).expect("a session");
    let checks = Checks::connect(http, HOST, &cookies, CONNECTIONS).await;
    // Warm: every part has been used.
    checks.count(turn).await;

    println!("| turn | checks/s alone | checks/s with {VIEWERS} viewers | ratio | frames/s |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    let mut ratios = Vec::new();
    for number in 1..=turns {
        let alone = checks.count(turn).await;
        let viewers = Viewers::open(dashboard, VIEWERS).await;
        let watched = checks.count(turn).await;
        let frames = viewers.close();
        let ratio = watched / alone;
        let frames = frames as f64 / turn.as_secs_f64();
        println!("| {number} | {alone:.0} | {watched:.0} | {ratio:.3} | {frames:.1} |");
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    let middle = ratios[ratios.len() / 2];
    let within = middle >= 1.0 - LIMIT;
    let verdict = if within { "within" } else { "beyond" };
    println!();
    println!(
        "{VIEWERS} viewers leave {:.1} % of the throughput: {verdict} the limit of {:.0} %.",
        100.0 * middle,
        100.0 * (1.0 - LIMIT)
    );
    within || cfg!(debug_assertions)
}
