//! Two outposts as processes, a Redis behind a relay for each, a core, and browsers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use outpost_decision::compile::cookie_name;
use outpost_demo::core::StandInCore;
use outpost_demo::sample_app::SampleApp;
use outpost_tests::redis::RedisServer;
use outpost_tests::stage::Stage;
use outpost_tests::{Answer, Browser, Relay, Replicas, wait};
use reqwest::{Method, StatusCode};
use tokio::runtime::Runtime;
use url::Url;

use super::model::{BROWSERS, Link, Model, PEOPLE, REPLICAS, Session, Step};

const HOST: &str = "app.test";
const PAGE: &str = "/json";
const PREFIX: &str = "/outpost.goauthentik.io";

/// How long a short session lasts, in seconds.
const SHORT: f64 = 5.0;
/// How long any other one does.
const LONG: f64 = 86_400.0;

/// Something that a step or a check found wrong.
type Wrong = String;

/// What somebody's browser keeps of a session, and what was seen of its end.
#[derive(Clone, Debug)]
struct Kept {
    person: usize,
    cookies: String,
    /// Core's name of the session.
    sid: String,
    /// When it ends by itself, if soon.
    ends: Option<Instant>,
    /// The replicas that have refused it once it was over: none may serve it again.
    refused: [bool; REPLICAS],
}

/// What an outpost makes of a request.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// Served, as this person.
    As(String),
    /// To be signed in.
    ForNobody,
    /// Not to be told now.
    Unavailable,
}

/// Everything around the outposts.
pub(crate) struct Rig {
    runtime: Runtime,
    replicas: Replicas,
    relays: Vec<Relay>,
    core: StandInCore,
    browsers: Vec<Option<Kept>>,
    /// A cookie as of a session, of none.
    nobodys: String,
    /// Sessions that were over when their browser was used for another one.
    past: Vec<Kept>,
    steps: BTreeMap<&'static str, usize>,
    checks: usize,
    _redis: RedisServer,
    _app: SampleApp,
}

impl fmt::Display for Rig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers judged; steps: {:?}", self.checks, self.steps)
    }
}

impl Rig {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let Stage { core, app, .. } = Stage::of(HOST);
        let redis = RedisServer::start();
        let relays: Vec<_> = (0..REPLICAS).map(|_| Relay::start(redis.address())).collect();
        let replicas = runtime.block_on(Replicas::each(&core, REPLICAS, |index| {
            [("OUTPOST__SESSIONS__STORE", redis.url_at(relays[index].address()))]
                .map(|(name, value)| (name.to_owned(), value))
                .into()
        }));
        let client = core.provider("app").unwrap().client_id;
        let nobodys = format!("{}={}", cookie_name(&client), "A".repeat(43));
        let mut rig = Self {
            runtime,
            replicas,
            relays,
            core,
            browsers: vec![None; BROWSERS],
            nobodys,
            past: Vec::new(),
            steps: BTreeMap::new(),
            checks: 0,
            _redis: redis,
            _app: app,
        };
        rig.begin();
        rig
    }

    /// As it is before anything happens: no fault, no browser with a session.
    pub(crate) fn begin(&mut self) {
        self.heal();
        self.browsers = vec![None; BROWSERS];
        self.past.clear();
        self.connected();
        // A sequence that failed may have left a replica in any state.
        for index in 0..REPLICAS {
            self.runtime.block_on(self.replicas.ready(index));
        }
    }

    pub(crate) fn heal(&self) {
        for replica in 0..REPLICAS {
            self.relays[replica].heal();
        }
        for replica in 0..REPLICAS {
            self.finds_the_store(replica);
        }
    }

    /// Waits until a replica has found the store again: it says of a session that it is none.
    fn finds_the_store(&self, replica: usize) {
        let look = wait::until_async("the store found", async || {
            match self.taken(replica, Some(&self.nobodys)).await? {
                Taken::ForNobody => Ok(()),
                taken => Err(format!("{taken:?}")),
            }
        });
        self.runtime.block_on(look);
    }

    fn connected(&self) {
        self.runtime.block_on(self.core.wait_connected(REPLICAS)).unwrap();
    }

    /// Lets a step happen. `before` is what was true until then.
    pub(crate) fn apply(&mut self, before: &Model, step: &Step) -> Result<(), Wrong> {
        let name = match step {
            Step::SignIn { .. } => "sign-in",
            Step::SignOut { .. } => "sign-out",
            Step::CoreEnds { .. } => "ended by core",
            Step::LogoutToken { .. } => "logout token",
            Step::Cut { .. } => "store lost",
            Step::Heal { .. } => "store found",
            Step::Crash { .. } => "crash",
            Step::Refresh { .. } => "refresh",
            Step::TimePasses => "time",
        };
        *self.steps.entry(name).or_default() += 1;
        let is_up = |replica: usize| before.links[replica] == Link::Up;
        match *step {
            Step::SignIn { browser, person, begin, finish, short } => {
                if let Some(kept) = self.browsers[browser].take()
                    && matches!(before.sessions[browser], Session::Over { .. })
                {
                    self.past.push(kept);
                }
                let found = self.sign_in(person, begin, finish, short, is_up(finish))?;
                self.browsers[browser] = found;
            }
            Step::SignOut { browser, at } => {
                let Some(kept) = &self.browsers[browser] else { return Ok(()) };
                let sign_out = format!("{PREFIX}/sign_out");
                let answer = self.runtime.block_on(self.get(at, &sign_out, Some(&kept.cookies)));
                let expected = [StatusCode::FOUND, StatusCode::SERVICE_UNAVAILABLE];
                if !expected.contains(&answer.status) || is_up(at) && answer.status != 302 {
                    return Err(format!("a sign-out: {answer:?}"));
                }
            }
            Step::CoreEnds { browser } => {
                if let Some(kept) = &self.browsers[browser] {
                    self.core.end_session(&kept.sid);
                }
            }
            Step::LogoutToken { person, at } => {
                let claims = self.core.logout_claims("app", None, Some(PEOPLE[person])).unwrap();
                let token = self.core.mint_logout_token("app", claims).unwrap().unwrap();
                let url = self.replicas.url(at, HOST, &format!("{PREFIX}/backchannel_logout"));
                let post =
                    async { Browser::new().post_form(&url, &[("logout_token", &token)]).await };
                let answer = self.runtime.block_on(post);
                if is_up(at) && answer.status != 200 {
                    return Err(format!("a logout token: {answer:?}"));
                }
            }
            Step::Cut { at, how } => match how {
                Link::Refused => self.relays[at].refuse(),
                Link::Stalled => self.relays[at].stall(),
                Link::Up => {}
            },
            Step::Heal { at } => {
                self.relays[at].heal();
                self.finds_the_store(at);
            }
            Step::Crash { at } => {
                self.replicas.kill(at);
                self.runtime.block_on(self.replicas.restart(at));
                self.connected();
            }
            Step::Refresh { at } => self.replicas.program(at).signal("USR1"),
            Step::TimePasses => {
                let ends = self.browsers.iter().flatten().filter_map(|kept| kept.ends).max();
                if let Some(ends) = ends {
                    let rest = ends.saturating_duration_since(Instant::now());
                    self.runtime.block_on(tokio::time::sleep(rest));
                }
            }
        }
        Ok(())
    }

    /// Signs somebody in, in a browser of their own. `None` where the store cannot be told.
    fn sign_in(
        &self,
        person: usize,
        begin: usize,
        finish: usize,
        short: bool,
        works: bool,
    ) -> Result<Option<Kept>, Wrong> {
        let name = PEOPLE[person];
        let known = self.core.sessions_of(name);
        self.core.set_token_validity("app", if short { SHORT } else { LONG });
        let browser = Browser::new();
        let start = self.replicas.url(begin, HOST, &format!("{PREFIX}/start?rd=%2Fjson"));
        let begun = self.runtime.block_on(browser.get(&start));
        let authorize = begun.redirect().filter(|url| url.contains("/application/o/authorize/"));
        let authorize = authorize.ok_or_else(|| format!("a start: {begun:?}"))?;
        let callback = self.core.sign_in(&authorize, name).map_err(|error| error.to_string())?;
        let mut callback = Url::parse(&callback).unwrap();
        callback.set_port(Some(self.replicas.addresses(finish).http.port())).unwrap();
        let get = browser.get(callback.as_str());
        let answer = self.runtime.block_on(get);
        self.core.set_token_validity("app", LONG);
        let sid = self.core.sessions_of(name).into_iter().find(|sid| !known.contains(sid));
        let sid = sid.ok_or("core made no session")?;
        let is_session = |name: &String| name.starts_with("authentik_proxy_") && name.len() == 24;
        let lands = answer.status == 302 && browser.cookie_names().iter().any(is_session);
        match (lands, works) {
            (true, true) => {
                let cookies = browser.cookie_header(&callback).ok_or("no cookie")?;
                let lasts = Duration::from_secs_f64(SHORT + 1.5);
                let ends = short.then(|| Instant::now() + lasts);
                Ok(Some(Kept { person, cookies, sid, ends, refused: [false; REPLICAS] }))
            }
            (false, false) if answer.status == 503 => Ok(None),
            _ => Err(format!("a sign-in where the store works: {works}: {answer:?}")),
        }
    }

    async fn get(&self, replica: usize, path: &str, cookies: Option<&str>) -> Answer {
        let url = self.replicas.url(replica, HOST, path);
        let headers: Vec<_> = cookies.iter().map(|cookies| ("cookie", *cookies)).collect();
        Browser::new().send(Method::GET, &url, &headers, None).await
    }

    async fn taken(&self, replica: usize, cookies: Option<&str>) -> Result<Taken, Wrong> {
        let answer = self.get(replica, PAGE, cookies).await;
        match answer.status.as_u16() {
            200 => Ok(Taken::As(answer.json()["user"].as_str().unwrap_or_default().to_owned())),
            302 if answer.header("location").contains("/start?rd=") => Ok(Taken::ForNobody),
            503 => Ok(Taken::Unavailable),
            _ => Err(format!("replica {replica}: {answer:?}")),
        }
    }

    /// Everybody is what they must be, at every replica.
    pub(crate) fn check(&mut self, model: &Model) -> Result<(), Wrong> {
        let this = &*self;
        let all = (0..REPLICAS).flat_map(|replica| (0..BROWSERS).map(move |it| (replica, it)));
        let all: Vec<_> = all.collect();
        let people = all.iter().map(async |&(replica, browser)| {
            let session = model.sessions[browser];
            let Some(kept) = &this.browsers[browser] else { return Ok((None, 0)) };
            let (refused, checks) =
                this.person(replica, kept, session, model.links[replica]).await?;
            Ok::<_, Wrong>((refused.then_some((replica, browser)), checks))
        });
        let nobody = (0..REPLICAS).map(async |replica| {
            for cookies in [None, Some(this.nobodys.as_str()), this.forged().as_deref()] {
                if let Taken::As(name) = this.taken(replica, cookies).await? {
                    return Err(format!("replica {replica} serves nobody as {name:?}"));
                }
            }
            Ok(())
        });
        let (found, ()) = self.runtime.block_on(async {
            let found = try_join_all(people).await?;
            try_join_all(nobody).await?;
            Ok::<_, Wrong>((found, ()))
        })?;
        for (refused, checks) in found {
            self.checks += checks;
            if let Some((replica, browser)) = refused
                && let Some(kept) = &mut self.browsers[browser]
            {
                kept.refused[replica] = true;
            }
        }
        self.checks += 3 * REPLICAS;
        Ok(())
    }

    /// A cookie of somebody's shape that nobody was given.
    fn forged(&self) -> Option<String> {
        let kept = self.browsers.iter().flatten().next()?;
        let (head, value) = kept.cookies.rsplit_once('=')?;
        let turned: String = value.chars().rev().collect();
        (turned != value).then(|| format!("{head}={turned}"))
    }

    /// One person at one replica: whether they are refused for good, and how many answers that took.
    async fn person(
        &self,
        replica: usize,
        kept: &Kept,
        session: Session,
        link: Link,
    ) -> Result<(bool, usize), Wrong> {
        let name = PEOPLE[kept.person];
        let wrong = |taken: &Taken| {
            Err(format!("replica {replica}, {link:?}, {name} {session:?}: {taken:?}; {kept:?}"))
        };
        let end = Instant::now() + wait::PATIENCE;
        let mut count = 0;
        loop {
            let taken = self.taken(replica, Some(&kept.cookies)).await?;
            count += 1;
            if matches!(&taken, Taken::As(other) if other != name) {
                return wrong(&taken);
            }
            let served = matches!(taken, Taken::As(_));
            let settled = match (session, link) {
                (Session::None | Session::Doubtful { .. }, _) => true,
                (Session::Live { .. }, _) if taken == Taken::ForNobody => return wrong(&taken),
                // Until it has found the store again.
                (Session::Live { .. }, Link::Up) => served,
                (Session::Live { .. }, _) => true,
                (Session::Over { .. }, _) if served && kept.refused[replica] => {
                    return wrong(&taken);
                }
                (Session::Over { .. }, Link::Up) => taken == Taken::ForNobody,
                (Session::Over { told, .. }, _) => !(served && told),
            };
            if settled {
                let is_over = matches!(session, Session::Over { .. });
                return Ok((is_over && taken == Taken::ForNobody, count));
            }
            if Instant::now() > end {
                return wrong(&taken);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sessions that were over once are over still; every replica reaches the store.
    pub(crate) fn check_the_past(&self) -> Result<(), Wrong> {
        let over = |kept: &Kept| Session::Over { person: kept.person, told: false };
        let all = self.past.iter().flat_map(|kept| {
            (0..REPLICAS).map(move |replica| self.person(replica, kept, over(kept), Link::Up))
        });
        let all = self.runtime.block_on(join_all(all));
        all.into_iter().try_for_each(|found| found.map(|_| ()))
    }
}
