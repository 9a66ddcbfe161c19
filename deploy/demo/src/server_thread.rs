//! An actix-web server on a thread of its own, ended by dropping it: what the stand-in core and the sample
//! application run on, whatever runtime their owner has.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use actix_web::{
    App, Error, HttpServer,
    body::MessageBody,
    dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
};
use rustls::ServerConfig;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken or may not be used.
    #[error("port {port} of 127.0.0.1 cannot be used: {source}")]
    Bind {
        /// The port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate could not be made.
    #[error("the certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS configuration was refused.
    #[error("the TLS configuration was refused: {0}")]
    Tls(rustls::Error),
    /// The server's thread did not start.
    #[error("the server did not start: {0}")]
    Thread(std::io::Error),
}

/// How long a stopped worker may take to end.
const WORKER_END: Duration = Duration::from_secs(5);

/// A server on a thread of its own.
pub(crate) struct Running {
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    /// Disconnected once the worker and every connection are gone.
    gone: mpsc::Receiver<Infallible>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The command is sent when `stop` is called; the future only waits for its completion, as `join` does.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // A forced stop does not wait for the worker's thread, which might still answer on an open connection.
        let _ = self.gone.recv_timeout(WORKER_END);
    }
}

/// Binds a port of 127.0.0.1; 0 takes a free one.
pub(crate) fn bind(port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Bind { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// Serves `app` until the returned value is dropped.
pub(crate) fn start<F, T, B>(
    name: &str,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    app: F,
) -> Result<Running, StartError>
where
    F: Fn() -> App<T> + Send + Clone + 'static,
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let (started, wait) = mpsc::sync_channel(1);
    let (alive, gone) = mpsc::channel::<Infallible>();
    // The application of a worker holds it, and its connections hold the application.
    let app = move || app().app_data(alive.clone());
    let serve = move || {
        actix_rt::System::new().block_on(async move {
            let server = HttpServer::new(app).workers(1).shutdown_timeout(0).disable_signals();
            let listening = match tls {
                None => server.listen(listener),
                Some(config) => server.listen_rustls_0_23(listener, ServerConfig::clone(&config)),
            };
            match listening {
                Ok(server) => {
                    let server = server.run();
                    let _ = started.send(Ok(server.handle()));
                    if let Err(error) = server.await {
                        tracing::error!(%error, "a server of the demo ended");
                    }
                }
                Err(error) => {
                    let _ = started.send(Err(StartError::Thread(error)));
                }
            }
        });
    };
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(serve)
        .map_err(StartError::Thread)?;
    let ended = |_| StartError::Thread(std::io::Error::other("its thread ended at once"));
    let handle = wait.recv().map_err(ended)??;
    Ok(Running { handle, thread: Some(thread), gone })
}
