//! Many clients at once, each of whose answers is judged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use reqwest::{Client, StatusCode, header::HeaderMap};
use tokio::sync::watch;

use crate::browser::Loopback;
use crate::wait;

/// Longest that an answer may take; it is a failure then.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many violations and failures are kept in words; all are counted.
const KEPT: usize = 50;

/// An answer under judgement.
#[derive(Debug)]
pub struct Judged {
    /// Which of the clients asked.
    pub client: usize,
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, as text.
    pub body: String,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Answers by status.
    pub statuses: BTreeMap<u16, usize>,
    /// Requests without an answer: connections refused, reset or cut short, and 20 s of silence.
    pub failed: usize,
    /// Why, for the first fifty.
    pub failures: Vec<String>,
    /// Answers that the judge refused.
    pub violated: usize,
    /// Why, for the first fifty.
    pub violations: Vec<String>,
}

impl Totals {
    /// All answers.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.statuses.values().sum()
    }
}

/// Clients at work, on a thread of their own. They stop when this is dropped.
#[derive(Debug)]
pub struct Load {
    totals: Arc<Mutex<Totals>>,
    running: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// Starts `clients` of them, each asking for `url` (of any host, on loopback) with these
    /// cookies again and again, on a connection that it keeps. No redirect is followed.
    ///
    /// The judge gets every answer and says what is wrong with it, if anything is.
    #[must_use]
    pub fn start(
        clients: usize,
        url: &str,
        cookies: Option<String>,
        judge: impl Fn(&Judged) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self::run(clients, url, cookies, Box::new(judge), true)
    }

    /// The same with a connection of its own for each request: for a server that closes kept ones
    /// when it likes, which no client can tell from a failure.
    #[must_use]
    pub fn unkept(
        clients: usize,
        url: &str,
        cookies: Option<String>,
        judge: impl Fn(&Judged) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self::run(clients, url, cookies, Box::new(judge), false)
    }

    fn run(
        clients: usize,
        url: &str,
        cookies: Option<String>,
        judge: Box<Judge>,
        kept: bool,
    ) -> Self {
        let totals = Arc::new(Mutex::new(Totals::default()));
        let (running, run) = watch::channel(());
        let work = Work { url: url.to_owned(), cookies, judge, kept, totals: Arc::clone(&totals) };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let all = (0..clients).map(|client| work.repeat(client, run.clone()));
                futures_util::future::join_all(all).await;
            });
        });
        Self { totals, running: Some(running), thread: Some(thread) }
    }

    /// What has come of it so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        lock(&self.totals).clone()
    }

    /// Waits for `more` answers of any kind from now on; requests without an answer don't count.
    pub async fn answers(&self, more: usize) {
        let wanted = self.totals().answers() + more;
        wait::until_async("answers under load", async || {
            let totals = self.totals();
            if totals.answers() >= wanted { Ok(()) } else { Err(format!("{totals:#?}")) }
        })
        .await;
    }

    /// Lets each client get the answer it waits for, and ends; gives what came of it.
    ///
    /// # Panics
    /// When a client panicked, as by a judge that did.
    #[must_use]
    pub fn stop(mut self) -> Totals {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok(), "a client panicked");
        }
        self.totals()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Says what is wrong with an answer.
type Judge = dyn Fn(&Judged) -> Result<(), String> + Send + Sync;

struct Work {
    url: String,
    cookies: Option<String>,
    judge: Box<Judge>,
    /// Whether connections are kept for the next request.
    kept: bool,
    totals: Arc<Mutex<Totals>>,
}

impl Work {
    /// One client, until it is to stop.
    async fn repeat(&self, client: usize, run: watch::Receiver<()>) {
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Loopback))
            .timeout(PATIENCE)
            .pool_max_idle_per_host(usize::from(self.kept))
            .no_proxy()
            .build()
            .expect("a client");
        while run.has_changed().is_ok() {
            match self.ask(&http, client).await {
                Ok(answer) => self.judge(&answer),
                Err(error) => {
                    {
                        let mut totals = lock(&self.totals);
                        totals.failed += 1;
                        keep(&mut totals.failures, format!("{error:?}"));
                    }
                    // So that a server that is away is not asked in a circle by all there is.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }

    async fn ask(&self, http: &Client, client: usize) -> reqwest::Result<Judged> {
        let mut request = http.get(&self.url);
        if let Some(cookies) = &self.cookies {
            request = request.header("cookie", cookies);
        }
        let mut answer = request.send().await?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        Ok(Judged { client, status, headers, body: answer.text().await? })
    }

    fn judge(&self, answer: &Judged) {
        let judgement = (self.judge)(answer);
        let mut totals = lock(&self.totals);
        *totals.statuses.entry(answer.status.as_u16()).or_default() += 1;
        if let Err(violation) = judgement {
            totals.violated += 1;
            keep(&mut totals.violations, violation);
        }
    }
}

fn lock(totals: &Mutex<Totals>) -> MutexGuard<'_, Totals> {
    totals.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(kept: &mut Vec<String>, one: String) {
    if kept.len() < KEPT {
        kept.push(one);
    }
}
