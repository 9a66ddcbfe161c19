//! Sending a request over a connection: a kept one if there is one, else a new one.

use std::pin::pin;
use std::rc::Rc;

use http::header::WWW_AUTHENTICATE;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Body as _;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::body::{Length, RequestBody};
use super::dial::Speaks;
use super::endpoint::Endpoint;
use super::exchange::{Exchange, Upload};
use super::headers::{self, Headers};
use super::incoming::{Failure, Incoming};
use super::interim::{GoAhead, Interim};
use super::pool::Sender;
use super::protocol::binds_connection;
use super::{Leg, UpstreamError, Upstreams};
use crate::carried::Carried;

/// A request without its body, for whichever version of HTTP the connection speaks.
pub(super) struct Head<'a> {
    method: &'a Method,
    target: PathAndQuery,
    headers: Headers<'a>,
    interim: Interim,
}

/// Builds what goes to the upstream.
pub(super) fn head<'a>(
    carried: &'a Carried,
    leg: &'a Leg<'_>,
    length: Length,
    upgrade: Option<&'a str>,
) -> Result<Head<'a>, UpstreamError> {
    let request = carried.head();
    let target = target(leg.base, leg.path_and_query)?;
    let headers = headers::request(&request.headers, leg, length, upgrade)?;
    // A client of HTTP/1.0 knows none (RFC 9110 15.2).
    let client = (request.version > Version::HTTP_10).then(|| carried.interim());
    let said = headers.expects_continue.then(CancellationToken::new);
    Ok(Head { method: &request.method, target, headers, interim: Interim { client, said } })
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

impl Head<'_> {
    /// Tells the body which trailers may follow it, and what it has to wait for. `client_http2`:
    /// whether the client's side does not say 100 by itself.
    pub(super) fn prepare(&self, body: &mut RequestBody, client_http2: bool) {
        body.announce(self.headers.trailers.clone());
        if let Some(said) = &self.interim.said {
            let tell = self.interim.client.clone().filter(|_| client_http2);
            body.wait_for(GoAhead::new(said.clone(), tell));
        }
    }

    /// As HTTP/1.1 writes it.
    fn lines(&self) -> Vec<u8> {
        let mut lines = Vec::with_capacity(2048);
        for part in [self.method.as_str(), " ", self.target.as_str(), " HTTP/1.1\r\n"] {
            lines.extend_from_slice(part.as_bytes());
        }
        self.headers.write(&mut lines);
        lines.extend_from_slice(b"\r\n");
        lines
    }

    /// A request for hyper.
    fn for_http1(&self, body: RequestBody) -> Request<RequestBody> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(self.target.clone());
        *request.headers_mut() = self.headers.http1();
        self.interim.clone().of(&mut request);
        request
    }

    fn for_http2(
        &self,
        endpoint: &Endpoint,
        mut body: RequestBody,
    ) -> Result<Request<RequestBody>, UpstreamError> {
        body.go_at_once();
        let bad = UpstreamError::BadRequest("its host cannot be read");
        let (headers, host) = self.headers.http2();
        let authority = host.and_then(|host| Authority::try_from(host).ok());
        let scheme = if endpoint.https { Scheme::HTTPS } else { Scheme::HTTP };
        let Some(authority) = authority else { return Err(bad) };
        let uri =
            Uri::builder().scheme(scheme).authority(authority).path_and_query(self.target.clone());
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.build().map_err(|_| bad)?;
        *request.headers_mut() = headers;
        *request.version_mut() = Version::HTTP_2;
        Ok(request)
    }

    /// Sends it with this body over a connection.
    async fn send(
        &self,
        sender: &mut Sender,
        endpoint: &Endpoint,
        body: RequestBody,
    ) -> Result<Result<Response<Incoming>, Lost>, UpstreamError> {
        let sent = match sender {
            Sender::Http1(connection) => {
                let sent = connection.send(self.method, self.lines(), body, self.interim.clone());
                return Ok(match sent.await {
                    Ok(response) => Ok(response.map(Incoming::Http1)),
                    Err(error) => Err(Lost { unsent: None, error: error.into() }),
                });
            }
            Sender::Upgrade(sender) => sender.try_send_request(self.for_http1(body)).await,
            Sender::Http2(sender, _) => {
                sender.try_send_request(self.for_http2(endpoint, body)?).await
            }
        };
        Ok(match sent {
            Ok(response) => Ok(response.map(Incoming::Hyper)),
            Err(mut failed) => {
                let unsent = failed.take_message().map(Request::into_body);
                Err(Lost { unsent, error: failed.into_error().into() })
            }
        })
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
        head: &Head<'_>,
        body: RequestBody,
        exchange: &Rc<Exchange>,
        upgrade: bool,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let speaks = match upgrade {
            true => Speaks::Upgrade,
            false => Speaks::of(self.dialer.http(endpoint)),
        };
        let kept = if upgrade { None } else { self.pool.take(endpoint) };
        let body = match kept {
            None => body,
            Some(sender) => {
                match self.send_over_kept(endpoint, sender, head, body, exchange).await? {
                    Kept::Answered(response) => return Ok(response),
                    Kept::Again(body) => body,
                }
            }
        };
        // Connections are made rarely, and making one takes more room than all the rest.
        let mut sender = match speaks {
            Speaks::Http2 => Box::pin(self.dial_shared(endpoint)).await?,
            _ => Box::pin(self.dialer.dial(endpoint, speaks)).await?,
        };
        // Not every application that declines an upgrade takes what follows for a request.
        let keep = !upgrade && !head.headers.binds_connection();
        let outcome = self.attempt(endpoint, &mut sender, head, body, exchange).await?;
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
        let sender = self.dialer.dial(endpoint, Speaks::Http2).await?;
        self.pool.share(endpoint, &sender);
        Ok(sender)
    }

    async fn send_over_kept(
        &self,
        endpoint: &Endpoint,
        mut sender: Sender,
        head: &Head<'_>,
        body: RequestBody,
        exchange: &Rc<Exchange>,
    ) -> Result<Kept, UpstreamError> {
        let repeatable = head.method.is_idempotent() && body.is_end_stream();
        let keep = !head.headers.binds_connection();
        let lost = match self.attempt(endpoint, &mut sender, head, body, exchange).await? {
            Ok(response) => {
                self.give_back(endpoint, sender, &response, exchange, keep);
                return Ok(Kept::Answered(response));
            }
            Err(lost) => lost,
        };
        if lost.unsent.is_some() || lost.error.is_disconnect() {
            self.pool.forget(endpoint, &sender);
        }
        let body = match lost.unsent {
            Some(body) => body,
            None if repeatable && lost.error.is_disconnect() => RequestBody::none(exchange),
            None => return Err(explain(endpoint, lost.error, exchange)),
        };
        tracing::debug!(upstream = %endpoint, "a kept connection was gone; trying a new one");
        Ok(Kept::Again(body))
    }

    async fn attempt(
        &self,
        endpoint: &Endpoint,
        sender: &mut Sender,
        head: &Head<'_>,
        body: RequestBody,
        exchange: &Exchange,
    ) -> Result<Result<Response<Incoming>, Lost>, UpstreamError> {
        let idle = exchange.idle();
        exchange.touch();
        exchange.occupy(sender.streams());
        let outcome = {
            let sending = pin!(head.send(sender, endpoint, body));
            exchange.while_moving(idle, sending).await
        };
        match outcome {
            Some(outcome) => {
                exchange.touch();
                outcome
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
    Again(RequestBody),
}

/// A request that got no answer over this connection.
struct Lost {
    /// Its body, if not a byte of the request was written.
    unsent: Option<RequestBody>,
    error: Failure,
}

fn explain(endpoint: &Endpoint, error: Failure, exchange: &Exchange) -> UpstreamError {
    let upstream = endpoint.to_string();
    if exchange.upload() == Upload::Failed || error.is_the_clients() {
        UpstreamError::ClientGone
    } else if error.is_disconnect() {
        UpstreamError::Closed { upstream, source: error.into() }
    } else {
        UpstreamError::Protocol { upstream, source: error.into() }
    }
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
