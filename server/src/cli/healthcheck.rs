//! `outpost healthcheck`: asks the outpost on this machine whether it answers, or whether it is ready.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;
use thiserror::Error;

use crate::downstream::Address;
use crate::settings::Listen;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Why the outpost is not healthy.
#[derive(Debug, Error)]
pub(super) enum Unhealthy {
    /// Nobody answers.
    #[error("{address}: {error}")]
    Silent { address: SocketAddr, error: io::Error },
    /// Somebody answers, and not as an outpost does.
    #[error("{address} answered {line:?}")]
    Answer { address: SocketAddr, line: String },
    /// There is nobody to ask.
    #[error("no listener has an address to ask: whether it is ready, listen.metrics alone says")]
    NoListener,
}

/// What to ask.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct HealthcheckArguments {
    /// Ask whether it takes requests: not before it has its configuration, nor while it ends
    #[arg(long)]
    ready: bool,
}

impl HealthcheckArguments {
    /// Path and the status of a good answer.
    const fn question(self) -> (&'static str, &'static str) {
        if self.ready { ("/ready", "200") } else { ("/ping", "204") }
    }
}

/// Asks the metrics listener, else (for its ping alone) the HTTP listener.
pub(super) fn ask(listen: &Listen, what: HealthcheckArguments) -> Result<(), Unhealthy> {
    let tcp = |address: &Address| match address {
        Address::Tcp(address) => Some(*address),
        Address::Unix(_) | Address::Inherited(_) => None,
    };
    let http = || if what.ready { None } else { listen.http.iter().find_map(tcp) };
    let address = listen.metrics.first().copied().or_else(http).ok_or(Unhealthy::NoListener)?;
    let mut outcome = Err(Unhealthy::NoListener);
    for address in reachable(address) {
        outcome = answer(address, what);
        if !matches!(outcome, Err(Unhealthy::Silent { .. })) {
            break;
        }
    }
    outcome
}

/// Where a listener can be reached from this machine.
fn reachable(address: SocketAddr) -> Vec<SocketAddr> {
    let hosts: &[IpAddr] = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        // Containers often have no IPv6 loopback.
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
        }
        ip => return vec![(ip, address.port()).into()],
    };
    hosts.iter().map(|host| (*host, address.port()).into()).collect()
}

fn answer(address: SocketAddr, what: HealthcheckArguments) -> Result<(), Unhealthy> {
    let (path, good) = what.question();
    let line = status_line(address, path).map_err(|error| Unhealthy::Silent { address, error })?;
    if line.split(' ').nth(1) == Some(good) {
        Ok(())
    } else {
        Err(Unhealthy::Answer { address, line })
    }
}

fn status_line(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let path = format!("{}{path}", outpost_decision::OUTPOST_PREFIX);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    // In one piece: whoever answers at the first bytes and closes would reset the rest.
    stream.write_all(request.as_bytes())?;
    let mut head = [0; 256];
    let mut filled = 0;
    while let Some(room @ [_, ..]) = head.get_mut(filled..) {
        match stream.read(room)? {
            0 => break,
            read => filled += read,
        }
        if head.contains(&b'\n') {
            break;
        }
    }
    let head = String::from_utf8_lossy(head.get(..filled).unwrap_or_default());
    Ok(head.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::settings::TlsVersion;

    fn answering(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        (address, thread)
    }

    fn listen(metrics: Option<SocketAddr>, http: Option<SocketAddr>) -> Listen {
        Listen {
            http: http.into_iter().map(Address::Tcp).collect(),
            proxy_protocol: true,
            reuse_port: false,
            https: Vec::new(),
            metrics: metrics.into_iter().collect(),
            trusted_proxy_cidrs: Vec::new(),
            forwarded: false,
            tls_min: TlsVersion::Tls12,
            check_server_name: true,
        }
    }

    const ALIVE: HealthcheckArguments = HealthcheckArguments { ready: false };
    const READY: HealthcheckArguments = HealthcheckArguments { ready: true };

    #[test]
    fn a_204_is_healthy() {
        let (address, server) = answering("HTTP/1.1 204 No Content\r\n\r\n");
        ask(&listen(Some((Ipv6Addr::UNSPECIFIED, address.port()).into()), None), ALIVE).unwrap();
        assert!(server.join().unwrap().starts_with("GET /outpost.goauthentik.io/ping HTTP/1.1"));
    }

    #[test]
    fn anything_else_is_not() {
        let (address, _server) = answering("HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert!(matches!(ask(&listen(None, Some(address)), ALIVE), Err(Unhealthy::Answer { .. })));
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(matches!(ask(&listen(Some(free), None), ALIVE), Err(Unhealthy::Silent { .. })));
        assert!(matches!(ask(&listen(None, None), ALIVE), Err(Unhealthy::NoListener)));
        // The HTTP listener does not say whether it is ready.
        assert!(matches!(ask(&listen(None, Some(free)), READY), Err(Unhealthy::NoListener)));
    }
}
