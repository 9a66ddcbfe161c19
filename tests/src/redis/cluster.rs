//! A cluster of three masters.

use super::cli::USER;
use super::{Options, RedisServer};
use crate::{ports, wait};

/// How many masters.
const MASTERS: usize = 3;

/// The whole. It ends when this is dropped.
#[derive(Debug)]
pub struct RedisCluster {
    servers: Vec<RedisServer>,
    ids: Vec<String>,
}

/// A slot on its way: its keys are with the new owner, and whoever asks the old one is sent there
/// by `ASK`. [`RedisCluster::finish_move`] ends it.
#[derive(Debug)]
#[must_use]
pub struct Move {
    slot: String,
    from: usize,
    to: usize,
}

impl RedisCluster {
    /// Three masters that share all slots and answer when this returns.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&Options::default())
    }

    /// The same with other settings of the servers.
    #[must_use]
    pub fn with(options: &Options) -> Self {
        let mut servers = Vec::new();
        for _ in 0..MASTERS {
            let mut options = options
                .clone()
                .line("cluster-enabled yes")
                .line("cluster-node-timeout 3000")
                .line(&format!("cluster-port {}", ports::free(options.address)));
            if options.tls.is_some() {
                options = options.line("tls-cluster yes");
            }
            servers.push(RedisServer::with(options));
        }
        let addresses: Vec<_> = servers.iter().map(|server| server.address().to_string()).collect();
        let mut create = vec!["--cluster", "create"];
        create.extend(addresses.iter().map(String::as_str));
        create.extend(["--cluster-replicas", "0", "--cluster-yes"]);
        let said = servers[0].cli(&create);
        for server in &servers {
            wait::until("a cluster that agrees", || {
                let info = server.cli(&["cluster", "info"]);
                let agreed =
                    ["cluster_state:ok", "cluster_slots_ok:16384", "cluster_known_nodes:3"];
                let agreed = agreed.iter().all(|line| info.contains(line));
                if agreed { Ok(()) } else { Err(format!("{info}\n{said}")) }
            });
        }
        let ids = servers.iter().map(|server| server.cli(&["cluster", "myid"])).collect();
        Self { servers, ids }
    }

    /// What settings take: `redis+cluster://[user:password@]h1:p1,h2:p2,h3:p3`, or
    /// `rediss+cluster://…`.
    #[must_use]
    pub fn url(&self) -> String {
        let options = self.servers[0].options();
        let all: Vec<_> = self.servers.iter().map(|server| server.address().to_string()).collect();
        format!("{}+cluster://{}{}", options.scheme(), options.userinfo(), all.join(","))
    }

    /// The masters.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The masters, to kill or restart one.
    #[must_use]
    pub fn servers_mut(&mut self) -> &mut [RedisServer] {
        &mut self.servers
    }

    /// Keys of all masters.
    #[must_use]
    pub fn keys_count(&self) -> usize {
        self.servers.iter().map(RedisServer::keys_count).sum()
    }

    /// The slot of a key.
    #[must_use]
    pub fn slot(&self, key: &str) -> String {
        self.servers[0].cli(&["cluster", "keyslot", key])
    }

    /// Which of the masters has the slot of this key.
    #[must_use]
    pub fn owner(&self, key: &str) -> usize {
        let slot: u16 = self.slot(key).parse().expect("a slot");
        let owner = self.servers.iter().position(|server| {
            let nodes = server.cli(&["cluster", "nodes"]);
            let own = nodes.lines().find(|line| line.contains("myself")).expect("itself");
            // After eight columns come ranges, such as `0-5460` or `7`, and `[…]` for moves.
            own.split(' ').skip(8).any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                match (first.parse::<u16>(), last.parse::<u16>()) {
                    (Ok(first), Ok(last)) => (first..=last).contains(&slot),
                    _ => false,
                }
            })
        });
        owner.unwrap_or_else(|| panic!("nobody has slot {slot}"))
    }

    /// Moves the slot of this key to the next master with all its keys, but not to the end: until
    /// [`RedisCluster::finish_move`] whoever asks its old owner for a key is answered `ASK`.
    pub fn begin_move(&self, key: &str) -> Move {
        let slot = self.slot(key);
        let from = self.owner(key);
        let to = (from + 1) % MASTERS;
        let (source, target) = (&self.servers[from], &self.servers[to]);
        let set = |server: &RedisServer, state, id: &str| {
            assert_eq!(server.cli(&["cluster", "setslot", &slot, state, id]), "OK");
        };
        set(target, "importing", &self.ids[from]);
        set(source, "migrating", &self.ids[to]);
        let keys = source.cli(&["cluster", "getkeysinslot", &slot, "100000"]);
        if !keys.is_empty() {
            let (host, port) =
                (target.address().ip().to_string(), target.address().port().to_string());
            let password = &source.options().password;
            let mut migrate =
                vec!["migrate", &host, &port, "", "0", "10000", "AUTH2", USER, password, "KEYS"];
            migrate.extend(keys.lines());
            assert_eq!(source.cli(&migrate), "OK");
        }
        Move { slot, from, to }
    }

    /// Makes the new master the slot's owner; whoever asks the old one is answered `MOVED`.
    pub fn finish_move(&self, begun: Move) {
        let Move { slot, from, to } = begun;
        // First who gets it, then who gives it: at no time has it no owner.
        let rest = (0..MASTERS).filter(|index| *index != from && *index != to);
        for index in [to, from].into_iter().chain(rest) {
            let node = ["cluster", "setslot", &slot, "node", &self.ids[to]];
            assert_eq!(self.servers[index].cli(&node), "OK");
        }
    }

    /// Moves the slot of this key to the next master.
    pub fn move_slot(&self, key: &str) {
        self.finish_move(self.begin_move(key));
    }
}
