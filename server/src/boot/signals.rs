//! What the operating system tells the program.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Running;

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
    pub(super) async fn serve_until_told(&mut self, running: &Running) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.refresh.recv() => {
                    tracing::info!("SIGUSR1: the configuration is fetched anew");
                    running.refresh();
                }
            }
        }
    }
}
