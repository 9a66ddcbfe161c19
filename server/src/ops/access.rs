//! Who may use the operators' pages and API: one place decides on both.
//!
//! **Where nothing is set** it is whoever uses this machine, and nobody who merely makes a program
//! on it ask. A browser on this machine is such a program; three checks keep web pages from using
//! it: the `Host` must be loopback (against names that are made to resolve to this machine, DNS
//! rebinding), the request must not come from another site (`Origin`, `Sec-Fetch-Site`), and what
//! changes something must be a form of ours (with a token of its own) or JSON, which no page may
//! send across sites without asking first (CORS preflight). A reverse proxy on this machine is
//! another; requests that it marks as forwarded are refused.
//!
//! **With tokens or sign-in through core** everybody says who they are, wherever they come from:
//! programs bring a token, browsers a [`Badge`], sealed into a cookie when somebody signs in. What
//! somebody may do hangs on which token it was, or on their groups in core. A badge that was signed
//! out is noted ([`ended`]); while nobody can tell, its holder may look and not act.

mod badge;
mod doors;
mod ended;
mod limiter;
mod local;
mod operator;
mod refusal;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap};
use outpost_dashboard::model::Role;
use outpost_decision::crypto::{base64url, constant_time_eq, derive, sha256};
use outpost_decision::origin::Trust;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::badge::BadgeKeys;
pub use self::badge::{Badge, How};
use self::doors::Doors;
use self::ended::Ended;
pub use self::ended::Notes;
pub use self::limiter::Guesses;
use self::limiter::Limiter;
pub use self::operator::{Asking, Operator, Ways};
pub use self::refusal::Refusal;
use crate::clock;
use crate::limits::LimitFigures;
use crate::ops::host::only_host;
use crate::randomness;

/// How often it is looked whether another replica has signed somebody out.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Who may come in.
pub struct AccessParts {
    /// Core's token of this outpost, which everything that is sealed hangs on.
    pub core_token: SecretString,
    /// Whoever brings it may act.
    pub token: Option<SecretString>,
    /// Whoever brings it may look.
    pub view_token: Option<SecretString>,
    /// What decides who may come in through core, in some text; `None`: nobody.
    pub core: Option<String>,
    /// Where operators' browsers find the pages.
    pub url: Option<Url>,
    /// How long somebody stays signed in.
    pub lifetime: Duration,
    /// For notes of who has signed out.
    pub notes: Arc<dyn Notes>,
    /// Whose word on where a request comes from counts: for counting guesses, and for the audit.
    pub trust: Trust,
    /// How many wrong tokens are borne.
    pub guesses: Guesses,
    /// Where it is counted that there were more.
    pub limits: LimitFigures,
}

/// Decides who may ask.
pub struct Access {
    doors: Option<Doors>,
    /// Of this process alone: forms of browsers that nobody asks are bound to it.
    local_secret: Option<[u8; 32]>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.doors {
            None => f.write_str("Access(local)"),
            Some(doors) => {
                write!(f, "Access(tokens: {}, core: {})", doors.tokens.len(), doors.core)
            }
        }
    }
}

impl Access {
    /// Asks for what `parts` name, or for requests of this machine where they name nothing.
    #[must_use]
    pub fn new(parts: AccessParts) -> Self {
        // Without randomness no form is taken.
        let local_secret = randomness::bytes().ok();
        let AccessParts { core_token, token, view_token, core, url, lifetime, notes, .. } = parts;
        if token.is_none() && view_token.is_none() && core.is_none() {
            return Self { doors: None, local_secret };
        }
        let exposed = |token: &Option<SecretString>| {
            token.as_ref().map(|token| token.expose_secret().to_owned())
        };
        let (act, view) = (exposed(&token), exposed(&view_token));
        // Where notes end with the process, so do badges: one that was signed out would open again.
        // It need not be secret, only another one each time.
        let run = (!notes.are_durable()).then(|| match local_secret {
            Some(secret) => hex::encode(derive(&secret, "run")),
            None => clock::now().0.to_string(),
        });
        let deciding = [act.as_deref(), view.as_deref(), core.as_deref(), run.as_deref()];
        let keys = BadgeKeys::new(&core_token, &deciding);
        let hashed = |token: Option<&str>, role| token.map(|it| (sha256(it.as_bytes()), role));
        let tokens = [hashed(act.as_deref(), Role::Act), hashed(view.as_deref(), Role::View)];
        let doors = Doors {
            tokens: tokens.into_iter().flatten().collect(),
            core: core.is_some(),
            url: url.and_then(|url| local::read_origin(&url.origin().ascii_serialization())),
            keys,
            seconds: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
            ended: Ended::new(notes),
            limiter: Limiter::new(parts.guesses),
            trust: parts.trust,
            limits: parts.limits,
        };
        Self { doors: Some(doors), local_secret }
    }

    /// How somebody can sign in; `None` where nobody is asked to.
    #[must_use]
    pub fn ways(&self) -> Option<Ways> {
        let doors = self.doors.as_ref()?;
        Some(Ways { token: !doors.tokens.is_empty(), core: doors.core })
    }

    /// Who asks for a page.
    ///
    /// # Errors
    /// The first reason against it; [`Refusal::SignIn`] where they have only to sign in.
    pub async fn page(&self, asking: Asking<'_>) -> Result<Operator, Refusal> {
        self.entrance(asking)?;
        let Some(doors) = &self.doors else {
            let csrf = self.local_secret.map(|secret| base64url(&derive(&secret, "csrf")));
            return Ok(Operator {
                name: "this machine".to_owned(),
                role: Role::Act,
                how: How::Local,
                peer: asking.peer,
                badge: None,
                unsure: false,
                csrf: csrf.unwrap_or_default(),
            });
        };
        doors.badge(asking).await
    }

    /// Whether somebody may come as far as the entrance: see what there is for everybody, and sign
    /// in.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn entrance(&self, asking: Asking<'_>) -> Result<(), Refusal> {
        let host = match &self.doors {
            None => local::nearby(asking)?,
            Some(doors) => doors.host(asking.headers)?,
        };
        if !local::may_read(asking.method, asking.headers, &host) {
            return Err(Refusal::Site);
        }
        Ok(())
    }

    /// Whether a page of ours makes the browser send this: `Origin` must be there, and be where it
    /// is sent.
    ///
    /// # Errors
    /// [`Refusal::Site`].
    pub fn same_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = only_host(headers).ok_or(Refusal::Host)?;
        let mut origins = headers.get_all(header::ORIGIN);
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            return Err(Refusal::Site);
        };
        let scheme = origin.to_str().ok().and_then(local::read_origin).map(|(scheme, _)| scheme);
        let told = self.doors.as_ref().and_then(|doors| doors.url.as_ref());
        let downgraded = told.is_some_and(|(wanted, named)| {
            host.clone().without_default_port(*wanted) == *named && scheme != Some(*wanted)
        });
        if downgraded || !local::same_site(headers, &host) { Err(Refusal::Site) } else { Ok(()) }
    }

    /// Whether a form comes from a page that was made for `operator`, and they may send it.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn form(
        &self,
        asking: Asking<'_>,
        operator: &Operator,
        csrf: &str,
        role: Role,
    ) -> Result<(), Refusal> {
        self.same_origin(asking.headers)?;
        let fits = constant_time_eq(csrf.as_bytes(), operator.csrf.as_bytes());
        if operator.csrf.is_empty() || !fits {
            return Err(Refusal::Form);
        }
        operator.may(role)
    }

    /// Who calls the API. Programs bring a token, and each wrong one is counted; a browser with a
    /// badge may read.
    ///
    /// # Errors
    /// The first reason against it.
    pub async fn call(&self, asking: Asking<'_>) -> Result<Operator, Refusal> {
        let Some(doors) = &self.doors else {
            local::call(asking)?;
            return self.page(asking).await;
        };
        if !asking.headers.contains_key(header::AUTHORIZATION)
            && asking.reads()
            && doors.has_cookie(asking.headers)
        {
            return self.page(asking).await;
        }
        // Who brings none does not guess.
        let role = doors.try_token(asking, bearer(asking.headers).ok_or(Refusal::Token)?)?;
        Ok(Operator {
            name: name_by_token(role).to_owned(),
            role,
            how: How::Token,
            peer: doors.client(asking),
            badge: None,
            unsure: false,
            csrf: String::new(),
        })
    }

    /// A badge for whoever brings a token; each wrong one is counted.
    ///
    /// # Errors
    /// [`Refusal::Token`], [`Refusal::Limited`], [`Refusal::Broken`].
    pub fn admit_by_token(&self, asking: Asking<'_>, token: &str) -> Result<Badge, Refusal> {
        let doors = self.doors.as_ref().ok_or(Refusal::Token)?;
        let role = doors.try_token(asking, token)?;
        doors.new_badge(name_by_token(role), role, How::Token)
    }

    /// Where a request comes from, as far as it can be believed. Where nobody is asked who they are
    /// it is whoever is connected.
    #[must_use]
    pub fn client(&self, asking: Asking<'_>) -> Option<IpAddr> {
        self.doors.as_ref().map_or(asking.peer, |doors| doors.client(asking))
    }

    /// A badge for whoever came through core.
    ///
    /// # Errors
    /// [`Refusal::Broken`].
    pub fn admit_by_core(&self, name: &str, role: Role) -> Result<Badge, Refusal> {
        let doors = self.doors.as_ref().filter(|doors| doors.core).ok_or(Refusal::Broken)?;
        doors.new_badge(name, role, How::Core)
    }

    /// `Set-Cookie` of a badge.
    ///
    /// # Errors
    /// [`Refusal::Broken`].
    pub fn cookie(&self, badge: &Badge) -> Result<String, Refusal> {
        let doors = self.doors.as_ref().ok_or(Refusal::Broken)?;
        let value = doors.keys.seal(badge).ok_or(Refusal::Broken)?;
        let age = clock::now().seconds_until(badge.until).max(0);
        Ok(doors.set_cookie(&value, age))
    }

    /// Ends a badge, here and on every replica; `Set-Cookie` that takes it from the browser.
    pub async fn dismiss(&self, badge: &Badge) -> Option<String> {
        let doors = self.doors.as_ref()?;
        doors.ended.note(badge.id, badge.until, clock::now()).await;
        Some(doors.set_cookie("", 0))
    }

    /// Is ready when a badge is over: its time is up, or somebody has signed it out.
    pub async fn over(&self, badge: &Badge) {
        let Some(doors) = &self.doors else { return std::future::pending().await };
        let mut news = doors.ended.watch();
        loop {
            let now = clock::now();
            if badge.until <= now || doors.ended.has(&badge.id, now).await.unwrap_or(false) {
                return;
            }
            let left = u64::try_from(now.seconds_until(badge.until)).unwrap_or_default();
            let wait = LOOK_AGAIN.min(Duration::from_secs(left.max(1)));
            // The writing end is ours: it is not gone.
            let _ = tokio::time::timeout(wait, news.changed()).await;
        }
    }

    /// The secret that sign-ins through core are signed with; `None` where there are none.
    #[must_use]
    pub fn flow_secret(&self) -> Option<SecretString> {
        let doors = self.doors.as_ref().filter(|doors| doors.core)?;
        Some(doors.keys.flow_secret())
    }

    /// What the cookie of operators is called; `None` where nobody is asked.
    #[must_use]
    pub fn cookie_name(&self) -> Option<String> {
        self.doors.as_ref().map(Doors::cookie_name)
    }
}

/// How somebody is called of whom only the token is known.
const fn name_by_token(role: Role) -> &'static str {
    match role {
        Role::View => "viewer by token",
        Role::Act => "operator by token",
    }
}

/// The one `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION);
    let (Some(given), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = given.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
pub(in crate::ops) mod testing;
#[cfg(test)]
mod tests;
