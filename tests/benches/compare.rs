//! What authentication costs: the outpost against the least that an answer can cost, and against the
//! same road without it. `tests/bench` builds what it measures, in release mode, and runs this.
//!
//! Each comparison is made in turns, A B A B, and its figure is the ratio of each pair: what else the
//! machine does meanwhile is done to both. Servers share the first processor, whatever asks them has
//! the second one; Redis and core's stand-in, on machines of their own elsewhere, have what that leaves.
#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to say")]
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

#[path = "compare/background.rs"]
mod background;
#[path = "compare/checks.rs"]
mod checks;
#[path = "compare/comparisons.rs"]
mod comparisons;
#[path = "compare/core.rs"]
mod core;
#[path = "compare/exchange.rs"]
mod exchange;
#[path = "compare/figures.rs"]
mod figures;
#[path = "compare/front.rs"]
mod front;
#[path = "compare/load.rs"]
mod load;
#[path = "compare/machine.rs"]
mod machine;
#[path = "compare/nginx.rs"]
mod nginx;
#[path = "compare/oauth2_proxy.rs"]
mod oauth2_proxy;
#[path = "compare/options.rs"]
mod options;
#[path = "compare/others.rs"]
mod others;
#[path = "compare/proxying.rs"]
mod proxying;
#[path = "compare/refreshes.rs"]
mod refreshes;
#[path = "compare/replicas.rs"]
mod replicas;
#[path = "compare/report.rs"]
mod report;
#[path = "compare/scale.rs"]
mod scale;
#[path = "compare/server.rs"]
mod server;
#[path = "compare/sessions.rs"]
mod sessions;
#[path = "compare/sign_ins.rs"]
mod sign_ins;
#[path = "compare/starts.rs"]
mod starts;
#[path = "compare/turns.rs"]
mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use figures::Found;
use options::{Told, USAGE};
use report::Report;

fn main() -> ExitCode {
    let options = match Told::read(std::env::args().skip(1)) {
        Ok(Told::Measure(options)) => options,
        Ok(Told::List) => {
            for (name, _) in comparisons::ALL {
                println!("{name}");
            }
            for (name, _) in comparisons::OTHERS {
                println!("{name} (with --peer or --oauth2-proxy)");
            }
            return ExitCode::SUCCESS;
        }
        Ok(Told::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(usage) => {
            print!("{usage}");
            return ExitCode::from(2);
        }
    };
    let wanted = || comparisons::possible(&options).filter(|(name, _)| options.wants(name));
    if wanted().next().is_none() {
        println!("there is no such comparison; --list names all");
        return ExitCode::from(2);
    }
    background::leave_the_servers_processor();
    let mut report = Report::new(&options);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    for (name, compare) in wanted() {
        // One that fails, on a machine that is busy or lacks something, takes no other's figures along.
        let found = catch_unwind(AssertUnwindSafe(|| runtime.block_on(compare(&options))));
        report.add(name, &found.unwrap_or_else(|_| Found::nothing()));
    }
    report.finish()
}
