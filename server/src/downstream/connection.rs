//! One connection, from its first byte to the version of HTTP that is spoken on it.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::BytesMut;
use outpost_decision::origin::TrustedNetworks;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::date::Date;
use super::io::Prefixed;
use super::{App, Direct, Limits, http1, http2, opening};
use crate::carried::Connection;
use crate::drain::Drain;
use crate::duplex::Stream;
use crate::limits::{Admission, Admitted};

/// What the connections of one listener in one worker share.
pub(super) struct Context {
    pub(super) direct: Direct,
    pub(super) app: App,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) proxy_protocol: Option<TrustedNetworks>,
    pub(super) limits: Limits,
    pub(super) admission: Admission,
    pub(super) drain: Drain,
    pub(super) date: Date,
}

/// An accepted connection.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self::Unix(stream)
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(socket: Socket, context: &Rc<Context>) {
    let _open = context.admission.figures.connection();
    let (socket, peer): (Stream, _) = match socket {
        Socket::Tcp(stream) => {
            // Small answers matter more here than full packets; failing changes nothing.
            let _ = stream.set_nodelay(true);
            // A client that has reset the connection meanwhile has no address any more, and none is
            // what those of Unix sockets have: it would be believed as they are.
            let Ok(peer) = stream.peer_addr() else { return };
            (Box::new(stream), Some(peer))
        }
        Socket::Unix(stream) => (Box::new(stream), None),
    };
    let opened = timeout(context.limits.head, open(socket, peer, context));
    let opened = tokio::select! {
        opened = opened => opened,
        () = context.drain.over() => return,
    };
    match opened {
        Ok(Ok(Opened { stream, connection, http2, admitted: _admitted })) => {
            if http2 {
                http2::serve(stream, connection, context).await;
            } else {
                http1::serve(stream, connection, context).await;
            }
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Ok(Err(error)) => tracing::debug!(?peer, %error, "a connection came to nothing"),
        Err(_) => tracing::debug!(?peer, "a connection did not begin in time"),
    }
}

struct Opened {
    stream: Stream,
    connection: Rc<Connection>,
    http2: bool,
    admitted: Option<Admitted>,
}

/// PROXY header, TLS, and the version of HTTP.
async fn open(
    mut socket: Stream,
    peer: Option<SocketAddr>,
    context: &Context,
) -> io::Result<Opened> {
    let mut connection = Connection { peer, tls: context.tls.is_some(), server_name: None };
    let mut read = BytesMut::new();
    // Whoever can open a Unix socket of ours is this machine.
    let believed = context
        .proxy_protocol
        .as_ref()
        .is_some_and(|trusted| peer.is_none_or(|peer| trusted.contains(peer.ip())));
    if believed && let Some(header) = opening::proxy_header(&mut socket, &mut read).await? {
        connection.peer = header.source.or(peer);
        connection.tls |= header.tls;
        connection.server_name = header.server_name.map(String::into_boxed_str);
    }
    // Before anything is spent on it.
    let client = connection.peer.map(|peer| peer.ip());
    let admitted = context.admission.admit(client).map_err(io::Error::other)?;
    let Some(acceptor) = &context.tls else {
        let http2 = opening::is_http2(&mut socket, &mut read).await?;
        let stream = Box::new(Prefixed::new(read.freeze(), socket));
        return Ok(Opened { stream, connection: Rc::new(connection), http2, admitted });
    };
    let stream = acceptor.accept(Prefixed::new(read.freeze(), socket)).await?;
    let (_, tls) = stream.get_ref();
    let http2 = tls.alpn_protocol() == Some(b"h2");
    if let Some(name) = tls.server_name() {
        connection.server_name = Some(name.into());
    }
    Ok(Opened { stream: Box::new(stream), connection: Rc::new(connection), http2, admitted })
}
