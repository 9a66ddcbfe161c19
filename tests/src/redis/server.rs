//! One server.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use super::cli::{Cli, USER};
use super::{Monitor, Options};
use crate::daemon::Daemon;
use crate::folder::Folder;
use crate::{parts, ports, wait};

/// What becomes of the data of a server that is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// It is there again. A server that has been killed before comes back with what it had on disk:
    /// nothing, unless [`Options::append_only`].
    Kept,
    /// It is gone.
    Lost,
}

/// A server in a process of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    daemon: Daemon,
    options: Options,
    cli: Cli,
    folder: Folder,
}

impl RedisServer {
    /// Redis as it comes, with nothing in it.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// Valkey as it comes.
    #[must_use]
    pub fn valkey() -> Self {
        Self::with(Options::new().product(super::Product::Valkey))
    }

    /// A server that is set up otherwise; answers when this returns.
    #[must_use]
    pub fn with(options: Options) -> Self {
        let folder = Folder::new();
        let address = SocketAddr::new(options.address, ports::free(options.address));
        let password = options.password.clone();
        let Listening { lines: listen, authority } = listening(&options, &folder, address);
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("a folder");
        let conf = format!(
            "{listen}dir {data}\nsave \"\"\nprotected-mode no\n\
             user {USER} on >{password} ~* &* +@all\n\
             masteruser {USER}\nmasterauth {password}\n{more}",
            data = data.display(),
            more = options.lines,
        );
        let conf = folder.write("redis.conf", &conf);
        let program = parts::find(options.product.program());
        let mut command = match options.prefix.split_first() {
            None => Command::new(program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.arg(conf).current_dir(folder.path());
        let daemon = Daemon::start(command, &folder.path().join("log"));
        let cli = Cli { address, password: Some(password), authority };
        let mut server = Self { daemon, options, cli, folder };
        server.answers();
        server
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.cli.address
    }

    /// What settings take: `redis://[user:password@]host:port/0`, or `rediss://…` with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The same by way of something else, such as a relay, at this address.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("{}://{}{address}/0", self.options.scheme(), self.options.userinfo())
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    /// The file with the authority's certificate, if it speaks TLS.
    #[must_use]
    pub const fn ca_file(&self) -> Option<&PathBuf> {
        self.cli.authority.as_ref()
    }

    /// Runs a command by `redis-cli`, as a user who may do everything; gives what it prints.
    ///
    /// # Panics
    /// When it fails, or takes longer than 20 seconds.
    #[must_use]
    pub fn cli(&self, arguments: &[&str]) -> String {
        self.try_cli(arguments).unwrap_or_else(|error| panic!("{}: {error}", self.address()))
    }

    /// The same.
    ///
    /// # Errors
    /// What the server answered, or that it did not.
    pub fn try_cli(&self, arguments: &[&str]) -> Result<String, String> {
        self.cli.run(arguments)
    }

    /// Records every command from here on.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor::start(&self.cli)
    }

    /// Keys in database 0.
    #[must_use]
    pub fn keys_count(&self) -> usize {
        self.cli(&["dbsize"]).parse().expect("a number")
    }

    /// Bytes in use, as the server counts them.
    #[must_use]
    pub fn used_memory(&self) -> u64 {
        self.info("memory", "used_memory").parse().expect("a number")
    }

    /// A field of a section of `INFO`.
    #[must_use]
    pub fn info(&self, section: &str, field: &str) -> String {
        let info = self.cli(&["info", section]);
        let value =
            info.lines().find_map(|line| line.trim_end().strip_prefix(field)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("{field} is not in:\n{info}")).to_owned()
    }

    /// Clients that are connected now, without whoever asks.
    #[must_use]
    pub fn clients(&self) -> usize {
        let all: usize = self.info("clients", "connected_clients").parse().expect("a number");
        all - 1
    }

    /// Freezes it: connections stay open, new ones are taken, and nothing is answered.
    pub fn pause(&self) {
        self.daemon.pause();
    }

    /// Ends [`RedisServer::pause`].
    pub fn resume(&self) {
        self.daemon.resume();
    }

    /// Ends it in good order; what is not on disk is lost.
    pub fn stop(&mut self) {
        self.daemon.terminate();
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.daemon.kill();
    }

    /// Starts it again on the same port, after ending it if it runs.
    pub fn restart(&mut self, data: Data) {
        if self.daemon.is_started() {
            if data == Data::Kept && self.info("persistence", "aof_enabled") == "0" {
                assert_eq!(self.cli(&["save"]), "OK");
            }
            self.stop();
        }
        if data == Data::Lost {
            let folder = self.folder.path().join("data");
            fs::remove_dir_all(&folder).expect("its data");
            fs::create_dir(&folder).expect("a folder");
        }
        self.daemon.start_again();
        self.answers();
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.daemon.said()
    }

    /// Waits until it answers: it has read its data then.
    fn answers(&mut self) {
        wait::until("a server's answer", || {
            if let Some(status) = self.daemon.ended() {
                panic!("the server ended ({status}); it said:\n{}", self.daemon.said());
            }
            match self.cli.run(&["ping"]) {
                Ok(answer) if answer == "PONG" => Ok(()),
                Ok(other) | Err(other) => Err(other),
            }
        });
    }
}

/// How a server listens.
pub(super) struct Listening {
    /// Lines of its configuration.
    pub(super) lines: String,
    /// The file with the authority's certificate, with TLS.
    pub(super) authority: Option<PathBuf>,
}

/// Lines for a port, with TLS if it is wanted.
pub(super) fn listening(options: &Options, folder: &Folder, address: SocketAddr) -> Listening {
    let (ip, port) = (address.ip(), address.port());
    let Some(authority) = &options.tls else {
        return Listening { lines: format!("bind {ip}\nport {port}\n"), authority: None };
    };
    let (certificate, key) = authority.issue(&["localhost".to_owned(), ip.to_string()]);
    let authority = folder.write("ca.pem", authority.pem());
    let lines = format!(
        "bind {ip}\nport 0\ntls-port {port}\n\
         tls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients no\n\
         tls-replication yes\n",
        folder.write("cert.pem", &certificate).display(),
        folder.write("key.pem", &key).display(),
        authority.display(),
    );
    Listening { lines, authority: Some(authority) }
}
