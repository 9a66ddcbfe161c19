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
//! it is offered. One turn with viewers follows one without. What counts is the processor time that
//! the outpost spends for each check: throughput is that of the machine, whatever else it does.
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

/// Largest share of the outpost's processor time, and so of its throughput, that looking may cost.
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
    let (mut alone, mut watched) = (Spent::default(), Spent::default());
    for number in 1..=turns {
        let before = alone.add(&outpost, &checks, turn).await;
        let viewers = Viewers::open(dashboard, VIEWERS).await;
        let after = watched.add(&outpost, &checks, turn).await;
        let frames = viewers.close() as f64 / turn.as_secs_f64();
        let ratio = after / before;
        println!("| {number} | {before:.0} | {after:.0} | {ratio:.3} | {frames:.1} |");
    }
    let share = 1.0 - alone.each() / watched.each();
    let within = share <= LIMIT;
    let verdict = if within { "within" } else { "beyond" };
    println!();
    println!(
        "A check takes {:.1} us of processor time alone, {:.1} us with {VIEWERS} viewers: they take \
         {:.1} % of it, {verdict} the limit of {:.0} %.",
        1e6 * alone.each(),
        1e6 * watched.each(),
        100.0 * share,
        100.0 * LIMIT
    );
    within || cfg!(debug_assertions)
}

/// What checks have cost the outpost. Whatever else the machine does makes them fewer in a turn, and
/// none of them dearer.
#[derive(Default)]
struct Spent {
    checks: f64,
    processor: Duration,
}

impl Spent {
    /// Another turn; how many checks were answered in a second.
    async fn add(&mut self, outpost: &Program, checks: &Checks, turn: Duration) -> f64 {
        let before = outpost.processor_time();
        let rate = checks.count(turn).await;
        self.processor += outpost.processor_time() - before;
        self.checks += rate * turn.as_secs_f64();
        rate
    }

    /// Seconds of processor time that one takes.
    fn each(&self) -> f64 {
        self.processor.as_secs_f64() / self.checks
    }
}
