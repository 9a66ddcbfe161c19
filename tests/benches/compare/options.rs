//! What the command is told.

use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str = "\
usage: tests/bench [OPTION]...
  --only NAME      this comparison alone; may be given several times
  --turns N        turns of each side (default: 5)
  --seconds S      seconds of a turn (default: 3)
  --connections N  connections (default: 32)
  --peer COMMAND   measures this outpost in the place of ours: a command that reads AUTHENTIK_HOST,
                   AUTHENTIK_TOKEN and AUTHENTIK_LISTEN__*
  --json FILE      writes the figures there, too";

/// What the command is told.
pub(crate) struct Options {
    only: Vec<String>,
    pub(crate) turns: usize,
    pub(crate) turn: Duration,
    pub(crate) connections: usize,
    pub(crate) peer: Option<String>,
    pub(crate) json: Option<PathBuf>,
}

impl Options {
    /// Reads arguments; gives the usage where they are not understood.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            only: Vec::new(),
            turns: 5,
            turn: Duration::from_secs(3),
            connections: 32,
            peer: None,
            json: None,
        };
        while let Some(argument) = arguments.next() {
            // Cargo adds it.
            if argument == "--bench" {
                continue;
            }
            if argument == "--help" {
                return Err(USAGE.to_owned());
            }
            let value = arguments.next().ok_or(USAGE)?;
            let number = || value.parse::<u32>().ok().filter(|number| *number > 0).ok_or(USAGE);
            match argument.as_str() {
                "--only" => options.only.push(value),
                "--turns" => options.turns = number()? as usize,
                "--seconds" => options.turn = Duration::from_secs(number()?.into()),
                "--connections" => options.connections = number()? as usize,
                "--peer" => options.peer = Some(value),
                "--json" => options.json = Some(value.into()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(options)
    }

    /// Whether a comparison is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.contains(only.as_str()))
    }
}
