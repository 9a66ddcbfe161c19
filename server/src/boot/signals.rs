//! What the operating system tells the program.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Running;
use super::ending::Impatience;
use super::service::ServiceManager;

/// The signals that mean something, heard from when this is made: one that comes while the outpost
/// still starts waits for it, in place of ending the process on the spot.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    refresh: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the operating system does not take the handlers.
    pub(super) fn hear() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            refresh: signal(SignalKind::user_defined1())?,
        })
    }

    /// Serves until SIGTERM or SIGINT; SIGUSR1 refreshes.
    pub(super) async fn serve_until_told(&mut self, running: &Running, manager: &ServiceManager) {
        let status = running.published().status;
        // The refreshes there had been when the one under way was asked for.
        let mut before = None;
        loop {
            let refreshed = async {
                match before {
                    Some(before) => status.wait_for(|now| now.refreshes > before).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.refresh.recv() => {
                    tracing::info!("SIGUSR1: the configuration is fetched anew");
                    before = Some(status.load().refreshes);
                    manager.reloading();
                    running.refresh();
                }
                // Whatever core answered: what is served is as new as can be had.
                _ = refreshed => {
                    before = None;
                    manager.ready();
                }
            }
        }
    }

    /// Waits for a signal to end that comes while the outpost ends.
    pub(super) async fn impatience(&mut self) -> Impatience {
        tokio::select! {
            _ = self.terminate.recv() => Impatience::Terminate,
            _ = self.interrupt.recv() => Impatience::Interrupt,
        }
    }
}
