//! What requests and answers carry that actix-web has no room for: the connection below them, their
//! head as it came, interim answers, trailers, and the bytes after an upgrade.
//!
//! The wire makes a [`Carried`] of each request of the data plane. The first phases know nothing else of
//! it; what they leave for the others lies there, too. A request that goes on to actix-web has it in its
//! extensions.

mod answer_body;

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use hyper::upgrade::OnUpgrade;

pub use answer_body::AnswerBody;

/// Where interim answers go until the final answer begins: 103 and other 1xx, never 101, and 100
/// over HTTP/2 only: in HTTP/1.1 it is said when the body of a request that waits is first read.
pub trait InterimSink: Send + Sync {
    /// Sends one. It is dropped where the client cannot receive it any more, or at all: nobody
    /// needs them (RFC 9110 15.2).
    fn send(&self, status: StatusCode, headers: &HeaderMap);
}

/// The connection that a request came over.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The other end, as a believed PROXY header told it, else as the socket does. `None` for a
    /// Unix socket.
    pub peer: Option<SocketAddr>,
    /// Whether the client speaks TLS, to us or (by a believed PROXY header) to the sender of it.
    pub tls: bool,
    /// The host name that the client asked for in its TLS handshake.
    pub server_name: Option<Box<str>>,
}

/// What one request carries. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Carried(Rc<Inner>);

struct Inner {
    head: Parts,
    length: usize,
    connection: Rc<Connection>,
    interim: Arc<dyn InterimSink>,
    /// Made when somebody asks for it.
    trailers: OnceCell<Trailers>,
    upgrade: RefCell<Option<OnUpgrade>>,
    left: RefCell<Option<Box<dyn Any>>>,
}

impl Carried {
    /// For a request with this head, of at most `length` bytes as it was sent, over `connection`; interim
    /// answers go to `interim`.
    #[must_use]
    pub fn new(
        head: Parts,
        length: usize,
        connection: Rc<Connection>,
        interim: Arc<dyn InterimSink>,
        upgrade: Option<OnUpgrade>,
    ) -> Self {
        Self(Rc::new(Inner {
            head,
            length,
            connection,
            interim,
            trailers: OnceCell::new(),
            upgrade: RefCell::new(upgrade),
            left: RefCell::default(),
        }))
    }

    /// The head of the request, as it came.
    #[must_use]
    pub fn head(&self) -> &Parts {
        &self.0.head
    }

    /// No more bytes than that are its head, as it was sent; `usize::MAX` where that is not known.
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.length
    }

    /// Leaves something for a later phase.
    pub fn leave<T: 'static>(&self, left: T) {
        *self.0.left.borrow_mut() = Some(Box::new(left));
    }

    /// Looks at what was left.
    pub fn look<T: 'static, R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.left.borrow().as_ref()?.downcast_ref().map(look)
    }

    /// Takes what was left, once.
    #[must_use]
    pub fn take_left<T: 'static>(&self) -> Option<T> {
        let left = self.0.left.borrow_mut().take()?;
        left.downcast().ok().map(|left| *left)
    }

    /// What `request` carries; `None` where it did not come over the wire.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// The connection below the request.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// Where interim answers go.
    #[must_use]
    pub fn interim(&self) -> Arc<dyn InterimSink> {
        Arc::clone(&self.0.interim)
    }

    /// The request's trailers: there once its body has ended, if it has any.
    #[must_use]
    pub fn trailers(&self) -> Trailers {
        self.0.trailers.get_or_init(Trailers::default).clone()
    }

    /// The bytes of the connection after a 101, once; `None` where the client asked for no upgrade
    /// or the version of HTTP has none. Resolves after the answer 101 has been written.
    #[must_use]
    pub fn take_upgrade(&self) -> Option<OnUpgrade> {
        self.0.upgrade.borrow_mut().take()
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carried").field("connection", &self.0.connection).finish_non_exhaustive()
    }
}

/// A place for trailers, filled while a body is read. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Trailers(Rc<RefCell<Option<HeaderMap>>>);

impl Trailers {
    /// Notes the trailers.
    pub fn set(&self, trailers: HeaderMap) {
        *self.0.borrow_mut() = Some(trailers);
    }

    /// Takes what is there.
    #[must_use]
    pub fn take(&self) -> Option<HeaderMap> {
        self.0.borrow_mut().take()
    }
}
