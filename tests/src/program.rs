//! The outpost as operators run it: a process with an environment, its output, its exit code.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use outpost_demo::core::StandInCore;
use serde_json::Value;
use tokio::sync::watch;

use crate::process::{self, signal};

/// Longest that a line or the end of an outpost is awaited.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running outpost. Dropping it kills it.
pub struct Program {
    child: Arc<Mutex<Child>>,
    pid: u32,
    seen: watch::Receiver<Seen>,
}

/// What a process has shown so far.
#[derive(Debug, Default)]
struct Seen {
    lines: Vec<String>,
    ended: Option<ExitStatus>,
}

/// The program. Cargo builds it beside the test, whenever the whole workspace is tested; the variable
/// `OUTPOST_PROGRAM` names another one, as `tests/regressions` does.
///
/// # Panics
/// When there is no such file.
#[must_use]
pub fn executable() -> PathBuf {
    if let Some(other) = std::env::var_os("OUTPOST_PROGRAM") {
        let other = PathBuf::from(other);
        assert!(other.is_file(), "OUTPOST_PROGRAM: {} is missing", other.display());
        return other;
    }
    let own = std::env::current_exe().expect("a test has a path");
    let program = own
        .ancestors()
        .nth(2)
        .map(|target| target.join(format!("outpost{}", std::env::consts::EXE_SUFFIX)))
        .expect("a test lives in a target directory");
    assert!(program.is_file(), "{} is missing: cargo build -p outpost", program.display());
    program
}

/// Runs the program to its end with these arguments and nothing but these variables.
#[must_use]
pub fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(executable());
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command.output().expect("the program runs")
}

/// What an outpost of `core` is given: listeners on ports of their own, no waiting before a
/// refresh, and a clear log level. Later entries of `variables` win; an empty value counts as not
/// set.
#[must_use]
pub fn environment(core: &StandInCore, variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut environment: BTreeMap<String, String> = [
        ("AUTHENTIK_HOST", core.url()),
        ("AUTHENTIK_TOKEN", core.token()),
        ("AUTHENTIK_LISTEN__HTTP", "127.0.0.1:0".into()),
        ("AUTHENTIK_LISTEN__HTTPS", "127.0.0.1:0".into()),
        ("AUTHENTIK_LISTEN__METRICS", "127.0.0.1:0".into()),
        ("AUTHENTIK_LOG_LEVEL", "info".into()),
        ("OUTPOST__DASHBOARD__LISTEN", "127.0.0.1:0".into()),
        ("OUTPOST__CORE__REFRESH_JITTER", "0s".into()),
        // Applications of tests count connections.
        ("OUTPOST__DOCTOR__CONNECT", "false".into()),
        ("OUTPOST__WEB__WORKERS", "2".into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    for (name, value) in variables {
        environment.insert((*name).to_owned(), (*value).to_owned());
    }
    environment
}

impl Program {
    /// Starts an outpost of `core` with more variables; see [`environment`].
    #[must_use]
    pub fn start(core: &StandInCore, variables: &[(&str, &str)]) -> Self {
        Self::launch(&[], &environment(core, variables))
    }

    /// Starts an outpost with these variables alone, after the words of `prefix`: a program, by
    /// its full path, that becomes the outpost, as
    /// [`Partition::prefix`](crate::Partition::prefix) gives it.
    #[must_use]
    pub fn launch(prefix: &[String], environment: &BTreeMap<String, String>) -> Self {
        let mut command = match prefix.split_first() {
            None => Command::new(executable()),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(executable());
                command
            }
        };
        let mut child = command
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let pid = child.id();
        let output: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("standard output")),
            Box::new(child.stderr.take().expect("standard error")),
        ];
        let child = Arc::new(Mutex::new(child));
        let (show, seen) = watch::channel(Seen::default());
        let show = Arc::new(show);
        let readers = output.map(|output| {
            let show = Arc::clone(&show);
            thread::spawn(move || {
                for line in BufReader::new(output).lines() {
                    let Ok(line) = line else { break };
                    show.send_modify(|seen| seen.lines.push(line));
                }
            })
        });
        let ending = Arc::clone(&child);
        thread::spawn(move || {
            // Both ends close when the process ends, so that the wait is none.
            for reader in readers {
                let _ = reader.join();
            }
            let status = ending.lock().unwrap_or_else(PoisonError::into_inner).wait();
            show.send_modify(|seen| seen.ended = status.ok());
        });
        Self { child, pid, seen }
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(self.pid, name);
    }

    /// Processor time that it has used so far, to the hundredth of a second.
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        process::processor_time(self.pid).expect("a process")
    }

    /// Bytes of memory that it occupies.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most bytes of memory that it has ever occupied.
    #[must_use]
    pub fn most_resident(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, what: &str) -> u64 {
        process::memory(self.pid, what).expect("its memory")
    }

    /// How many files and sockets it has open.
    #[must_use]
    pub fn handles(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid)).expect("a process").count()
    }

    /// Everything written so far, by line; standard error as well.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.seen.borrow().lines.clone()
    }

    /// How many lines so far hold `text`.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        self.seen.borrow().lines.iter().filter(|line| line.contains(text)).count()
    }

    /// Waits for a line that holds `text`.
    pub async fn line(&self, text: &str) -> String {
        self.nth_line(text, 1).await
    }

    /// Waits until `times` lines hold `text`; gives the last of them.
    pub async fn nth_line(&self, text: &str, times: usize) -> String {
        let found = |seen: &Seen| {
            let mut lines = seen.lines.iter().filter(|line| line.contains(text));
            lines.nth(times - 1).cloned()
        };
        self.wait(&format!("{times} lines with {text:?}"), found).await
    }

    /// Waits for the end; gives the exit code.
    pub async fn exit_code(&self) -> Option<i32> {
        self.wait("the end", |seen| seen.ended).await.code()
    }

    async fn wait<T>(&self, what: &str, found: impl Fn(&Seen) -> Option<T>) -> T {
        let mut seen = self.seen.clone();
        let wanted = seen.wait_for(|seen| found(seen).is_some());
        let result = tokio::time::timeout(PATIENCE, wanted).await;
        if let Ok(Ok(seen)) = &result
            && let Some(found) = found(seen)
        {
            return found;
        }
        drop(result);
        panic!("not seen: {what}; but:\n{}", self.lines().join("\n"));
    }

    /// Where the listener of this name is bound: `http`, `https`, `metrics` or `dashboard`.
    pub async fn address(&self, listener: &str) -> SocketAddr {
        let line = self.line("\"the outpost listens\"").await;
        let line: Value = serde_json::from_str(&line).expect("a JSON line");
        let bound = line[listener].as_str().unwrap_or_default();
        let list = bound.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
        let first = list.unwrap_or_default().split(", ").next().unwrap_or_default();
        first.parse().unwrap_or_else(|error| panic!("{listener} {bound:?}: {error}"))
    }

    /// Waits until a configuration with `count` providers is in effect.
    pub async fn serves(&self, count: usize) {
        self.line(&format!("\"providers\":{count},")).await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}
