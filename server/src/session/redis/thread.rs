//! The thread that moves the connections: the workers' runtimes come and go with their work.

use std::io;
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// A runtime on a thread of its own. The thread ends, and all that runs on it, when this is
/// dropped.
#[derive(Debug)]
pub(super) struct RuntimeThread {
    handle: Handle,
    _end: oneshot::Sender<()>,
}

impl RuntimeThread {
    /// Starts it.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        thread::Builder::new().name("redis".to_owned()).spawn(move || {
            let _ = runtime.block_on(ended);
            // A name resolution under way must not keep the thread.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, _end: end })
    }

    /// Where to spawn.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }
}
