//! Servers that are measured: on the first processor, their output read and forgotten, as that of a
//! container is.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use outpost_tests::{ports, process, wait};

/// How long a server may take to end, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(5);

/// A running server. It ends, by its process id, when this is dropped.
pub(crate) struct Server {
    child: Child,
    at: SocketAddr,
}

/// An address for a server.
pub(crate) fn address() -> SocketAddr {
    let here = Ipv4Addr::LOCALHOST;
    SocketAddr::from((here, ports::free(here.into())))
}

/// The bare servers and the load, a program of their own.
pub(crate) fn load_program() -> PathBuf {
    let program = std::env::var_os("OUTPOST_LOAD").expect("tests/bench sets OUTPOST_LOAD");
    program.into()
}

/// A command that runs on one processor, and ends when the benchmark does, however that ends.
pub(crate) fn on_processor(number: u8, program: impl Into<std::ffi::OsString>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "taskset", "-c", &number.to_string()]).arg(program.into());
    command
}

/// Seconds of processor time that these have used together, to the hundredth.
pub(crate) fn processor_seconds(servers: &[&Server]) -> f64 {
    servers.iter().map(|server| server.processor_time().as_secs_f64()).sum()
}

impl Server {
    /// Starts a server that is going to listen at `at`, and waits until it does.
    pub(crate) fn start(command: Command, at: SocketAddr) -> Self {
        let mut server = Self::spawn(command, at);
        wait::until("a server that listens", || {
            server.runs();
            TcpStream::connect(at).map_err(|error| format!("{at}: {error}"))
        });
        server
    }

    /// Fails where it has ended by itself.
    pub(crate) fn runs(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("what was to listen at {} has ended: {status}", self.at);
        }
    }

    /// Starts a server that is going to listen at `at`, and does not wait.
    pub(crate) fn spawn(mut command: Command, at: SocketAddr) -> Self {
        // Some write their access log to the one, some to the other.
        let (mut output, written) = std::io::pipe().expect("a pipe");
        let child = command
            .stdin(Stdio::null())
            .stdout(written.try_clone().expect("a pipe"))
            .stderr(written)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { child, at }
    }

    /// Where it listens.
    pub(crate) const fn at(&self) -> SocketAddr {
        self.at
    }

    /// A bare actix-web server, with more arguments.
    pub(crate) fn bare(arguments: &[&str]) -> Self {
        let at = address();
        let mut command = on_processor(0, load_program());
        command.args(["serve", "--workers", "1", "--listen", &at.to_string()]).args(arguments);
        Self::start(command, at)
    }

    /// Processor time that it and its children have used, to the hundredth of a second.
    pub(crate) fn processor_time(&self) -> Duration {
        self.processes().into_iter().filter_map(process::processor_time).sum()
    }

    /// Bytes of memory that it and its children occupy.
    pub(crate) fn resident(&self) -> u64 {
        let processes = self.processes().into_iter();
        processes.filter_map(|pid| process::memory(pid, "VmRSS:")).sum()
    }

    /// Another outpost may have children.
    fn processes(&self) -> Vec<u32> {
        let own = self.child.id();
        let listed = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let children = listed.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        std::iter::once(own).chain(children).collect()
    }
}

impl Drop for Server {
    /// In order: a program that counts where it goes (`deploy/release/train`) writes it down then.
    fn drop(&mut self) {
        let mut processes = self.processes();
        processes.reverse();
        let tell = |signal: &str| {
            for pid in &processes {
                let mut kill = Command::new("kill");
                // Most have ended by then.
                let _ = kill.args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
            }
        };
        tell("-TERM");
        let end = Instant::now() + PATIENCE;
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < end {
            std::thread::sleep(LOOK);
        }
        tell("-KILL");
        let _ = self.child.wait();
    }
}
