//! Servers that a test starts, stops, freezes and starts again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::process::signal;
use crate::wait;

/// A program with its output in a file. It ends, by its process id, when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    command: Command,
    child: Option<Child>,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program; what it says goes to the end of `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command, log: &Path) -> Self {
        command.stdin(Stdio::null());
        let mut daemon = Self { command, child: None, log: log.to_owned() };
        daemon.start_again();
        daemon
    }

    /// Starts the same command once more.
    ///
    /// # Panics
    /// When it runs still, or cannot be started.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "it runs: {:?}", self.command);
        let log = File::options().create(true).append(true).open(&self.log).expect("a log");
        let errors = log.try_clone().expect("a log");
        let child = self.command.stdout(log).stderr(errors).spawn();
        self.child = Some(child.unwrap_or_else(|error| panic!("{:?}: {error}", self.command)));
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap_or_else(|| panic!("it does not run: {:?}", self.command)).id()
    }

    /// Whether it has been started and not been ended by this test.
    #[must_use]
    pub const fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// How it has ended by itself, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().expect("a child"))
    }

    /// All it has said.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it with `SIGKILL`; it may have ended before.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end with `SIGTERM` and awaits that.
    ///
    /// # Panics
    /// When it does not run, or does not end in time.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        let status =
            wait::until("the end of a program", || self.ended().ok_or_else(|| self.said()));
        self.child = None;
        status
    }

    /// Freezes it: its sockets stay open and nothing is answered.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Ends [`Daemon::pause`].
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Sends a signal by name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}
