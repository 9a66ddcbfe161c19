//! The application of the demo: it has no sign-in of its own and shows what reached it.
//!
//! | path | what it is |
//! | --- | --- |
//! | `/public/...` | a page for everybody |
//! | `/json` | what reached it, as JSON |
//! | `/echo/...` | the same, with the body as text |
//! | `/events` | server-sent events, a tick a second; `?count=N` ends after N, `?interval_ms=N` sets the pace |
//! | `/ws` | websocket echo; takes the first subprotocol offered |
//! | `/upload` | counts the bytes of the body |
//! | `/download?bytes=N` | N bytes |
//! | `/slow?ms=N` | answers after N milliseconds, 1000 if not said |
//! | anything else | what reached it: HTML for a browser, JSON where `Accept` wants it |

mod handlers;
mod view;

use std::net::SocketAddr;

use actix_web::{App, web};

pub use crate::server_thread::StartError;
use crate::server_thread::{self, Running};

/// A running sample application. Dropping it stops it.
pub struct SampleApp {
    address: SocketAddr,
    _running: Running,
}

impl std::fmt::Debug for SampleApp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SampleApp").field("address", &self.address).finish_non_exhaustive()
    }
}

impl SampleApp {
    /// Starts it on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// The port is taken, or the thread could not be made.
    pub fn start(port: u16) -> Result<Self, StartError> {
        let (listener, address) = server_thread::bind(port)?;
        let running = server_thread::start("sample application", listener, None, || {
            App::new()
                .route("/json", web::to(handlers::json))
                .route("/echo{tail:.*}", web::to(handlers::echo))
                .route("/events", web::get().to(handlers::events))
                .route("/ws", web::get().to(handlers::websocket))
                .route("/upload", web::to(handlers::upload))
                .route("/download", web::get().to(handlers::download))
                .route("/slow", web::to(handlers::slow))
                .default_service(web::to(handlers::anything))
        })?;
        Ok(Self { address, _running: running })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
