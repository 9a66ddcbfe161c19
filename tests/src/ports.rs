//! Ports: those that a program can leave and come back to, and what is reached at one.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

/// Below what Linux gives to connections and to whoever asks for any port: nobody gets such a port
/// by accident while its owner is being restarted.
const FIRST: u16 = 10_240;
/// See [`FIRST`]; exclusive.
const END: u16 = 32_000;

/// A port of `address` that nobody has now. Chosen at random, so that suites running side by side
/// choose differently.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free(address: IpAddr) -> u16 {
    for _ in 0..1000 {
        let [first, second, ..] = uuid::Uuid::new_v4().into_bytes();
        let random = u16::from_be_bytes([first, second]);
        let port = FIRST + random % (END - FIRST);
        match TcpListener::bind(SocketAddr::new(address, port)) {
            Ok(_) => return port,
            // In a network of its own nobody else has any.
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => return port,
            Err(_) => {}
        }
    }
    panic!("no free port of {address}")
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
