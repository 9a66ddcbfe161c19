//! What the command is told.

use std::path::PathBuf;
use std::time::Duration;

use outpost_tests::repository;

/// How the command is used; `tests/bench` prints it as well, before it builds anything.
pub(crate) const USAGE: &str = include_str!("usage.txt");

/// What the command is told.
pub(crate) enum Told {
    /// To measure.
    Measure(Options),
    /// To name what it compares.
    List,
    /// To say how it is used.
    Help,
}

/// How it is to measure.
pub(crate) struct Options {
    only: Vec<String>,
    /// Whether to measure what takes long, too.
    pub(crate) full: bool,
    pub(crate) turns: usize,
    pub(crate) turn: Duration,
    pub(crate) connections: usize,
    /// What starts another outpost.
    pub(crate) peer: Option<String>,
    pub(crate) oauth2_proxy: Option<PathBuf>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) markdown: Option<PathBuf>,
}

impl Told {
    /// Reads arguments.
    ///
    /// # Errors
    /// The usage, where they are not understood.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, &'static str> {
        let mut options = Options {
            only: Vec::new(),
            full: false,
            turns: 5,
            turn: Duration::from_secs(3),
            connections: 32,
            peer: None,
            oauth2_proxy: None,
            json: None,
            markdown: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo adds it.
                "--bench" => continue,
                "--help" => return Ok(Self::Help),
                "--list" => return Ok(Self::List),
                "--full" => {
                    options.full = true;
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().ok_or(USAGE)?;
            let number = || value.parse::<u32>().ok().filter(|number| *number > 0).ok_or(USAGE);
            match argument.as_str() {
                "--only" => options.only.push(value),
                "--turns" => options.turns = number()? as usize,
                "--seconds" => options.turn = Duration::from_secs(number()?.into()),
                "--connections" => options.connections = number()? as usize,
                "--peer" => options.peer = Some(value),
                "--oauth2-proxy" => options.oauth2_proxy = Some(value.into()),
                "--json" => options.json = Some(repository::root().join(value)),
                "--markdown" => options.markdown = Some(repository::root().join(value)),
                _ => return Err(USAGE),
            }
        }
        Ok(Self::Measure(options))
    }
}

impl Options {
    /// Whether a comparison is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.contains(only.as_str()))
    }
}
