//! Outposts over a store that fails, clients at work, and the judge of their answers.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use outpost_demo::core::StandInCore;
use outpost_demo::sample_app::SampleApp;
use outpost_tests::balancer::Balancer;
use outpost_tests::load::{Judged, Load, Request, Totals};
use outpost_tests::stage::Stage;
use outpost_tests::{Answer, Browser, Replicas, wait};

/// No replica serves a session longer than this after another has ended it, while the store is up.
pub(crate) const BOUND: Duration = Duration::from_secs(2);

const HOST: &str = "app.test";
const PAGE: &str = "/json";
const SIGN_OUT: &str = "/outpost.goauthentik.io/sign_out";

/// Outposts of one core in front of an application, behind a balancer where people sign in.
pub(crate) struct Front {
    pub(crate) replicas: Replicas,
    balancer: Balancer,
    pub(crate) core: StandInCore,
    _app: SampleApp,
}

impl Front {
    /// So many outposts, all with the store at `url`.
    pub(crate) async fn of(count: usize, url: &str, variables: &[(&str, &str)]) -> Self {
        Self::each(count, |_| url.to_owned(), variables).await
    }

    /// The same with a way of its own to the store for each.
    pub(crate) async fn each(
        count: usize,
        url: impl Fn(usize) -> String,
        variables: &[(&str, &str)],
    ) -> Self {
        let Stage { core, app, reserved, .. } = Stage::of(HOST);
        let replicas = Replicas::each(&core, count, |index| {
            let store = ("OUTPOST__SESSIONS__STORE".to_owned(), url(index));
            let more = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
            std::iter::once(store).chain(more).collect()
        })
        .await;
        let balancer = Balancer::start(reserved, &replicas.http()).await;
        Self { replicas, balancer, core, _app: app }
    }

    /// Somebody who has just signed in, at whichever replica.
    pub(crate) async fn member(&self, user: &str) -> Member {
        let browser = Browser::new();
        let url = self.balancer.at.url(HOST, PAGE);
        let page = browser.sign_in(&url, user).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let cookies = browser.cookie_header(&page.url).expect("a session");
        Member { user: user.to_owned(), browser, cookies, ways_out: Arc::default() }
    }

    /// Signs in to the end, whatever comes of it.
    pub(crate) async fn sign_in(&self, user: &str) -> Answer {
        Browser::new().sign_in(&self.balancer.at.url(HOST, PAGE), user).await
    }

    /// What a replica answers somebody.
    pub(crate) async fn get(&self, replica: usize, member: &Member) -> Answer {
        let url = self.replicas.url(replica, HOST, PAGE);
        let cookies = [("cookie", member.cookies.as_str())];
        // Without a browser's memory: a cookie taken away would hide what comes after.
        Browser::new().send(reqwest::Method::GET, &url, &cookies, None).await
    }

    /// Signs out at a replica; gives the answer.
    pub(crate) async fn sign_out(&self, replica: usize, member: &Member) -> Answer {
        let url = self.replicas.url(replica, HOST, SIGN_OUT);
        let _ = member.ways_out.begun.set(());
        let answer = member.browser.get(&url).await;
        if answer.status == 302 {
            let _ = member.ways_out.answered.set(Instant::now());
        }
        answer
    }

    /// Waits until a replica answers somebody with this status; gives how long it took.
    pub(crate) async fn becomes(&self, replica: usize, member: &Member, status: u16) -> Duration {
        let start = Instant::now();
        wait::until_async("an answer", async || {
            let answer = self.get(replica, member).await;
            if answer.status == status { Ok(()) } else { Err(format!("{answer:?}")) }
        })
        .await;
        start.elapsed()
    }

    /// A navigation without a session comes to an end: a page to sign in, or *unavailable*.
    pub(crate) async fn no_loop(&self, member: &Member) {
        for cookies in [None, Some(garbage(&member.cookies))] {
            let browser = Browser::new();
            let headers: Vec<_> = cookies.iter().map(|it| ("cookie", it.as_str())).collect();
            let url = self.replicas.url(0, HOST, PAGE);
            let first = browser.send(reqwest::Method::GET, &url, &headers, None).await;
            let last = match first.redirect() {
                Some(next) => browser.follow(&next).await,
                None => first,
            };
            let at_core = last.url.path().starts_with("/application/o/authorize");
            assert!(at_core || last.status == 503, "{last:?}");
        }
    }

    /// Clients at a replica: `member` as pages and as a script, and people without a session.
    pub(crate) fn crowd(&self, replica: usize, member: &Member, bound: Duration) -> Crowd {
        self.crowd_at_ease(replica, member, bound, Duration::from_millis(10))
    }

    /// The same, each of whom rests so long after each answer.
    pub(crate) fn crowd_at_ease(
        &self,
        replica: usize,
        member: &Member,
        bound: Duration,
        rest: Duration,
    ) -> Crowd {
        let url = self.replicas.url(replica, HOST, PAGE);
        let start = |cookies: Option<String>, rule: Rule| {
            let accept = if rule.is_script { "application/json" } else { "text/html" };
            let accept = ("accept".to_owned(), accept.to_owned());
            let cookies = cookies.map(|cookies| ("cookie".to_owned(), cookies));
            let headers = std::iter::once(accept).chain(cookies).collect();
            let request = Request { url: url.clone(), headers, rest, is_apart: false };
            Load::of(1, request, move |it| rule.judge(it))
        };
        let rule = |is_script| Rule {
            member: Some((member.user.clone(), Arc::clone(&member.ways_out))),
            is_script,
            bound,
        };
        let none = |is_script| Rule { member: None, is_script, bound };
        Crowd {
            pages: start(Some(member.cookies.clone()), rule(false)),
            scripts: start(Some(member.cookies.clone()), rule(true)),
            without: start(None, none(false)),
            garbage: start(Some(garbage(&member.cookies)), none(true)),
        }
    }
}

/// Somebody with a session.
pub(crate) struct Member {
    user: String,
    browser: Browser,
    cookies: String,
    ways_out: Arc<WayOut>,
}

/// How far somebody's sign-out is.
#[derive(Debug, Default)]
struct WayOut {
    begun: OnceLock<()>,
    answered: OnceLock<Instant>,
}

/// A cookie of the same shape that nobody was given.
fn garbage(cookies: &str) -> String {
    let last = cookies.len() - 1;
    let mut is_value = false;
    let change = |(at, c): (usize, char)| {
        is_value = (is_value || c == '=') && c != ';';
        // Not of every last letter is there another with the same unused bits.
        let changes = is_value && at < last && c.is_ascii_alphabetic();
        if changes { char::from(c as u8 ^ 0x20) } else { c }
    };
    let other: String = cookies.char_indices().map(change).collect();
    assert_ne!(other, cookies);
    other
}

/// Clients at work.
pub(crate) struct Crowd {
    pages: Load,
    scripts: Load,
    without: Load,
    garbage: Load,
}

/// What came of a crowd; nothing in it was a violation.
#[derive(Debug)]
pub(crate) struct Served {
    /// Of the member, as pages and as a script.
    pub(crate) member: [Totals; 2],
}

impl Crowd {
    /// Waits until each client has got so many more answers.
    pub(crate) async fn answers(&self, more: usize) {
        tokio::join!(
            self.pages.answers(more),
            self.scripts.answers(more),
            self.without.answers(more),
            self.garbage.answers(more),
        );
    }

    /// Waits until the member has had another answer with this status, as a page and as a script.
    pub(crate) async fn member_gets(&self, status: u16) {
        tokio::join!(another(&self.pages, status), another(&self.scripts, status));
    }

    /// Waits until a cookie that is no session's has had another answer with this status.
    pub(crate) async fn garbage_gets(&self, status: u16) {
        another(&self.garbage, status).await;
    }

    /// Ends it.
    ///
    /// # Panics
    /// When an answer was a violation, or a request went without one.
    pub(crate) fn stop(self) -> Served {
        let Self { pages, scripts, without, garbage } = self;
        let fair = |load: Load| {
            let totals = load.stop();
            assert_eq!((totals.violated, totals.failed), (0, 0), "{totals:#?}");
            totals
        };
        fair(without);
        fair(garbage);
        Served { member: [fair(pages), fair(scripts)] }
    }
}

impl Served {
    /// The statuses that the member got.
    pub(crate) fn member_got(&self) -> Vec<u16> {
        let mut all: Vec<_> =
            self.member.iter().flat_map(|it| it.statuses.keys().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

async fn another(load: &Load, status: u16) {
    let count = || load.totals().statuses.get(&status).copied().unwrap_or_default();
    let before = count();
    // The one under way may have been decided before.
    wait::until_async("a status under load", async || {
        if count() > before + 1 { Ok(()) } else { Err(format!("{status}: {:#?}", load.totals())) }
    })
    .await;
}

/// What somebody may be answered.
struct Rule {
    member: Option<(String, Arc<WayOut>)>,
    is_script: bool,
    bound: Duration,
}

impl Rule {
    fn judge(&self, answer: &Judged) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{what}: {answer:?}"));
        let header = |name: &str| {
            answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let content = if self.is_script { "application/json" } else { "text/html" };
        match (answer.status.as_u16(), &self.member) {
            (200, None) => wrong("served without a session"),
            (200, Some((user, way_out))) => {
                let over = way_out.answered.get().map(|out| *out + self.bound);
                if over.is_some_and(|over| answer.asked >= over) {
                    return wrong("served after signing out");
                }
                let name = format!("\"{user}\"");
                if answer.body.to_ascii_lowercase().contains("x-authentik-username")
                    && answer.body.contains(&name)
                {
                    Ok(())
                } else {
                    wrong("served as somebody else")
                }
            }
            (302 | 401, Some((_, way_out))) if way_out.begun.get().is_none() => {
                wrong("sent to sign in with a session")
            }
            (302, _) if self.is_script => wrong("a script was redirected"),
            (302, _) => {
                let to = header("location");
                let known = ["/application/o/authorize", "/outpost.goauthentik.io/start?rd="];
                if known.iter().any(|known| to.contains(known)) { Ok(()) } else { wrong("lost") }
            }
            (401, _) if self.is_script && header("content-type").starts_with(content) => Ok(()),
            (503, _) => {
                let told = !header("retry-after").is_empty();
                let kind = header("content-type").starts_with(content);
                let quiet = header("set-cookie").is_empty();
                if told && kind && quiet { Ok(()) } else { wrong("not a good word in bad times") }
            }
            _ => wrong("nothing that anybody expects"),
        }
    }
}
