//! Sending a request over a connection: a kept one if there is one, else a new one.

use std::error::Error as StdError;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use http::header::{AUTHORIZATION, EXPECT, HeaderMap, HeaderName, TRAILER, WWW_AUTHENTICATE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Body, Incoming};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::application::HttpVersion;
use super::body::{Length, RequestBody, UploadError};
use super::endpoint::Endpoint;
use super::exchange::{Exchange, Upload};
use super::interim::{self, GoAhead};
use super::pool::Sender;
use super::protocol::binds_connection;
use super::{Leg, UpstreamError, Upstreams, headers};
use crate::carried::{Carried, InterimSink};

/// A request without its body, for whichever version of HTTP the connection speaks.
#[derive(Clone)]
pub(super) struct Head {
    method: Method,
    target: PathAndQuery,
    headers: HeaderMap,
    /// Where the upstream's interim answers go.
    interim: Option<Arc<dyn InterimSink>>,
    /// Cancelled when the upstream says 100, if that is waited for.
    said_continue: Option<CancellationToken>,
}

/// Builds what goes to the upstream.
pub(super) fn head(
    carried: &Carried,
    leg: &Leg<'_>,
    length: Length,
    upgrade: Option<&str>,
) -> Result<Head, UpstreamError> {
    let request = carried.head();
    let method = request.method.clone();
    let target = target(leg.base, leg.path_and_query)?;
    let headers = headers::request(&request.headers, leg, length, upgrade)?;
    // A client of HTTP/1.0 knows none (RFC 9110 15.2).
    let interim = (request.version > Version::HTTP_10).then(|| carried.interim());
    let said_continue = headers.contains_key(EXPECT).then(CancellationToken::new);
    Ok(Head { method, target, headers, interim, said_continue })
}

/// Puts the path of the upstream before that of the request.
fn target(base: &Url, path_and_query: &str) -> Result<PathAndQuery, UpstreamError> {
    let bad = UpstreamError::BadRequest("its target cannot be read");
    if path_and_query == "*" {
        return Ok(PathAndQuery::from_static("*"));
    }
    // What follows `#` would be cut off in silence: another target than was decided upon.
    if !path_and_query.starts_with('/') || path_and_query.contains('#') {
        return Err(bad);
    }
    let prefix = base.path().trim_end_matches('/');
    let joined = if prefix.is_empty() {
        PathAndQuery::try_from(path_and_query)
    } else {
        PathAndQuery::try_from(format!("{prefix}{path_and_query}"))
    };
    joined.map_err(|_| bad)
}

impl Head {
    /// Whether it speaks for the connection instead of for itself.
    fn binds_connection(&self) -> bool {
        binds_connection(&self.headers, AUTHORIZATION)
    }

    /// Tells the body which trailers may follow it, and what it has to wait for. `client_http2`:
    /// whether the client's side does not say 100 by itself.
    pub(super) fn prepare(&self, body: &mut RequestBody, client_http2: bool) {
        let announced = self.headers.get(TRAILER).and_then(|value| value.to_str().ok());
        let names = announced.unwrap_or_default().split(", ");
        body.announce(
            names.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect(),
        );
        if let Some(said) = &self.said_continue {
            let tell = self.interim.clone().filter(|_| client_http2);
            body.wait_for(GoAhead::new(said.clone(), tell));
        }
    }

    fn for_http1(mut self, body: RequestBody) -> Request<RequestBody> {
        headers::for_http1(&mut self.headers);
        let mut request = Request::new(body);
        interim::pass_on(&mut request, self.interim, self.said_continue);
        *request.method_mut() = self.method;
        *request.uri_mut() = Uri::from(self.target);
        *request.headers_mut() = self.headers;
        request
    }

    fn for_http2(
        mut self,
        endpoint: &Endpoint,
        mut body: RequestBody,
    ) -> Result<Request<RequestBody>, UpstreamError> {
        body.go_at_once();
        let bad = UpstreamError::BadRequest("its host cannot be read");
        let host = headers::for_http2(&mut self.headers);
        let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let scheme = if endpoint.https { Scheme::HTTPS } else { Scheme::HTTP };
        let Some(authority) = authority else { return Err(bad) };
        let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(self.target);
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri.build().map_err(|_| bad)?;
        *request.headers_mut() = self.headers;
        *request.version_mut() = Version::HTTP_2;
        Ok(request)
    }

    fn request(
        self,
        sender: &Sender,
        endpoint: &Endpoint,
        body: RequestBody,
    ) -> Result<Request<RequestBody>, UpstreamError> {
        if sender.streams().is_some() {
            self.for_http2(endpoint, body)
        } else {
            Ok(self.for_http1(body))
        }
    }
}

impl Upstreams {
    /// Sends until there is a head of an answer.
    ///
    /// A kept connection may have been closed by the upstream at the very moment it is used. A
    /// request that was not written is then sent again over a new connection, as is one that was,
    /// if it has no body and may be repeated (RFC 9110 9.2.2); once, and only after a kept
    /// connection.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        head: Head,
        body: RequestBody,
        exchange: &Rc<Exchange>,
        upgrade: bool,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let http = if upgrade { HttpVersion::One } else { self.dialer.http(endpoint) };
        let kept = if upgrade { None } else { self.pool.take(endpoint) };
        let (head, body) = match kept {
            None => (head, body),
            Some(sender) => {
                match self.send_over_kept(endpoint, sender, head, body, exchange).await? {
                    Kept::Answered(response) => return Ok(response),
                    Kept::Again(head, body) => (head, body),
                }
            }
        };
        // Connections are made rarely, and making one takes more room than all the rest.
        let mut sender = match http {
            HttpVersion::One => Box::pin(self.dialer.dial(endpoint, http)).await?,
            HttpVersion::Two => Box::pin(self.dial_shared(endpoint)).await?,
        };
        // Not every application that declines an upgrade takes what follows for a request.
        let keep = !upgrade && !head.binds_connection();
        let request = head.request(&sender, endpoint, body)?;
        let outcome = self.attempt(endpoint, &mut sender, request, exchange).await?;
        let response = outcome.map_err(|lost| explain(endpoint, lost.error, exchange))?;
        self.give_back(endpoint, sender, &response, exchange, keep);
        Ok(response)
    }

    /// A connection for many requests. Those that come while it is being made wait for it.
    async fn dial_shared(&self, endpoint: &Endpoint) -> Result<Sender, UpstreamError> {
        if self.pool.others_dial(endpoint).await
            && let Some(sender) = self.pool.take(endpoint)
        {
            return Ok(sender);
        }
        let _dialing = self.pool.dialing(endpoint);
        let sender = self.dialer.dial(endpoint, HttpVersion::Two).await?;
        self.pool.share(endpoint, &sender);
        Ok(sender)
    }

    async fn send_over_kept(
        &self,
        endpoint: &Endpoint,
        mut sender: Sender,
        head: Head,
        body: RequestBody,
        exchange: &Rc<Exchange>,
    ) -> Result<Kept, UpstreamError> {
        let repeatable = head.method.is_idempotent() && body.is_end_stream();
        let keep = !head.binds_connection();
        let request = head.clone().request(&sender, endpoint, body)?;
        let lost = match self.attempt(endpoint, &mut sender, request, exchange).await? {
            Ok(response) => {
                self.give_back(endpoint, sender, &response, exchange, keep);
                return Ok(Kept::Answered(response));
            }
            Err(lost) => lost,
        };
        if lost.unsent.is_some() || is_disconnect(&lost.error) {
            self.pool.forget(endpoint, &sender);
        }
        let body = match lost.unsent {
            Some(body) => body,
            None if repeatable && is_disconnect(&lost.error) => RequestBody::none(exchange),
            None => return Err(explain(endpoint, lost.error, exchange)),
        };
        tracing::debug!(upstream = %endpoint, "a kept connection was gone; trying a new one");
        Ok(Kept::Again(head, body))
    }

    async fn attempt(
        &self,
        endpoint: &Endpoint,
        sender: &mut Sender,
        request: Request<RequestBody>,
        exchange: &Exchange,
    ) -> Result<Result<Response<Incoming>, Lost>, UpstreamError> {
        let idle = exchange.idle();
        exchange.touch();
        exchange.occupy(sender.streams());
        let outcome = {
            let sending = pin!(sender.send(request));
            exchange.while_moving(idle, sending).await
        };
        match outcome {
            Some(Ok(response)) => {
                exchange.touch();
                Ok(Ok(response))
            }
            Some(Err(mut failed)) => {
                let unsent = failed.take_message().map(Request::into_body);
                Ok(Err(Lost { unsent, error: failed.into_error() }))
            }
            None if exchange.upload() == Upload::AwaitingClient => {
                Err(UpstreamError::ClientStalled { after: idle })
            }
            None => {
                // The next request shall not wait as long for a connection that is dead.
                self.pool.forget(endpoint, sender);
                Err(UpstreamError::Idle { upstream: endpoint.to_string(), after: idle })
            }
        }
    }

    /// Keeps the connection for the next request, unless it is a tunnel now, or knows whose it is.
    fn give_back(
        &self,
        endpoint: &Endpoint,
        sender: Sender,
        response: &Response<Incoming>,
        exchange: &Exchange,
        keep: bool,
    ) {
        if keep
            && response.status() != StatusCode::SWITCHING_PROTOCOLS
            && !binds_connection(response.headers(), WWW_AUTHENTICATE)
            && let Some(kept) = self.pool.kept(endpoint.clone(), sender)
        {
            exchange.keep(kept);
        }
    }
}

/// What became of a request on a kept connection.
enum Kept {
    Answered(Response<Incoming>),
    /// To be sent once more, over a new connection.
    Again(Head, RequestBody),
}

/// A request that got no answer over this connection.
struct Lost {
    /// Its body, if not a byte of the request was written.
    unsent: Option<RequestBody>,
    error: hyper::Error,
}

fn explain(endpoint: &Endpoint, error: hyper::Error, exchange: &Exchange) -> UpstreamError {
    let client_gone = exchange.upload() == Upload::Failed
        || cause::<UploadError>(&error).is_some_and(|cause| matches!(cause, UploadError::Client));
    if client_gone {
        UpstreamError::ClientGone
    } else if is_disconnect(&error) {
        UpstreamError::Closed { upstream: endpoint.to_string(), source: error }
    } else {
        UpstreamError::Protocol { upstream: endpoint.to_string(), source: error.into() }
    }
}

/// Whether the connection ended, rather than brought something that is not understood.
fn is_disconnect(error: &hyper::Error) -> bool {
    error.is_incomplete_message()
        || error.is_canceled()
        || error.is_closed()
        // RFC 9113 8.7: the upstream has not looked at the request.
        || cause::<h2::Error>(error).is_some_and(|cause| {
            cause.is_go_away() || cause.reason() == Some(h2::Reason::REFUSED_STREAM)
        })
        || cause::<io::Error>(error).is_some_and(|cause| {
            matches!(
                cause.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
            )
        })
}

fn cause<E: StdError + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, path_and_query: &str) -> Option<String> {
        target(&Url::parse(base).unwrap(), path_and_query).ok().map(|target| target.to_string())
    }

    #[test]
    fn targets_stay_byte_for_byte() {
        for path in ["/", "//evil/x", "/a/../b", "/%2e%2E/%00?q=%20+&&=", "/?", "/a;b=c?d?e", "/ü"]
        {
            assert_eq!(joined("http://app", path).as_deref(), Some(path));
            assert_eq!(joined("http://app/", path).as_deref(), Some(path));
            assert_eq!(joined("http://app/in/", path), Some(format!("/in{path}")));
        }
        assert_eq!(joined("http://app/in", "*").as_deref(), Some("*"));
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for path in ["", "x", "http://other/", "/a#b", "/a b", "/a\r\nX: y"] {
            assert_eq!(joined("http://app", path), None, "{path:?}");
        }
    }
}
