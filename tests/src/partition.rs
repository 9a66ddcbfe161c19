//! A network of its own for a process, behind one link that a test takes down and up.
//!
//! It wants root and a kernel that gives network namespaces. The namespace has no name: it and its
//! link are gone with the last process in it, however the test ends.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Output};

use crate::daemon::Daemon;
use crate::folder::Folder;
use crate::{parts, wait};

/// A hardware address that nobody has: what is sent to it is lost.
const NOBODY: &str = "02:00:00:00:00:01";

/// The link's end in the namespace.
const INSIDE: &str = "inside";

/// A network namespace with a link to this machine. Processes started with
/// [`Partition::prefix`] live in it and reach this machine at [`Partition::outside`] alone, where
/// something must listen, such as a [`Relay`](crate::Relay).
#[derive(Debug)]
pub struct Partition {
    /// Keeps the namespace there.
    holder: Daemon,
    _folder: Folder,
    /// The link's end on this machine.
    link: String,
    outside: Ipv4Addr,
    inside: Ipv4Addr,
}

impl Partition {
    /// A fresh one, with its link up.
    ///
    /// # Panics
    /// When the machine refuses: with what is missing.
    #[must_use]
    pub fn start() -> Self {
        let folder = Folder::new();
        let mut hold = Command::new(parts::find("unshare"));
        hold.args(["--net", "sleep", "infinity"]);
        let mut holder = Daemon::start(hold, &folder.path().join("log"));
        let pid = holder.pid();
        let namespace = |of: &str| fs::read_link(format!("/proc/{of}/ns/net"));
        let own = namespace("self").expect("network namespaces");
        wait::until("a network namespace", || {
            if let Some(status) = holder.ended() {
                let said = holder.said();
                panic!("no network namespace, which wants root (CAP_SYS_ADMIN): {status}: {said}");
            }
            let its = namespace(&pid.to_string()).map_err(|error| error.to_string())?;
            // The program after `unshare` has the namespace for sure.
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if its != own && name.trim() == "sleep" { Ok(()) } else { Err(name) }
        });
        // Chosen at random, as suites run side by side: a pair of 10.128.0.0/9.
        let random = uuid::Uuid::new_v4();
        let random = random.as_bytes();
        let address =
            |last: u8| Ipv4Addr::new(10, 128 | random[0], random[1], random[2] & !3 | last);
        let link = format!("op{}", hex::encode(&random[10..15]));
        let partition =
            Self { holder, _folder: folder, link, outside: address(1), inside: address(2) };
        partition.connect();
        partition
    }

    fn connect(&self) {
        let pid = self.holder.pid().to_string();
        ip(&["link", "add", &self.link, "type", "veth", "peer", "name", INSIDE, "netns", &pid]);
        ip(&["address", "add", &format!("{}/30", self.outside), "dev", &self.link]);
        ip(&["link", "set", &self.link, "up"]);
        self.ip(&["address", "add", &format!("{}/30", self.inside), "dev", INSIDE]);
        self.ip(&["link", "set", "lo", "up"]);
        self.ip(&["link", "set", INSIDE, "up"]);
    }

    /// This machine, as the process sees it.
    #[must_use]
    pub const fn outside(&self) -> IpAddr {
        IpAddr::V4(self.outside)
    }

    /// The process, as this machine sees it.
    #[must_use]
    pub const fn inside(&self) -> IpAddr {
        IpAddr::V4(self.inside)
    }

    /// Name of the link's end on this machine.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }

    /// What goes before a program and its arguments so that it lives in here. Its process id is the
    /// one that is started.
    #[must_use]
    pub fn prefix(&self) -> Vec<String> {
        let nsenter = parts::find("nsenter").to_string_lossy().into_owned();
        vec![nsenter, "--target".into(), self.holder.pid().to_string(), "--net".into(), "--".into()]
    }

    /// Takes the link down at the process's end, as a pulled cable does: it has no way out any
    /// more, and its connections hang or fail.
    pub fn down(&self) {
        self.ip(&["link", "set", INSIDE, "down"]);
    }

    /// Loses everything that either side sends from now on; nobody is told.
    pub fn lose(&self) {
        let (outside, inside) = (self.outside.to_string(), self.inside.to_string());
        let lost = |address, link| {
            ["neighbour", "replace", address, "lladdr", NOBODY, "dev", link, "nud", "permanent"]
        };
        ip(&lost(inside.as_str(), self.link.as_str()));
        self.ip(&lost(outside.as_str(), INSIDE));
    }

    /// Ends [`Partition::down`] and [`Partition::lose`].
    pub fn heal(&self) {
        self.ip(&["link", "set", INSIDE, "up"]);
        ip(&["neighbour", "flush", "dev", &self.link, "nud", "permanent"]);
        self.ip(&["neighbour", "flush", "dev", INSIDE, "nud", "permanent"]);
    }

    /// `ip` in the namespace.
    fn ip(&self, arguments: &[&str]) {
        let prefix = self.prefix();
        let mut command = Command::new(&prefix[0]);
        command.args(&prefix[1..]).arg(parts::find("ip")).args(arguments);
        succeed(&mut command);
    }
}

impl Drop for Partition {
    fn drop(&mut self) {
        // The end of the link here ends the other too; processes still in there lose it at once.
        let _ = Command::new(parts::find("ip")).args(["link", "delete", &self.link]).output();
    }
}

/// `ip` on this machine.
fn ip(arguments: &[&str]) {
    succeed(Command::new(parts::find("ip")).args(arguments));
}

fn succeed(command: &mut Command) {
    let Output { status, stderr, .. } = command.output().expect("ip runs");
    let errors = String::from_utf8_lossy(&stderr);
    assert!(
        status.success(),
        "links between network namespaces want root (CAP_NET_ADMIN) and veth: \
         {command:?}: {status}: {errors}"
    );
}
