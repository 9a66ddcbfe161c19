//! Waiting for a moment to some microseconds. The runtime's own timers come up to two milliseconds late, and
//! all together: what would be measured is the crowd.

#[cfg(target_os = "linux")]
mod kernel {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;
    use tokio::time::Instant;

    /// A timer of the kernel.
    pub(crate) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        pub(crate) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[expect(
                deprecated,
                reason = "an OwnedFd stays what it is, and the other way is unsafe"
            )]
            let timer = AsyncFd::new(timer)?;
            Ok(Self(timer))
        }

        /// Waits until it is that late.
        pub(crate) async fn wait(&self, moment: Instant) -> io::Result<()> {
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let once = Timespec::try_from(left).map_err(io::Error::other)?;
            let set = Itimerspec { it_interval: never, it_value: once };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &set)?;
            // How often it has rung is not read: setting it begins anew.
            self.0.readable().await?.clear_ready();
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::io;

    use tokio::time::{Instant, sleep_until};

    /// The runtime's timer, where the kernel has none that can be waited for.
    pub(crate) struct Alarm(());

    impl Alarm {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self(()))
        }

        /// Waits until it is that late.
        pub(crate) async fn wait(&self, moment: Instant) -> io::Result<()> {
            sleep_until(moment).await;
            Ok(())
        }
    }
}

pub(crate) use kernel::Alarm;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Alarm;

    #[tokio::test]
    async fn it_rings_when_the_moment_is_there_and_at_once_when_it_is_over() {
        let alarm = Alarm::new().unwrap();
        for milliseconds in [3, 0, 1] {
            let moment = Instant::now() + Duration::from_millis(milliseconds);
            alarm.wait(moment).await.unwrap();
            assert!(Instant::now() >= moment);
            alarm.wait(moment).await.unwrap();
        }
    }
}
