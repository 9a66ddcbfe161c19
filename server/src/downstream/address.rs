//! Where to listen: TCP, a Unix socket, or a socket that a service manager hands over.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// An address and port.
    Tcp(SocketAddr),
    /// A Unix socket at this path. A socket file left behind by a process that is gone is replaced.
    Unix(PathBuf),
    /// The n-th socket that the service manager has opened for us (systemd's `LISTEN_FDS`),
    /// counted from 0; TCP or Unix.
    Inherited(usize),
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Inherited(index) => write!(f, "systemd:{index}"),
        }
    }
}

/// A bound socket.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Address {
    /// Binds it; `handed` are the sockets of the service manager.
    ///
    /// # Errors
    /// When that cannot be done; the message names the address.
    pub(super) fn bind(&self, reuse_port: bool, handed: &mut ListenFd) -> io::Result<Listener> {
        match self {
            Self::Tcp(address) => bind_tcp(*address, reuse_port).map(Listener::Tcp),
            Self::Unix(path) => bind_unix(path).map(Listener::Unix),
            Self::Inherited(index) => inherited(*index, handed),
        }
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {self}: {error}")))
    }
}

/// Binds one TCP address. `[::]` on a machine without IPv6 means every IPv4 address.
///
/// # Errors
/// When the address cannot be bound; the message names it.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bind_tcp(address, false).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })
}

fn bind_tcp(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    open_tcp(address, reuse_port).or_else(|error| {
        let no_ipv6 =
            matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
                || error.raw_os_error() == Some(EAFNOSUPPORT);
        if no_ipv6 && address.is_ipv6() && address.ip().is_unspecified() {
            let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            return open_tcp(SocketAddr::new(everywhere, address.port()), reuse_port);
        }
        Err(error)
    })
}

fn open_tcp(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // What connections of a predecessor have left behind does not matter.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(reuse_port)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Binds a Unix socket; only one that nobody listens on any more is replaced.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if is_socket {
        match UnixStream::connect(path) {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)?;
            }
            Err(error) => return Err(error),
        }
    }
    UnixListener::bind(path)
}

fn inherited(index: usize, handed: &mut ListenFd) -> io::Result<Listener> {
    // A socket of another family than asked for is an error, and stays there.
    if let Ok(Some(listener)) = handed.take_tcp_listener(index) {
        return Ok(Listener::Tcp(listener));
    }
    match handed.take_unix_listener(index) {
        Ok(Some(listener)) => Ok(Listener::Unix(listener)),
        Ok(None) => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the service manager has handed over no such socket (LISTEN_FDS)",
        )),
        Err(error) => Err(error),
    }
}

/// "Address family not supported", which `io::ErrorKind` has no stable name for on every system.
const EAFNOSUPPORT: i32 = 97;
