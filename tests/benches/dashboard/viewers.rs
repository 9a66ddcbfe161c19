//! People who look at the operators' pages, as their browsers do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Pages, each taken by as many as the others.
const PAGES: [&str; 2] = ["%2F", "%2Fdecisions"];

/// Open pages. They close when this is dropped.
pub(crate) struct Viewers {
    tasks: Vec<JoinHandle<()>>,
    frames: Arc<AtomicU64>,
}

impl Viewers {
    /// Opens so many, each of which has been sent its first frame.
    pub(crate) async fn open(dashboard: SocketAddr, count: usize) -> Self {
        let frames = Arc::new(AtomicU64::new(0));
        let mut tasks = Vec::new();
        for number in 0..count {
            let page = PAGES[number % PAGES.len()];
            let url = format!("ws://{dashboard}/live?page={page}");
            let mut request = url.into_client_request().expect("a request");
            // As browsers say it: feeds are for pages of the dashboard itself.
            let origin = format!("http://{dashboard}").parse().expect("an origin");
            request.headers_mut().insert("origin", origin);
            let (mut socket, _) =
                tokio_tungstenite::connect_async(request).await.expect("a live page");
            next(&mut socket).await;
            let frames = Arc::clone(&frames);
            tasks.push(tokio::spawn(async move {
                loop {
                    socket.send(Message::text("next")).await.expect("it is heard");
                    next(&mut socket).await;
                    frames.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        Self { tasks, frames }
    }

    /// Closes them; gives how many frames they were sent after their first.
    pub(crate) fn close(self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }
}

impl Drop for Viewers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn next<S>(socket: &mut S)
where
    S: futures_util::Stream<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
{
    loop {
        let message = socket.next().await.expect("the page stays open").expect("a message");
        if message.is_text() {
            return;
        }
    }
}
