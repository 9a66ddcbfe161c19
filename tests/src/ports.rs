//! Ports that a program can leave and come back to.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};

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
