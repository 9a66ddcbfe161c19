//! What the operating system tells the program.

use tokio::signal::unix::{SignalKind, signal};

use super::Running;

/// Serves until SIGTERM or SIGINT; SIGUSR1 refreshes.
pub(super) async fn serve_until_told(running: &Running) {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::user_defined1()),
    );
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut refresh)) = signals else {
        tracing::error!("signals cannot be heard; the outpost ends when it is killed");
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = terminate.recv() => return,
            _ = interrupt.recv() => return,
            _ = refresh.recv() => {
                tracing::info!("SIGUSR1: the configuration is fetched anew");
                running.refresh();
            }
        }
    }
}
