//! Interim answers (RFC 9110 15.2): those of the upstream on their way to the client, and the
//! "100 Continue" for which a client waits with its body.
//!
//! `Expect: 100-continue` is passed on over HTTP/1.1, and the body is asked of the client (which
//! the client's own side of the outpost tells it by 100) when the upstream says 100: a refusal then
//! costs no upload. An upstream that says nothing within [`PATIENCE`] gets the body all the same,
//! as from other clients. Over HTTP/2 hyper does not tell of interim answers: the client is told to
//! go on at once, and other interim answers end here.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::protocol::is_framing;
use crate::carried::InterimSink;

/// How long an upstream may take to say 100. curl and Go's client wait as long.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a body waits for that the client would send if it were told to.
pub(super) struct GoAhead {
    /// Said by the upstream.
    said: Pin<Box<WaitForCancellationFutureOwned>>,
    patience: Option<Pin<Box<Sleep>>>,
    at_once: bool,
    /// Tells a client whose side does not do so by itself.
    tell: Option<Arc<dyn InterimSink>>,
}

impl GoAhead {
    /// Waits for `said` to be cancelled. `tell` is told 100 then.
    pub(super) fn new(said: CancellationToken, tell: Option<Arc<dyn InterimSink>>) -> Self {
        let said = Box::pin(said.cancelled_owned());
        Self { said, patience: None, at_once: false, tell }
    }

    pub(super) const fn at_once(&mut self) {
        self.at_once = true;
    }

    /// Ready when the body may be sent. The time counts from the first call, when the head has been
    /// written.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        let waits = !self.at_once
            && self.said.poll_unpin(cx).is_pending()
            && patience.poll_unpin(cx).is_pending();
        if waits {
            return Poll::Pending;
        }
        if let Some(tell) = self.tell.take() {
            tell.send(StatusCode::CONTINUE, &HeaderMap::new());
        }
        Poll::Ready(())
    }
}

/// Where interim answers go.
#[derive(Clone)]
pub(super) struct Interim {
    /// `None` where the client knows none.
    pub(super) client: Option<Arc<dyn InterimSink>>,
    /// Cancelled by "100 Continue", if that is waited for.
    pub(super) said: Option<CancellationToken>,
}

impl Interim {
    /// Passes on one that has come.
    pub(super) fn pass_on(&self, status: StatusCode, headers: &HeaderMap) {
        match (status, &self.client) {
            (StatusCode::CONTINUE, _) => {
                if let Some(said) = &self.said {
                    said.cancel();
                }
            }
            (StatusCode::SWITCHING_PROTOCOLS, _) | (_, None) => {}
            (status, Some(client)) => {
                let mut headers = headers.clone();
                let gone: Vec<_> =
                    headers.keys().filter(|name| is_framing(name.as_str())).cloned().collect();
                for name in gone {
                    headers.remove(name);
                }
                client.send(status, &headers);
            }
        }
    }

    /// Has hyper pass on those to `request`.
    pub(super) fn of<B>(self, request: &mut Request<B>) {
        hyper::ext::on_informational(request, move |answer| {
            self.pass_on(answer.status(), answer.headers());
        });
    }
}
