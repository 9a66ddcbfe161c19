use std::sync::atomic::{AtomicU32, Ordering};

use actix::{AsyncContext, WrapFuture};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::actors::handle::{NotDelivered, Tell};

/// What the actor under test is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[rtype(result = "u32")]
enum Order {
    Answer,
    PanicInHandler,
    PanicInSpawned,
    StopByYourself,
}

/// What it is seen to do.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Started(u32),
    Stopped(u32),
    Dropped(u32),
}

struct Subject {
    incarnation: u32,
    panic_in_started: bool,
    panic_in_stopped: bool,
    deaf: bool,
    seen: UnboundedSender<Seen>,
}

impl Actor for Subject {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        assert!(!self.panic_in_started, "started() of {}", self.incarnation);
        self.seen.send(Seen::Started(self.incarnation)).unwrap();
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.seen.send(Seen::Stopped(self.incarnation)).unwrap();
        assert!(!self.panic_in_stopped, "stopped() of {}", self.incarnation);
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.seen.send(Seen::Dropped(self.incarnation));
    }
}

impl Handler<Order> for Subject {
    type Result = u32;

    fn handle(&mut self, order: Order, ctx: &mut Self::Context) -> u32 {
        match order {
            Order::Answer => {}
            Order::PanicInHandler => panic!("handler of {}", self.incarnation),
            Order::PanicInSpawned => {
                ctx.spawn(async { panic!("spawned future") }.into_actor(self));
            }
            Order::StopByYourself => actix::ActorContext::stop(ctx),
        }
        self.incarnation
    }
}

impl Handler<Shutdown> for Subject {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        if !self.deaf {
            actix::ActorContext::stop(ctx);
        }
    }
}

struct Bench {
    supervisor: Supervisor,
    _plane: ControlPlane,
    handle: ActorHandle<Subject>,
    seen: UnboundedReceiver<Seen>,
}

#[derive(Clone, Copy, Default)]
struct Build {
    failing_starts: u32,
    failing_stops: u32,
    failing_factories: u32,
    deaf: bool,
}

fn eager() -> RebuildPolicy {
    let backoff = Backoff { shortest: Duration::ZERO, longest: Duration::ZERO };
    RebuildPolicy { backoff, healthy_after: Duration::ZERO }
}

fn bench(policy: RebuildPolicy, build: Build) -> Bench {
    let (seen, receiver) = unbounded_channel();
    let supervisor = Supervisor::new(policy);
    let plane = ControlPlane::start().unwrap();
    let built = AtomicU32::new(0);
    let handle = supervisor.supervise("subject", &plane.handle(), move || {
        let incarnation = built.fetch_add(1, Ordering::SeqCst);
        assert!(incarnation >= build.failing_factories, "factory of {incarnation}");
        Subject {
            incarnation,
            panic_in_started: incarnation < build.failing_starts,
            panic_in_stopped: incarnation < build.failing_stops,
            deaf: build.deaf,
            seen: seen.clone(),
        }
    });
    Bench { supervisor, _plane: plane, handle, seen: receiver }
}

impl Bench {
    /// Waits until an incarnation answers, and says which.
    async fn answer_after(&self, incarnation: u32) -> u32 {
        loop {
            self.handle.started().await.unwrap();
            match self.handle.ask(Order::Answer).await {
                Ok(answer) if answer > incarnation => return answer,
                _ => tokio::task::yield_now().await,
            }
        }
    }
}

#[actix::test]
async fn a_panic_in_a_handler_is_followed_by_another_incarnation() {
    let mut bench = bench(eager(), Build::default());
    bench.handle.started().await.unwrap();
    bench.handle.do_send(Order::PanicInHandler).unwrap();
    assert_eq!(bench.answer_after(0).await, 1);

    // stopped() and owned guards ran before the next was built.
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(bench.seen.recv().await.unwrap());
    }
    assert_eq!(seen, [Seen::Started(0), Seen::Stopped(0), Seen::Dropped(0), Seen::Started(1)]);
    assert_eq!(bench.supervisor.rebuilt(), 1);
    let report = bench.supervisor.report();
    assert_eq!(report[0].state, ActorState::Running);
    assert_eq!(report[0].rebuilt, 1);
    assert_eq!(report[0].last_panic.as_deref(), Some("handler of 0"));
}

#[actix::test]
async fn a_panic_in_a_spawned_future_does_not_end_the_process() {
    let bench = bench(eager(), Build::default());
    bench.handle.started().await.unwrap();
    bench.handle.do_send(Order::PanicInSpawned).unwrap();
    assert_eq!(bench.answer_after(0).await, 1);
    assert_eq!(bench.supervisor.report()[0].last_panic.as_deref(), Some("spawned future"));
}

#[actix::test]
async fn a_panic_in_stopped_after_a_panic_does_not_abort_the_process() {
    let bench = bench(eager(), Build { failing_stops: 1, ..Build::default() });
    bench.handle.started().await.unwrap();
    bench.handle.do_send(Order::PanicInHandler).unwrap();
    assert_eq!(bench.answer_after(0).await, 1);
    assert_eq!(bench.supervisor.report()[0].last_panic.as_deref(), Some("handler of 0"));
}

#[actix::test]
async fn a_panic_in_started_gives_out_no_address() {
    let bench = bench(eager(), Build { failing_starts: 3, ..Build::default() });
    let addr = bench.handle.started().await.unwrap();
    assert_eq!(addr.send(Order::Answer).await.unwrap(), 3);
    assert_eq!(bench.supervisor.rebuilt(), 3);
}

#[actix::test]
async fn a_panic_in_the_factory_is_tried_again() {
    let bench = bench(eager(), Build { failing_factories: 2, ..Build::default() });
    let addr = bench.handle.started().await.unwrap();
    assert_eq!(addr.send(Order::Answer).await.unwrap(), 2);
}

#[actix::test]
async fn messages_are_refused_while_nobody_lives_and_arrive_after() {
    let bench = bench(eager(), Build::default());
    let first = bench.handle.started().await.unwrap();
    assert!(bench.handle.ask(Order::PanicInHandler).await.is_err());
    // The old address is dead for good; the handle is not.
    assert_eq!(bench.answer_after(0).await, 1);
    assert!(!first.connected());
    assert_eq!(first.recipient::<Order>().tell(Order::Answer), Err(NotDelivered));
    let tell: Arc<dyn Tell<Order>> = Arc::new(bench.handle.clone());
    tell.tell(Order::Answer).unwrap();
}

#[actix::test]
async fn an_actor_that_stops_by_itself_is_not_rebuilt() {
    let bench = bench(eager(), Build::default());
    bench.handle.started().await.unwrap();
    bench.handle.do_send(Order::StopByYourself).unwrap();
    bench.handle.ended().await;
    assert!(bench.handle.addr().is_none());
    assert_eq!(bench.handle.do_send(Order::Answer), Err(NotDelivered));
    assert_eq!(bench.supervisor.rebuilt(), 0);
}

#[actix::test]
async fn shutdown_ends_everybody_and_builds_nobody() {
    let bench = bench(eager(), Build::default());
    bench.handle.started().await.unwrap();
    assert!(bench.supervisor.shutdown(Duration::from_secs(60)).await.is_empty());
    assert!(bench.supervisor.report().is_empty());
    bench.handle.ended().await;

    let plane = ControlPlane::start().unwrap();
    let late = bench.supervisor.supervise("late", &plane.handle(), || -> Subject {
        panic!("nothing is built after a shutdown")
    });
    assert!(late.started().await.is_none());
    assert_eq!(bench.supervisor.rebuilt(), 0);
}

#[actix::test]
async fn an_actor_that_does_not_end_is_dropped() {
    let mut bench = bench(eager(), Build { deaf: true, ..Build::default() });
    bench.handle.started().await.unwrap();
    assert_eq!(bench.supervisor.shutdown(Duration::from_millis(20)).await, ["subject"]);
    bench.handle.ended().await;
    let mut seen = Vec::new();
    while let Some(event) = bench.seen.recv().await {
        seen.push(event);
    }
    assert_eq!(seen, [Seen::Started(0), Seen::Stopped(0), Seen::Dropped(0)]);
}

#[actix::test]
async fn an_actor_can_be_ended_while_it_waits_to_be_rebuilt() {
    let hour = Duration::from_secs(3600);
    let backoff = Backoff { shortest: hour, longest: hour };
    let bench = bench(RebuildPolicy { backoff, healthy_after: hour }, Build::default());
    bench.handle.started().await.unwrap();
    assert!(bench.handle.ask(Order::PanicInHandler).await.is_err());
    bench.handle.end();
    bench.handle.ended().await;
    assert!(bench.supervisor.report().is_empty());
    assert_eq!(bench.supervisor.rebuilt(), 0);
}

#[cfg(target_os = "linux")]
#[actix::test]
async fn a_plane_gives_way_where_that_is_wanted() {
    let nice = || rustix::process::getpriority_process(None).unwrap();
    let of = async |plane: &ControlPlane| {
        let (told, asked) = tokio::sync::oneshot::channel();
        plane.handle().spawn_fn(move || told.send(nice()).unwrap());
        asked.await.unwrap()
    };
    assert_eq!(of(&ControlPlane::start().unwrap()).await, nice());
    let less = (nice() + super::LESS).min(19);
    assert_eq!(of(&ControlPlane::giving_way().unwrap()).await, less);
}
