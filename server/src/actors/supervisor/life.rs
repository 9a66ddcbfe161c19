//! Drives one incarnation of an actor; a panic becomes a value.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use actix::{Actor, Addr, Context};

type ActorFuture<A> = actix::dev::ContextFut<A, Context<A>>;

/// The future of an actor; a panic in it, or while it is dropped, becomes a value.
///
/// actix runs `stopped()` when the future is dropped. Were it dropped while a panic unwinds, a
/// second panic in there would abort the process; caught first, it cannot.
pub(super) struct Life<A: Actor<Context = Context<A>>> {
    future: Option<Pin<Box<ActorFuture<A>>>>,
}

impl<A: Actor<Context = Context<A>>> Life<A> {
    pub(super) fn new(future: ActorFuture<A>) -> Self {
        Self { future: Some(Box::pin(future)) }
    }

    pub(super) fn address(&self) -> Option<Addr<A>> {
        self.future.as_ref().map(|future| future.address())
    }

    fn end(&mut self) -> Result<(), String> {
        let future = self.future.take();
        catch_unwind(AssertUnwindSafe(move || drop(future))).map_err(|panic| panic_text(&*panic))
    }
}

impl<A: Actor<Context = Context<A>>> Future for Life<A> {
    type Output = Result<(), String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Some(future) = self.future.as_mut() else { return Poll::Ready(Ok(())) };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(self.end()),
            Err(panic) => {
                let _ = self.end();
                Poll::Ready(Err(panic_text(&*panic)))
            }
        }
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Life<A> {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}
