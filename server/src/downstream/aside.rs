//! What a task waits for beside its work, and which hardly ever happens: limits on time, the end of the
//! program. It is asked only when it has said that there is something to ask, not each time that the work
//! goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Stands between what is waited for and the task that waits.
pub(super) struct Aside {
    bell: Arc<Bell>,
    /// That of the bell.
    waker: Waker,
    /// That of the task, as it was last seen.
    task: Option<Waker>,
}

/// What is waited for rings it.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // In this order: the task that is woken looks whether it has rung.
        self.rung.store(true, Ordering::SeqCst);
        self.task.wake();
    }
}

impl Aside {
    /// Something that was not asked yet.
    pub(super) fn new() -> Self {
        let bell = Arc::new(Bell::default());
        Self { waker: Waker::from(Arc::clone(&bell)), bell, task: None }
    }

    /// Asks, the first time and whenever it has rung since; and again after it was ready, since whatever
    /// else is waited for was perhaps not asked then.
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        ask: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let is_known = self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker()));
        if is_known && !self.bell.rung.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        if !is_known {
            self.task = Some(cx.waker().clone());
        }
        // Anew each time: a bell that has rung has forgotten whom it woke. And all of this before it is
        // asked: what rings from now on was perhaps not heard of.
        self.bell.task.register(cx.waker());
        self.bell.rung.store(false, Ordering::SeqCst);
        let polled = ask(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            self.bell.rung.store(true, Ordering::SeqCst);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future as _, poll_fn};
    use std::pin::pin;

    use tokio::sync::oneshot;

    use super::*;

    /// How often it was asked, and what it said last.
    fn ask(aside: &mut Aside, waker: &Waker, of: &mut oneshot::Receiver<u8>) -> (u32, Poll<u8>) {
        let mut asked = 0;
        let polled = aside.poll(&mut Context::from_waker(waker), |cx| {
            asked += 1;
            pin!(of).poll(cx).map(Result::unwrap)
        });
        (asked, polled)
    }

    #[test]
    fn it_is_asked_once_and_then_only_when_it_has_rung() {
        let (sender, mut receiver) = oneshot::channel();
        let mut aside = Aside::new();
        assert_eq!(ask(&mut aside, Waker::noop(), &mut receiver), (1, Poll::Pending));
        assert_eq!(ask(&mut aside, Waker::noop(), &mut receiver), (0, Poll::Pending));
        sender.send(7).unwrap();
        assert_eq!(ask(&mut aside, Waker::noop(), &mut receiver), (1, Poll::Ready(7)));
        let (_sender, mut next) = oneshot::channel();
        assert_eq!(ask(&mut aside, Waker::noop(), &mut next), (1, Poll::Pending), "what else is");
        assert_eq!(ask(&mut aside, Waker::noop(), &mut next), (0, Poll::Pending));
    }

    #[test]
    fn another_task_is_woken_when_it_is_another_that_waits() {
        let (sender, mut receiver) = oneshot::channel();
        let (first, second) = (Arc::<Bell>::default(), Arc::<Bell>::default());
        let mut aside = Aside::new();
        for bell in [&first, &second] {
            let waker = Waker::from(Arc::clone(bell));
            assert_eq!(ask(&mut aside, &waker, &mut receiver), (1, Poll::Pending));
        }
        sender.send(7).unwrap();
        let rung = |bell: &Bell| bell.rung.load(Ordering::SeqCst);
        assert!(!rung(&first) && rung(&second));
    }

    #[tokio::test]
    async fn a_task_is_woken_by_what_rings_each_time() {
        let mut aside = Aside::new();
        for number in 0..3 {
            let (sender, mut receiver) = oneshot::channel();
            let waits = poll_fn(|cx| aside.poll(cx, |cx| pin!(&mut receiver).poll(cx)));
            let sends = async {
                tokio::task::yield_now().await;
                sender.send(number).unwrap();
            };
            let (told, ()) = tokio::join!(waits, sends);
            assert_eq!(told, Ok(number));
        }
    }

    #[test]
    fn whoever_waits_is_woken_as_often_as_it_rings() {
        let task = Arc::<Bell>::default();
        let waker = Waker::from(Arc::clone(&task));
        let mut aside = Aside::new();
        for number in 0..3 {
            let (sender, mut receiver) = oneshot::channel();
            while ask(&mut aside, &waker, &mut receiver) != (0, Poll::Pending) {}
            assert!(!task.rung.swap(false, Ordering::SeqCst));
            sender.send(number).unwrap();
            assert!(task.rung.swap(false, Ordering::SeqCst), "{number}");
            assert_eq!(ask(&mut aside, &waker, &mut receiver), (1, Poll::Ready(number)));
        }
    }
}
