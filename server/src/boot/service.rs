//! What systemd, or another service manager that understands `sd_notify`, is told.
//!
//! Datagrams to the socket that `NOTIFY_SOCKET` names: ready when the listeners are open, reloading
//! while a refresh by SIGUSR1 is under way, stopping from the first signal on, and, where a
//! watchdog is set, that the program is alive. Nobody who asked: nothing is sent.

use std::fmt::Write;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;

use crate::settings::Service;

/// Longest that a message may wait for room in the manager's queue.
const PATIENCE: Duration = Duration::from_millis(500);

/// The service manager, if there is one.
#[derive(Debug)]
pub(super) struct ServiceManager {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Connects to the socket of the settings. One that cannot be reached is no reason not to
    /// start.
    pub(super) fn connect(settings: &Service) -> Self {
        let socket = settings.notify_socket.as_deref().and_then(|address| match dial(address) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(address, %error, "NOTIFY_SOCKET cannot be reached");
                None
            }
        });
        Self { socket, watchdog: settings.watchdog }
    }

    /// The listeners are open, or a refresh is done.
    pub(super) fn ready(&self) {
        self.tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
    }

    /// A refresh has begun.
    pub(super) fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(error) => tracing::debug!(%error, "the monotonic clock cannot be read"),
        }
    }

    /// The end has begun and may take this long.
    pub(super) fn stopping(&self, within: Duration) {
        let within = u32::try_from(within.as_micros()).unwrap_or(u32::MAX);
        self.tell(&[
            NotifyState::Stopping,
            NotifyState::ExtendTimeoutUsec(within),
            NotifyState::Status("finishing what is under way"),
        ]);
    }

    /// Says again and again that the program is alive, if somebody waits for it; never returns.
    pub(super) async fn keep_alive(&self) {
        let Some(watchdog) = self.watchdog.filter(|_| self.socket.is_some()) else {
            return std::future::pending().await;
        };
        // Half of it, as sd_watchdog_enabled(3) recommends.
        let mut turns = tokio::time::interval(watchdog / 2);
        loop {
            turns.tick().await;
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message(states).as_bytes()) {
            tracing::debug!(%error, "the service manager does not listen");
        }
    }
}

fn message(states: &[NotifyState<'_>]) -> String {
    states.iter().fold(String::new(), |mut text, state| {
        let _ = writeln!(text, "{state}");
        text
    })
}

/// A path, or the name of an abstract socket after `@`.
fn dial(address: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    match address.strip_prefix('@') {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        None => socket.connect(address)?,
    }
    // A manager that reads late shall miss nothing; one that does not read must not hold us up.
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_service_manager_hears_of_every_step() {
        let name = format!("outpost-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        let service = ServiceManager::connect(&Service {
            notify_socket: Some(format!("@{name}")),
            watchdog: Some(Duration::from_millis(20)),
        });
        service.ready();
        assert_eq!(told(&manager), "READY=1\nSTATUS=serving\n");
        service.reloading();
        let reloading = told(&manager);
        let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(since.trim().parse::<u64>().unwrap() > 0);
        service.stopping(Duration::from_secs(30));
        let stopping = told(&manager);
        assert!(stopping.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000\n"), "{stopping}");
        let alive = async {
            manager.set_nonblocking(true).unwrap();
            let manager = tokio::net::UnixDatagram::from_std(manager).unwrap();
            let mut buffer = [0; 64];
            for _ in 0..2 {
                let length = manager.recv(&mut buffer).await.unwrap();
                assert_eq!(&buffer[..length], b"WATCHDOG=1\n");
            }
        };
        tokio::select! {
            () = alive => {}
            () = service.keep_alive() => unreachable!("it never returns"),
        }
    }

    #[test]
    fn where_nobody_asked_nothing_is_sent() {
        ServiceManager::connect(&Service::default()).ready();
        let nobody = Service { notify_socket: Some("/nowhere/notify".into()), watchdog: None };
        ServiceManager::connect(&nobody).ready();
    }
}
