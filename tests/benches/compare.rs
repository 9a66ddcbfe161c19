//! What authentication costs: the outpost against the least that an answer can cost, and against the
//! same road without it. `tests/bench` builds what it measures, in release mode, and runs this.
//!
//! Each comparison is made in turns, A B A B, and its figure is the ratio of each pair: what else the
//! machine does meanwhile is done to both. Servers share the first processor, whatever asks them has
//! the second one for itself.
#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to say")]
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

#[path = "compare/checks.rs"]
mod checks;
#[path = "compare/comparisons.rs"]
mod comparisons;
#[path = "compare/front.rs"]
mod front;
#[path = "compare/load.rs"]
mod load;
#[path = "compare/nginx.rs"]
mod nginx;
#[path = "compare/options.rs"]
mod options;
#[path = "compare/proxying.rs"]
mod proxying;
#[path = "compare/report.rs"]
mod report;
#[path = "compare/scale.rs"]
mod scale;
#[path = "compare/server.rs"]
mod server;
#[path = "compare/turns.rs"]
mod turns;

use std::process::ExitCode;

use options::Options;
use report::Report;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(usage) => {
            println!("{usage}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::new(&options);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        for (name, compare) in comparisons::ALL {
            if options.wants(name) {
                report.add(name, compare(&options).await);
            }
        }
    });
    report.finish()
}
