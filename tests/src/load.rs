//! Many clients at once, each of whose answers is judged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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
    /// When it asked: nothing of the request was on its way before.
    pub asked: Instant,
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, as text.
    pub body: String,
}

/// What clients ask for, again and again.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Of any host, on loopback.
    pub url: String,
    /// Headers, cookies among them.
    pub headers: Vec<(String, String)>,
    /// How long a client rests between an answer and its next request.
    pub rest: Duration,
    /// Whether each request has a connection of its own, instead of one that its client keeps.
    pub is_apart: bool,
}

impl Request {
    fn new(url: &str, cookies: Option<String>) -> Self {
        let headers = cookies.into_iter().map(|cookies| ("cookie".to_owned(), cookies)).collect();
        Self { url: url.to_owned(), headers, ..Self::default() }
    }
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
        Self::of(clients, Request::new(url, cookies), judge)
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
        let request = Request { is_apart: true, ..Request::new(url, cookies) };
        Self::of(clients, request, judge)
    }

    /// The same with more headers, or at a slower pace.
    #[must_use]
    pub fn of(
        clients: usize,
        request: Request,
        judge: impl Fn(&Judged) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let totals = Arc::new(Mutex::new(Totals::default()));
        let (running, run) = watch::channel(());
        let work = Work { request, judge: Box::new(judge), totals: Arc::clone(&totals) };
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
    request: Request,
    judge: Box<Judge>,
    totals: Arc<Mutex<Totals>>,
}

impl Work {
    /// One client, until it is to stop.
    async fn repeat(&self, client: usize, run: watch::Receiver<()>) {
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Loopback))
            .timeout(PATIENCE)
            .pool_max_idle_per_host(usize::from(!self.request.is_apart))
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
            if !self.request.rest.is_zero() {
                tokio::time::sleep(self.request.rest).await;
            }
        }
    }

    async fn ask(&self, http: &Client, client: usize) -> reqwest::Result<Judged> {
        let mut request = http.get(&self.request.url);
        for (name, value) in &self.request.headers {
            request = request.header(name, value);
        }
        let asked = Instant::now();
        let mut answer = request.send().await?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        Ok(Judged { client, asked, status, headers, body: answer.text().await? })
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
