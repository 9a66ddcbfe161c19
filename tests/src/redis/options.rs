//! How a server is set up.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use crate::certificates::Authority;
use crate::partition::Partition;

/// Which program answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Product {
    /// `redis-server`.
    #[default]
    Redis,
    /// `valkey-server`; it cannot do TLS.
    Valkey,
}

impl Product {
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        }
    }
}

/// Settings of a server. By default: Redis on loopback, no password, no TLS, nothing kept on disk.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) product: Product,
    pub(super) address: IpAddr,
    pub(super) prefix: Vec<String>,
    /// What clients sign in with: name (empty for the default user) and password.
    pub(super) login: Option<(String, String)>,
    /// Who issues certificates, with TLS; copies of these settings share it.
    pub(super) tls: Option<Arc<Authority>>,
    /// Password of the harness's own user; copies share it, so that servers can join.
    pub(super) password: String,
    pub(super) lines: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            product: Product::default(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            prefix: Vec::new(),
            login: None,
            tls: None,
            password: uuid::Uuid::new_v4().simple().to_string(),
            lines: String::new(),
        }
    }
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another product.
    #[must_use]
    pub const fn product(mut self, product: Product) -> Self {
        self.product = product;
        self
    }

    /// Everybody signs in with this password (`requirepass`). Letters and digits only.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        let _ = writeln!(self.lines, "requirepass {password}");
        self.login = Some((String::new(), password.to_owned()));
        self
    }

    /// Nobody but this user may sign in, with these rights, such as `~* &* +@all`: an ACL. The name
    /// and the password are letters and digits only.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str, rights: &str) -> Self {
        let _ = writeln!(self.lines, "user default off\nuser {name} on >{password} {rights}");
        self.login = Some((name.to_owned(), password.to_owned()));
        self
    }

    /// TLS alone, with a certificate for `localhost` and the address, of an authority of its own.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = Some(Arc::default());
        self
    }

    /// Every write is in a file before it is answered.
    #[must_use]
    pub fn append_only(self) -> Self {
        // Programs are killed here, never the machine: what one has written, the system has. A disk with
        // much else to do may take seconds to say so.
        self.line("appendonly yes").line("appendfsync no")
    }

    /// Writes are refused (`OOM`) beyond so many bytes, or keys evicted if
    /// `maxmemory-policy` says so.
    #[must_use]
    pub fn max_memory(self, bytes: u64) -> Self {
        self.line(&format!("maxmemory {bytes}"))
    }

    /// One more line of `redis.conf`.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        let _ = writeln!(self.lines, "{line}");
        self
    }

    /// Listens there instead of on 127.0.0.1.
    #[must_use]
    pub const fn address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// Lives behind a link of its own, which can be taken down.
    #[must_use]
    pub fn behind(mut self, partition: &Partition) -> Self {
        self.address = partition.inside();
        self.prefix = partition.prefix();
        self
    }

    /// `redis`, or `rediss` with TLS.
    pub(super) const fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "rediss" } else { "redis" }
    }

    /// `user:password@` of a URL, or nothing.
    pub(super) fn userinfo(&self) -> String {
        self.login
            .as_ref()
            .map(|(name, password)| format!("{name}:{password}@"))
            .unwrap_or_default()
    }
}
