//! `outpost completions` and `outpost man`: what the command line says of itself, for shells and for
//! man(1). They need no settings.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{end, exit};

/// Name of the program in completions.
const PROGRAM: &str = "outpost";

#[derive(Debug, Args)]
#[command(
    after_help = "For bash, in ~/.bashrc: source <(outpost completions bash). For all users, \
    /etc/bash_completion.d/outpost; for zsh, _outpost in a folder of $fpath; for fish, \
    /etc/fish/completions/outpost.fish."
)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl CompletionsArguments {
    /// Prints them.
    pub(super) fn run(&self, program: &mut Command) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, program, PROGRAM, &mut script);
        end(&mut io::stdout(), &String::from_utf8_lossy(&script), 0)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "To read one: outpost man render | man -l -. To install all: outpost man \
    --output /usr/local/share/man/man1.\n\n\
    Exit codes: 0 printed or written, 1 not written, 2 no such command.")]
pub(super) struct ManArguments {
    /// The page of this command [default: that of the program]
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write all pages into DIR, which is made where it is not there
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    output: Option<PathBuf>,
}

/// A page of the manual.
struct Page {
    /// The words by which the command is called, without the program.
    words: Vec<String>,
    man: Man,
}

impl ManArguments {
    /// Prints or writes; gives the exit code.
    pub(super) fn run(&self, program: Command) -> ExitCode {
        let pages = pages(program);
        let done = match &self.output {
            Some(folder) => written(&pages, folder),
            None => match pages.iter().find(|page| page.words == self.command) {
                Some(page) => text(&page.man),
                None => {
                    let told = format!("outpost man: there is no {}\n", self.command.join(" "));
                    return end(&mut io::stderr(), &told, exit::USAGE);
                }
            },
        };
        match done {
            Ok(text) => end(&mut io::stdout(), &text, 0),
            Err(error) => end(&mut io::stderr(), &format!("outpost man: {error}\n"), exit::NO),
        }
    }
}

/// Every page, the program's first.
fn pages(mut program: Command) -> Vec<Page> {
    // Names of pages are known, and what counts for all commands stands in each, once it is built.
    program.build();
    let mut pages = Vec::new();
    add(&program, &[], &mut pages);
    pages
}

fn add(command: &Command, words: &[String], pages: &mut Vec<Page>) {
    let man = Man::new(command.clone()).source(concat!("outpost ", env!("CARGO_PKG_VERSION")));
    pages.push(Page { words: words.to_vec(), man: man.manual("Outpost") });
    for under in command.get_subcommands() {
        add(under, &[words, &[under.get_name().to_owned()]].concat(), pages);
    }
}

fn text(man: &Man) -> io::Result<String> {
    let mut page = Vec::new();
    man.render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Writes each page under its usual name; gives the paths, one a line.
fn written(pages: &[Page], folder: &Path) -> io::Result<String> {
    let told = |path: &Path, error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| told(folder, error))?;
    let mut paths = String::new();
    for Page { man, .. } in pages {
        let path = folder.join(man.get_filename());
        fs::write(&path, text(man)?).map_err(|error| told(&path, error))?;
        paths.push_str(&path.display().to_string());
        paths.push('\n');
    }
    Ok(paths)
}
