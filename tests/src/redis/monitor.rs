//! Everything that a server is asked, by `MONITOR`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::cli::Cli;
use crate::wait;

/// Records every command of every client of a server, until it is dropped or stopped.
#[derive(Debug)]
pub struct Monitor {
    child: Child,
    cli: Cli,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Monitor {
    pub(super) fn start(cli: &Cli) -> Self {
        let mut child = cli
            .command()
            .arg("monitor")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-cli starts");
        let output = child.stdout.take().expect("a pipe");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                record.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let monitor = Self { child, cli: cli.clone(), lines };
        wait::until("the monitor's OK", || {
            monitor.recorded().first().map(drop).ok_or_else(|| "nothing yet".to_owned())
        });
        monitor
    }

    fn recorded(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every command that was answered before this call, in order, as `MONITOR` shows it:
    /// `<time> [<database> <client>] "<name>" "<argument>" …`. Commands of scripts are among them
    /// (their client is `lua`); the harness's own are too, if any ran.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        // What it shows comes in order: all is there once this is.
        let mark = uuid::Uuid::new_v4().to_string();
        self.cli.run(&["echo", &mark]).unwrap_or_else(|error| panic!("monitored: {error}"));
        wait::until("the monitor's mark", || {
            let lines = self.recorded();
            let end = lines.iter().position(|line| line.contains(&mark));
            end.map(|end| {
                let commands = lines[1..end].iter();
                commands.filter(|line| !is_ours(line)).cloned().collect()
            })
            .ok_or_else(|| format!("{} lines", lines.len()))
        })
    }

    /// The same, and ends the recording.
    #[must_use]
    pub fn stop(self) -> Vec<String> {
        self.commands()
    }
}

/// What the monitor causes itself: signing in (which servers show without its arguments), and marks
/// of earlier readings.
fn is_ours(line: &str) -> bool {
    line.contains("] \"echo\" \"") || line.contains("] \"AUTH\" \"(redacted)\"")
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
