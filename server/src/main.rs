//! The outpost as a program.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use outpost::boot;
use outpost::cli::Cli;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run(|settings| boot::run(&settings))
}
