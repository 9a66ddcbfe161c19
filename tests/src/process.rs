//! Programs that a test starts and ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest that a program may take to say that it is up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a signal by name, such as `TERM`, to a process of the test's own.
///
/// # Panics
/// When there is no such process.
pub fn signal(pid: u32, name: &str) {
    let kill = format!("kill -{name} {pid}");
    let sent = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
    assert!(sent.success(), "{kill}");
}

/// Processor time that a process has used so far, to the hundredth of a second; `None` once it is gone.
#[must_use]
pub fn processor_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Fields 14 and 15; the name, the second one, is in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(Duration::from_millis(10 * (ticks.next()?.ok()? + ticks.next()?.ok()?)))
}

/// Bytes of memory of a process, by the name of the line in its status; `None` once it is gone.
#[must_use]
pub fn memory(pid: u32, what: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(what))?;
    Some(1024 * line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
}

/// A running program; it ends, by its process id, when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts a program and reads what it says on its standard output.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = child.stdout.take().expect("a pipe");
        let (sender, lines) = channel();
        // To the end, whether anybody listens or not: a full pipe would stop the program.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// The rest of the first line that contains `mark`, after it; `None` when the program ends
    /// without such a line.
    ///
    /// # Panics
    /// When it does not come within a minute.
    #[must_use]
    pub fn says(&self, mark: &str) -> Option<String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let line = match self.lines.recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => line,
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    panic!("process {} does not say {mark:?}", self.child.id())
                }
            };
            if let Some((_, rest)) = line.split_once(mark) {
                return Some(rest.to_owned());
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
