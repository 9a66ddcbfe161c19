//! Ports: those that a program can leave and come back to, and what is reached at one.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};

/// Below what Linux gives to connections and to whoever asks for any port: nobody gets such a port
/// by accident while its owner is being restarted.
const FIRST: u16 = 10_240;
/// See [`FIRST`]; exclusive.
const END: u16 = 32_000;

/// A port of `address` that nobody has now, nor any test that runs: it is this process's as long as that
/// lives.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free(address: IpAddr) -> u16 {
    for _ in 0..1000 {
        let [first, second, ..] = uuid::Uuid::new_v4().into_bytes();
        let random = u16::from_be_bytes([first, second]);
        let port = FIRST + random % (END - FIRST);
        let is_free = match TcpListener::bind(SocketAddr::new(address, port)) {
            Ok(_) => true,
            // In a network of its own nobody else has any.
            Err(error) => error.kind() == ErrorKind::AddrNotAvailable,
        };
        if is_free && reserve(port) {
            return port;
        }
    }
    panic!("no free port of {address}")
}

/// Keeps other tests from choosing a port whose owner is not there yet, or is being restarted: by a name that
/// the system takes back with the process.
fn reserve(port: u16) -> bool {
    let name = UnixAddress::from_abstract_name(format!("outpost-test-port-{port}"));
    let reserved = name.and_then(|name| UnixListener::bind_addr(&name));
    // Never closed before the process ends.
    reserved.map(std::mem::forget).is_ok()
}

/// A port of this machine at which something answers for any host name.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    port: u16,
    scheme: &'static str,
}

impl Place {
    /// This port.
    #[must_use]
    pub const fn new(port: u16) -> Self {
        Self { port, scheme: "http" }
    }

    /// The same, where TLS is spoken.
    #[must_use]
    pub const fn over_tls(self) -> Self {
        Self { scheme: "https", ..self }
    }

    /// The port.
    #[must_use]
    pub const fn port(self) -> u16 {
        self.port
    }

    /// `<scheme>://<host>:<port><path>`.
    #[must_use]
    pub fn url(self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.port)
    }

    /// The address to connect to.
    #[must_use]
    pub const fn address(self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once() {
        let port = free(Ipv4Addr::LOCALHOST.into());
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
        assert!(!reserve(port), "it is ours, whether anybody listens or not");
    }
}
