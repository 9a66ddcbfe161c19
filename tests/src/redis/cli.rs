//! `redis-cli`, as the harness uses it: as a user of its own, and never for long.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::parts;

/// The harness's own user on every server, so that rights given to clients don't bind it.
pub(super) const USER: &str = "harness";

/// Longest that a command may take, in seconds.
const PATIENCE: &str = "20";

/// How a server is reached.
#[derive(Clone, Debug)]
pub(super) struct Cli {
    pub(super) address: SocketAddr,
    /// Password of [`USER`]; none where there is no such user.
    pub(super) password: Option<String>,
    /// The authority's certificate, for TLS.
    pub(super) authority: Option<PathBuf>,
}

impl Cli {
    /// `redis-cli` with all it needs to get in.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(parts::find("redis-cli"));
        self.arguments(&mut command);
        command
    }

    /// The same, ended after a while. It stays in the test's process group, to end with it.
    fn bounded(&self) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--foreground", "--kill-after=1", PATIENCE]).arg(parts::find("redis-cli"));
        self.arguments(&mut command);
        command
    }

    fn arguments(&self, command: &mut Command) {
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        command.args(["-h", &host, "-p", &port]);
        if let Some(password) = &self.password {
            command.args(["--user", USER]).env("REDISCLI_AUTH", password);
        }
        if let Some(file) = &self.authority {
            command.arg("--tls").arg("--cacert").arg(file);
        }
    }

    /// Runs a command; gives what it prints, or why it failed.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.bounded().arg("-e").args(arguments).output().expect("redis-cli runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            let (said, errors) = (text(&output.stdout), text(&output.stderr));
            Err(format!("{arguments:?}: {}: {said} {errors}", output.status))
        }
    }
}
