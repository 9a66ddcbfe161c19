//! The ways in, where people are asked who they are.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap};
use outpost_dashboard::model::Role;
use outpost_decision::cookie;
use outpost_decision::crypto::{constant_time_eq, sha256};
use outpost_decision::origin::{self, Trust};
use outpost_decision::target::{Authority, Scheme};
use outpost_decision::time::Timestamp;
use tokio::time::Instant;

use super::badge::{Badge, BadgeKeys, How};
use super::ended::Ended;
use super::limiter::Limiter;
use super::operator::{Asking, Operator};
use super::{Refusal, local};
use crate::clock;
use crate::http::fields::WebFields;
use crate::limits::{Limit, LimitFigures};
use crate::ops::host::only_host;

/// What the cookie of operators is called, behind what https adds.
const COOKIE: &str = "outpost_operator";

/// The ways in where people are asked.
pub(super) struct Doors {
    /// Hashes of tokens, so that a comparison tells nothing of their length either.
    pub(super) tokens: Vec<([u8; 32], Role)>,
    pub(super) core: bool,
    pub(super) url: Option<(Scheme, Authority)>,
    pub(super) keys: BadgeKeys,
    pub(super) seconds: i64,
    pub(super) ended: Ended,
    pub(super) limiter: Limiter,
    /// Whose word on where a request comes from counts.
    pub(super) trust: Trust,
    /// Where it is counted that there were too many wrong tokens.
    pub(super) limits: LimitFigures,
}

impl Doors {
    /// Whether the `Host` is one that the pages are served under.
    pub(super) fn host(&self, headers: &HeaderMap) -> Result<Authority, Refusal> {
        let host = only_host(headers).ok_or(Refusal::Host)?;
        let fits = match &self.url {
            None => true,
            Some((scheme, named)) => {
                local::is_loopback(&host) || host.clone().without_default_port(*scheme) == *named
            }
        };
        if fits { Ok(host) } else { Err(Refusal::Host) }
    }

    /// Who holds the badge of this request.
    pub(super) async fn badge(&self, asking: Asking<'_>) -> Result<Operator, Refusal> {
        let now = clock::now();
        let badge = self
            .cookies(asking.headers)
            .into_iter()
            .filter_map(|value| self.keys.open(value))
            .find(|badge| self.is_in_time(badge, now))
            .ok_or(Refusal::SignIn)?;
        let unsure = match self.ended.has(&badge.id, now).await {
            Ok(true) => return Err(Refusal::SignIn),
            Ok(false) => false,
            Err(error) => {
                tracing::warn!(%error, "nobody can tell whether an operator has signed out");
                true
            }
        };
        Ok(Operator {
            name: badge.name.clone(),
            role: badge.role,
            how: badge.how,
            peer: self.client(asking),
            unsure,
            csrf: self.keys.csrf(&badge.id),
            badge: Some(badge),
        })
    }

    /// A lifetime that was shortened counts for badges that were made before, too.
    fn is_in_time(&self, badge: &Badge, now: Timestamp) -> bool {
        now < badge.until && now < badge.since.plus(self.seconds)
    }

    fn cookies<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a str> {
        let sent = headers.get_all(header::COOKIE).map(|value| value.as_bytes());
        cookie::values(sent, &self.cookie_name())
    }

    pub(super) fn has_cookie(&self, headers: &HeaderMap) -> bool {
        !self.cookies(headers).is_empty()
    }

    /// All tokens are compared, whichever fits.
    fn role_of(&self, token: &str) -> Option<Role> {
        let given = sha256(token.as_bytes());
        let fits =
            |(known, role): &([u8; 32], Role)| constant_time_eq(&given, known).then_some(*role);
        self.tokens.iter().filter_map(fits).max()
    }

    /// What a token is good for; each wrong one is counted.
    ///
    /// # Errors
    /// [`Refusal::Token`], [`Refusal::Limited`].
    pub(super) fn try_token(&self, asking: Asking<'_>, token: &str) -> Result<Role, Refusal> {
        let (client, now) = (self.client(asking), Instant::now());
        let limited = |wait| {
            self.limits.reached(Limit::OperatorTokens);
            Refusal::Limited(wait)
        };
        self.limiter.check(client, now).map_err(limited)?;
        let Some(role) = self.role_of(token) else {
            let counted = self.limiter.failed(client, now);
            return Err(counted.map_or_else(limited, |()| Refusal::Token));
        };
        Ok(role)
    }

    /// Where a request comes from: operators behind one reverse proxy are not one.
    pub(super) fn client(&self, asking: Asking<'_>) -> Option<IpAddr> {
        asking.peer.map(|peer| origin::client(peer, &WebFields(asking.headers), &self.trust))
    }

    pub(super) fn new_badge(&self, name: &str, role: Role, how: How) -> Result<Badge, Refusal> {
        Badge::new(name, role, how, clock::now(), self.seconds).map_err(|_| Refusal::Broken)
    }

    fn is_https(&self) -> bool {
        matches!(self.url, Some((Scheme::Https, _)))
    }

    /// With https browsers take care that nobody else sets it (RFC 6265bis, section 4.1.3.2).
    pub(super) fn cookie_name(&self) -> String {
        let prefix = if self.is_https() { "__Host-" } else { "" };
        format!("{prefix}{COOKIE}")
    }

    /// Lax: coming back from core is a navigation from another site.
    pub(super) fn set_cookie(&self, value: &str, seconds: i64) -> String {
        let secure = if self.is_https() { "; Secure" } else { "" };
        let name = self.cookie_name();
        format!("{name}={value}; Path=/; Max-Age={seconds}{secure}; HttpOnly; SameSite=Lax")
    }
}
