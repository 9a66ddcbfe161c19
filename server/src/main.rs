//! The outpost as a program.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use outpost::cli::Cli;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run(|_settings| ExitCode::FAILURE)
}
