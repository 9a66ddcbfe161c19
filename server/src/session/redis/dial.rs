//! Connecting and signing in.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, RedisConnectionInfo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::failure::Failure;
use super::hello;
use super::options::{RedisAddress, RedisLogin};

/// Commands that wait to be written on a connection.
const QUEUE: usize = 1024;

/// What moves a connection; it is closed when this is dropped.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection, in the clear or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection on which somebody has signed in.
pub(super) struct Dialed {
    pub(super) connection: MultiplexedConnection,
    pub(super) driver: Driver,
    /// Where it leads to.
    pub(super) peer: SocketAddr,
}

/// Opens connections. Must be used on the runtime that is to drive them.
#[derive(Clone)]
pub(super) struct Dialer {
    tls: Option<Arc<ClientConfig>>,
    limit: Duration,
}

impl Dialer {
    /// A dialer that gives up after `limit`.
    pub(super) const fn new(tls: Option<Arc<ClientConfig>>, limit: Duration) -> Self {
        Self { tls, limit }
    }

    /// A connection on which somebody has signed in.
    pub(super) async fn dial(
        &self,
        server: &RedisAddress,
        login: &RedisLogin,
        database: i64,
    ) -> Result<Dialed, Failure> {
        self.in_time(async {
            let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
            let (info, peer) = (info(login, database), stream.peer_addr()?);
            let (connection, driver) = begin(&info, self.secure(server, stream).await?).await?;
            Ok(Dialed { connection, driver, peer })
        })
        .await
    }

    /// A connection to the master that another one of these leads to, by which somebody reads who
    /// speaks the protocol himself.
    pub(super) async fn dial_for_reads(
        &self,
        beside: (&RedisAddress, SocketAddr),
        login: &RedisLogin,
        database: i64,
    ) -> Result<Box<dyn Stream>, Failure> {
        self.in_time(async {
            let (server, peer) = beside;
            let mut stream = self.secure(server, TcpStream::connect(peer).await?).await?;
            hello::say(&mut stream, login, database).await?;
            Ok(stream)
        })
        .await
    }

    async fn secure(
        &self,
        server: &RedisAddress,
        stream: TcpStream,
    ) -> Result<Box<dyn Stream>, Failure> {
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(server.host.clone())
            .map_err(|_| Failure::Link("its name fits no certificate".to_owned()))?;
        let connector = TlsConnector::from(Arc::clone(tls));
        Ok(Box::new(connector.connect(name, stream).await?))
    }

    async fn in_time<T>(
        &self,
        dialing: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::time::timeout(self.limit, dialing)
            .await
            .unwrap_or_else(|_| Err(Failure::Link(format!("no connection in {:?}", self.limit))))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Link(error.to_string())
    }
}

async fn begin(
    info: &RedisConnectionInfo,
    stream: Box<dyn Stream>,
) -> Result<(MultiplexedConnection, Driver), Failure> {
    // Each command is timed where it is sent.
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_connection_timeout(None)
        .set_pipeline_buffer_size(QUEUE);
    let (connection, driver) = MultiplexedConnection::new_with_config(info, stream, config).await?;
    Ok((connection, Box::pin(driver)))
}

fn info(login: &RedisLogin, database: i64) -> RedisConnectionInfo {
    let mut info = RedisConnectionInfo::default().set_db(database).set_skip_set_lib_name();
    if let Some(password) = &login.password {
        info = info.set_password(password.expose_secret());
        if let Some(username) = &login.username {
            info = info.set_username(username);
        }
    }
    info
}
