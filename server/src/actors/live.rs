//! Keeps operators' pages up to date while somebody looks: one actor for each open page, on the
//! thread that serves its listener.
//!
//! The browser opens a websocket and is sent one text frame, the JSON of a
//! [`Frame`](outpost_dashboard::live::Frame). It gets the next one after it has answered `next`,
//! when the pace allows and something differs: a slow viewer costs one frame, however much happens
//! meanwhile. What stands in a frame is the business of a [`LiveSource`].
//!
//! | close code | why |
//! | --- | --- |
//! | 1002, 1003, 1009 | the browser said something else than `next` |
//! | 1008 | whoever looks may no longer look |
//! | 1012 | the outpost ends; another replica, or the next start, goes on |
//!
//! A viewer that answers no ping is dropped without a word.

mod sent;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, StreamHandler, WrapFuture};
use actix_web::web::Payload;
use actix_web::{Error, HttpRequest, HttpResponse};
use actix_web_actors::ws;
use actix_web_actors::ws::{CloseCode, CloseReason, Message, ProtocolError, WebsocketContext};
use futures_util::future::LocalBoxFuture;
use outpost_dashboard::live::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use self::sent::Sent;
use crate::drain::Drain;
use crate::limits::{Limit, LimitFigures};

/// Time between two pings.
const PING: Duration = Duration::from_secs(15);

/// Pings without an answer after which nobody is there any more.
const MISSED: u32 = 2;

/// Largest message from a browser, in bytes: what a control frame may have (RFC 6455, section
/// 5.5); all else that it says is `next`.
const LARGEST: usize = 125;

/// What a viewer sees.
pub trait LiveSource {
    /// How long must pass between two looks.
    fn pace(&self) -> Duration;

    /// The parts of the page as they are now; whoever sees the same may be given the same.
    fn look(&self) -> LocalBoxFuture<'static, Arc<Frame>>;

    /// Is ready as soon as the viewer may no longer look.
    fn over(&self) -> LocalBoxFuture<'static, ()>;
}

/// Room for viewers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Seats {
    free: Arc<Semaphore>,
    limits: LimitFigures,
}

/// One viewer's place, free again when dropped.
#[derive(Debug)]
pub struct Seat {
    _permit: OwnedSemaphorePermit,
    limits: LimitFigures,
}

impl Seats {
    /// Room for `count` viewers; more are counted in `limits`, and so is who says too much.
    #[must_use]
    pub fn new(count: usize, limits: LimitFigures) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), limits }
    }

    /// A place, if one is free.
    #[must_use]
    pub fn take(&self) -> Option<Seat> {
        let limits = self.limits.clone();
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            limits.reached(Limit::Viewers);
            return None;
        };
        Some(Seat { _permit: permit, limits })
    }
}

/// Answers a websocket handshake and keeps the page up to date from then on.
///
/// # Errors
/// When the request is no handshake.
pub fn open(
    request: &HttpRequest,
    payload: Payload,
    seat: Seat,
    source: Rc<dyn LiveSource>,
    drain: Drain,
) -> Result<HttpResponse, Error> {
    let viewer = Viewer {
        source,
        drain,
        sent: Sent::default(),
        wants: true,
        step: Step::Idle,
        looked: None,
        unanswered: 0,
        seat,
    };
    ws::WsResponseBuilder::new(viewer, request, payload).frame_size(LARGEST).start()
}

/// One open page.
struct Viewer {
    source: Rc<dyn LiveSource>,
    drain: Drain,
    sent: Sent,
    /// Whether the browser has taken what it was sent.
    wants: bool,
    step: Step,
    looked: Option<Instant>,
    unanswered: u32,
    seat: Seat,
}

/// What a viewer's actor is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing: the browser is to speak.
    Idle,
    /// To look, when the pace allows.
    Waiting,
    /// It looks.
    Looking,
}

type Context = WebsocketContext<Viewer>;

impl Viewer {
    /// Looks as soon as the pace allows, if the browser wants to know and nothing is under way.
    fn go_on(&mut self, ctx: &mut Context) {
        if !self.wants || self.step != Step::Idle {
            return;
        }
        let pace = self.source.pace();
        let wait = self.looked.map_or(Duration::ZERO, |at| pace.saturating_sub(at.elapsed()));
        self.step = Step::Waiting;
        ctx.run_later(wait, Self::look);
    }

    fn look(&mut self, ctx: &mut Context) {
        self.step = Step::Looking;
        let looking = self.source.look().into_actor(self);
        ctx.spawn(looking.map(|frame, viewer, ctx| {
            viewer.step = Step::Idle;
            viewer.looked = Some(Instant::now());
            if let Some(text) = viewer.sent.news(&frame) {
                viewer.wants = false;
                ctx.text(text);
            }
            viewer.go_on(ctx);
        }));
    }

    fn ping(&mut self, ctx: &mut Context) {
        if self.unanswered >= MISSED {
            ctx.stop();
            return;
        }
        self.unanswered += 1;
        ctx.ping(b"");
    }
}

fn close(ctx: &mut Context, code: CloseCode, why: &str) {
    ctx.close(Some(CloseReason { code, description: Some(why.to_owned()) }));
    ctx.stop();
}

impl Actor for Viewer {
    type Context = Context;

    fn started(&mut self, ctx: &mut Context) {
        ctx.run_interval(PING, Self::ping);
        let over = self.source.over().into_actor(self);
        ctx.spawn(over.map(|(), _, ctx| close(ctx, CloseCode::Policy, "signed out")));
        let drain = self.drain.clone();
        let draining = async move { drain.draining().await }.into_actor(self);
        ctx.spawn(draining.map(|_, _, ctx| close(ctx, CloseCode::Restart, "the outpost ends")));
        self.go_on(ctx);
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Viewer {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Context) {
        match message {
            Ok(Message::Text(text)) if text == "next" => {
                self.wants = true;
                self.go_on(ctx);
            }
            Ok(Message::Ping(payload)) => ctx.pong(&payload),
            Ok(Message::Pong(_)) => self.unanswered = 0,
            Ok(Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Ok(Message::Nop) => {}
            Ok(Message::Text(_) | Message::Binary(_) | Message::Continuation(_)) => {
                close(ctx, CloseCode::Unsupported, "say next");
            }
            Err(ProtocolError::Overflow) => {
                self.seat.limits.reached(Limit::ViewerMessage);
                close(ctx, CloseCode::Size, "say next");
            }
            Err(_) => close(ctx, CloseCode::Protocol, "this is no websocket"),
        }
    }
}
