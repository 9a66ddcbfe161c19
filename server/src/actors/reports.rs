//! Tells core's event log of misconfigurations seen in requests, at a bounded rate: a stranger
//! who asks nonsense must not fill core's log. And of what operators do, each of it, with patience
//! while core is away.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::WrapFuture;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, StreamHandler};
use futures_util::stream::unfold;
use tokio::sync::{Mutex, mpsc};

use super::supervisor::Shutdown;
use crate::authentik::{ApiError, CoreApi, MisconfigurationReport, OperatorReport, Report};

/// Reports on their way from requests. Bounded; who sends when it is full drops the report.
pub type ReportQueue = mpsc::Receiver<MisconfigurationReport>;

/// Reports that wait at most.
pub const QUEUE: usize = 64;

/// What operators did, on its way. Bounded; who sends when it is full says so in the log.
pub type DeedQueue = mpsc::Receiver<OperatorReport>;

/// What operators did that waits at most: they are few, and the log has all of it.
pub const DEEDS: usize = 256;

/// The waits before core is told again what it did not take.
const PATIENCE: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(25),
    Duration::from_secs(60),
    Duration::from_secs(300),
];

/// The same misconfiguration of the same host is reported once in this time.
const SILENCE: Duration = Duration::from_secs(10 * 60);

/// Different misconfigurations reported within [`SILENCE`]: hosts are named by clients.
const MOST_IN_SILENCE: usize = 30;

/// What outlives an incarnation of the actor.
#[derive(Clone)]
pub struct ReportParts {
    /// What requests have seen.
    pub queue: Arc<Mutex<ReportQueue>>,
    /// What operators did.
    pub deeds: Arc<Mutex<DeedQueue>>,
}

/// The actor. Supervised.
pub struct ReportsActor {
    parts: ReportParts,
    core: Rc<dyn CoreApi>,
    told: HashMap<(String, String), Instant>,
}

impl ReportsActor {
    /// An incarnation of the actor.
    #[must_use]
    pub fn new(parts: ReportParts, core: Rc<dyn CoreApi>) -> Self {
        Self { parts, core, told: HashMap::new() }
    }

    /// Whether a report is news.
    fn is_news(&mut self, report: &MisconfigurationReport, now: Instant) -> bool {
        self.told.retain(|_, at| now.duration_since(*at) < SILENCE);
        let host = report.context.get("host").and_then(|host| host.as_str()).unwrap_or_default();
        let about = (report.message.clone(), host.to_owned());
        if self.told.len() >= MOST_IN_SILENCE || self.told.contains_key(&about) {
            return false;
        }
        self.told.insert(about, now);
        true
    }
}

impl Actor for ReportsActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let queue = Arc::clone(&self.parts.queue);
        ctx.add_stream(unfold(queue, |queue| async {
            let report = queue.lock().await.recv().await?;
            Some((report, queue))
        }));
        let (deeds, core) = (Arc::clone(&self.parts.deeds), Rc::clone(&self.core));
        ctx.spawn(tell_deeds(deeds, core).into_actor(self));
    }
}

/// Tells core what operators did, one after the other.
async fn tell_deeds(deeds: Arc<Mutex<DeedQueue>>, core: Rc<dyn CoreApi>) {
    let mut deeds = deeds.lock().await;
    while let Some(deed) = deeds.recv().await {
        let report = Report::Operator(deed);
        let mut patience = PATIENCE.iter();
        while let Err(error) = core.report(&report).await {
            let wait = patience.next().filter(|_| may_pass(&error));
            tracing::warn!(%error, again = ?wait, "core did not take the report of what an operator did");
            let Some(wait) = wait else { break };
            tokio::time::sleep(*wait).await;
        }
    }
}

/// Whether the same report may be taken later.
const fn may_pass(error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable(_) => true,
        ApiError::Status { status, .. } => *status >= 500 || *status == 429,
        _ => false,
    }
}

impl StreamHandler<MisconfigurationReport> for ReportsActor {
    fn handle(&mut self, report: MisconfigurationReport, ctx: &mut Context<Self>) {
        if !self.is_news(&report, Instant::now()) {
            return;
        }
        tracing::warn!(
            message = report.message,
            context = %serde_json::Value::Object(report.context.clone()),
            "a request shows a misconfiguration"
        );
        let core = Rc::clone(&self.core);
        let telling = async move {
            if let Err(error) = core.report(&Report::Misconfiguration(report)).await {
                tracing::warn!(%error, "core did not take the report of a misconfiguration");
            }
        };
        ctx.spawn(telling.into_actor(self));
    }

    /// The queue ends with the program; that does not end the actor.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl Handler<Shutdown> for ReportsActor {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_is_told_again_what_it_could_not_take_and_not_what_it_refused() {
        let status = |status| ApiError::Status { status, path: String::new() };
        for (error, again) in [
            (ApiError::Unreachable("away".to_owned()), true),
            (status(503), true),
            (status(429), true),
            (status(400), false),
            (ApiError::Unauthorized, false),
        ] {
            assert_eq!(may_pass(&error), again, "{error}");
        }
        assert!(PATIENCE.is_sorted());
    }
}
