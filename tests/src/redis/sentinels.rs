//! A master with replicas, watched by sentinels that make one of them master when it is away.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;

use super::cli::{Cli, USER};
use super::server::{Listening, listening};
use super::{Data, Options, RedisServer};
use crate::daemon::Daemon;
use crate::folder::Folder;
use crate::{parts, ports, wait};

/// Name of the master in the sentinels' settings.
pub const MASTER: &str = "outpost";

/// After how many milliseconds of silence each sentinel takes a server for away; two must agree.
/// Longer than a busy machine makes a server look away, and different: sentinels that notice at
/// once all stand for election, nobody wins, and the next one is long after.
const PATIENCE: [u32; 3] = [1000, 1500, 2500];

/// The whole. It ends when this is dropped.
#[derive(Debug)]
pub struct Sentinels {
    sentinels: Vec<Sentinel>,
    servers: Vec<RedisServer>,
}

#[derive(Debug)]
struct Sentinel {
    daemon: Daemon,
    cli: Cli,
    _folder: Folder,
}

impl Sentinels {
    /// A master, one replica and three sentinels, who know of each other when this returns.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&Options::default(), 1)
    }

    /// The same with other settings of the servers, and so many replicas. The sentinels ask for no
    /// password, and speak TLS if the servers do.
    #[must_use]
    pub fn with(options: &Options, replicas: usize) -> Self {
        // A server that becomes a replica gets its data at once.
        let options = options.clone().line("repl-diskless-sync-delay 0");
        let master = RedisServer::with(options.clone());
        let address = master.address();
        let replica =
            options.clone().line(&format!("replicaof {} {}", address.ip(), address.port()));
        let mut servers = vec![master];
        servers.extend((0..replicas).map(|_| RedisServer::with(replica.clone())));
        for server in &servers[1..] {
            wait::until("a replica that follows", || {
                let link = server.info("replication", "master_link_status");
                if link == "up" { Ok(()) } else { Err(link) }
            });
        }
        let sentinels = PATIENCE.map(|silence| Sentinel::start(&options, address, silence)).into();
        let whole = Self { sentinels, servers };
        for sentinel in &whole.sentinels {
            wait::until("sentinels that know everybody", || sentinel.knows(replicas));
        }
        whole
    }

    /// What settings take: `redis+sentinel://[user:password@]s1,s2,s3/outpost/0`, or
    /// `rediss+sentinel://…`.
    #[must_use]
    pub fn url(&self) -> String {
        let options = self.servers[0].options();
        let sentinels: Vec<_> =
            self.sentinels.iter().map(|sentinel| sentinel.cli.address.to_string()).collect();
        let sentinels = sentinels.join(",");
        format!("{}+sentinel://{}{sentinels}/{MASTER}/0", options.scheme(), options.userinfo())
    }

    /// The servers, whatever part they have now.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The server that is master, as most sentinels say.
    #[must_use]
    pub fn master(&self) -> &RedisServer {
        &self.servers[self.master_index()]
    }

    /// Kills the master; gives its address. See [`Sentinels::another_master`].
    pub fn kill_master(&mut self) -> SocketAddr {
        let index = self.master_index();
        self.servers[index].kill();
        self.servers[index].address()
    }

    /// Freezes the master; gives its address. When it is resumed the
    /// sentinels make it a replica, which takes them about ten seconds: until then it takes writes.
    pub fn pause_master(&self) -> SocketAddr {
        let master = self.master();
        master.pause();
        master.address()
    }

    /// Starts the server at this address again: it joins as a replica, which takes the
    /// sentinels about ten seconds.
    pub fn restart(&mut self, address: SocketAddr) {
        let server = self.servers.iter_mut().find(|server| server.address() == address);
        server.expect("one of the servers").restart(Data::Lost);
    }

    /// Waits until all sentinels name a master other than that one, and it is one.
    pub fn another_master(&self, than: SocketAddr) -> &RedisServer {
        wait::until("another master", || {
            let named: Vec<_> =
                self.sentinels.iter().map(Sentinel::master).collect::<Result<_, _>>()?;
            let found = self.servers.iter().find(|server| {
                server.address() != than && named.iter().all(|named| *named == server.address())
            });
            let found = found.ok_or_else(|| format!("{named:?}"))?;
            // One that follows answers `slave` in front.
            let role = found.try_cli(&["role"])?;
            if role.starts_with("master") { Ok(found) } else { Err(role) }
        })
    }

    fn master_index(&self) -> usize {
        wait::until("a master", || {
            let named: Vec<_> =
                self.sentinels.iter().map(Sentinel::master).collect::<Result<_, _>>()?;
            let found = self.servers.iter().position(|server| {
                named.iter().filter(|named| **named == server.address()).count() * 2
                    > PATIENCE.len()
            });
            found.ok_or_else(|| format!("{named:?}"))
        })
    }
}

impl Sentinel {
    fn start(options: &Options, master: SocketAddr, silence: u32) -> Self {
        let folder = Folder::new();
        let address = SocketAddr::new(options.address, ports::free(options.address));
        let Listening { mut lines, authority } = listening(options, &folder, address);
        let _ = writeln!(
            lines,
            "dir {}\n\
             sentinel monitor {MASTER} {} {} 2\n\
             sentinel auth-user {MASTER} {USER}\n\
             sentinel auth-pass {MASTER} {}\n\
             sentinel down-after-milliseconds {MASTER} {silence}\n\
             sentinel failover-timeout {MASTER} 2000",
            folder.path().display(),
            master.ip(),
            master.port(),
            options.password,
        );
        let conf = folder.write("sentinel.conf", &lines);
        let mut command = Command::new(parts::find("redis-sentinel"));
        command.arg(conf).current_dir(folder.path());
        let daemon = Daemon::start(command, &folder.path().join("log"));
        Self { daemon, cli: Cli { address, password: None, authority }, _folder: folder }
    }

    /// Whether it and the others can change the master.
    fn knows(&self, replicas: usize) -> Result<(), String> {
        let fields = self
            .cli
            .run(&["sentinel", "master", MASTER])
            .map_err(|error| format!("{error}; the sentinel said:\n{}", self.daemon.said()))?;
        let fields: Vec<&str> = fields.lines().collect();
        let count = |name: &str| {
            let value = fields.chunks(2).find(|field| field[0] == name)?.get(1)?;
            value.parse::<usize>().ok()
        };
        let known = (count("num-slaves"), count("num-other-sentinels"));
        if known != (Some(replicas), Some(PATIENCE.len() - 1)) {
            return Err(format!("(replicas, others): {known:?}"));
        }
        self.cli.run(&["sentinel", "ckquorum", MASTER]).map(drop)
    }

    fn master(&self) -> Result<SocketAddr, String> {
        let answer = self.cli.run(&["sentinel", "get-master-addr-by-name", MASTER])?;
        let address = answer.replace('\n', ":");
        address.parse().map_err(|_| format!("{answer:?} as a master"))
    }
}
