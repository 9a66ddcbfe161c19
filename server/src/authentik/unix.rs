//! Connects to a socket file, whatever host a request names.

use std::path::PathBuf;
use std::rc::Rc;

use actix_rt::net::UnixStream;
use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actix_web::http::Uri;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

/// The connector service awc asks for connections.
#[derive(Clone, Debug)]
pub(super) struct UnixConnector {
    socket: Rc<PathBuf>,
}

impl UnixConnector {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { socket: Rc::new(socket) }
    }
}

impl Service<ConnectInfo<Uri>> for UnixConnector {
    type Response = Connection<Uri, UnixStream>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    actix_service::always_ready!();

    fn call(&self, request: ConnectInfo<Uri>) -> Self::Future {
        let socket = Rc::clone(&self.socket);
        async move {
            let stream = UnixStream::connect(socket.as_path()).await.map_err(ConnectError::Io)?;
            Ok(Connection::new(request.request().clone(), stream))
        }
        .boxed_local()
    }
}
