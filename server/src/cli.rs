//! The command line.

mod ask;
mod doctor;
mod explain;
mod healthcheck;
mod manual;
mod render;
mod sessions;
mod terminal;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::settings::{Settings, Sources};

/// Exit code of a start that ended over its settings, and of a wrong command line.
const WRONG_SETTINGS: u8 = 2;

/// Exit codes of commands that ask whether something is so.
mod exit {
    /// It is not.
    pub(super) const NO: u8 = 1;
    /// The command makes no sense.
    pub(super) const USAGE: u8 = 2;
    /// Nobody could be asked.
    pub(super) const UNREACHED: u8 = 3;
}

/// An authentik proxy outpost: single sign-on in front of applications that have none.
#[derive(Debug, Parser)]
#[command(name = "outpost", version, disable_help_subcommand = true)]
#[command(
    after_help = "Without a command the outpost starts. At the least it needs AUTHENTIK_HOST \
    and AUTHENTIK_TOKEN; `outpost config` shows everything else that can be set."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Settings file [default: /etc/outpost/outpost.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the settings in effect as TOML, secrets masked
    Config(ConfigArguments),
    /// Ask the running outpost whether it answers, or is ready; exit 0 if so, else 1
    Healthcheck(healthcheck::HealthcheckArguments),
    /// Ask the running outpost what is wrong, and what to do about it
    Doctor(Box<doctor::DoctorArguments>),
    /// Ask the running outpost what it would decide about a request, and why
    Explain(Box<explain::ExplainArguments>),
    /// Write configuration for what stands around the outpost: reverse proxies, platforms
    Render(Box<render::RenderArguments>),
    /// Ask the running outpost who is signed in, or sign people out
    #[command(subcommand)]
    Sessions(Box<sessions::SessionsCommand>),
    /// Print completions of this command line for a shell
    Completions(manual::CompletionsArguments),
    /// Print the manual as pages for man(1)
    Man(manual::ManArguments),
}

#[derive(Debug, Args)]
struct ConfigArguments {
    /// Print nothing; exit 0 if the settings are right, else tell every mistake and exit 2
    #[arg(long)]
    check: bool,
}

impl Cli {
    /// Does what the command line asks for; `start` runs the outpost until it ends.
    pub fn run(self, start: impl FnOnce(Settings) -> ExitCode) -> ExitCode {
        let sources = Sources::of_process(self.config);
        match self.command {
            None => with_settings(&sources, start),
            Some(Command::Config(ConfigArguments { check: true })) => {
                with_settings(&sources, |_| ExitCode::SUCCESS)
            }
            Some(Command::Config(_)) => {
                with_settings(&sources, |settings| end(&mut io::stdout(), &settings.to_toml(), 0))
            }
            Some(Command::Healthcheck(what)) => {
                with_settings(&sources, |settings| match healthcheck::ask(&settings.listen, what) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error) => end(&mut io::stderr(), &format!("unhealthy: {error}\n"), 1),
                })
            }
            Some(Command::Doctor(arguments)) => {
                with_settings(&sources, |settings| arguments.run(&settings))
            }
            Some(Command::Explain(arguments)) => {
                with_settings(&sources, |settings| arguments.run(&settings))
            }
            Some(Command::Render(arguments)) => {
                let sources = Sources { without_core: arguments.is_without_core(), ..sources };
                with_settings(&sources, |settings| arguments.run(&settings))
            }
            Some(Command::Sessions(command)) => {
                with_settings(&sources, |settings| command.run(&settings))
            }
            Some(Command::Completions(arguments)) => arguments.run(&mut Self::command()),
            Some(Command::Man(arguments)) => arguments.run(Self::command()),
        }
    }
}

/// Does what needs the settings, or tells what is wrong with them.
fn with_settings(sources: &Sources, run: impl FnOnce(Settings) -> ExitCode) -> ExitCode {
    match Settings::load(sources) {
        Ok(settings) => run(settings),
        Err(mistakes) => end(&mut io::stderr(), &format!("{mistakes}\n"), WRONG_SETTINGS),
    }
}

/// Prints and gives the exit code. Whoever closed the pipe does not want to hear more.
fn end(to: &mut impl Write, text: &str, code: u8) -> ExitCode {
    let _ = to.write_all(text.as_bytes());
    code.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
