//! From a request to the facts it is decided by: where it came from, which URL it is about, who
//! serves that, what is asked for, and by what kind of client.
//!
//! Pure, and the only place that knows these rules: the outpost gathers the facts of requests
//! with it, and `explain` those of requests that were never sent. A failure here is a decision,
//! too, and its steps name what was at fault.

use std::net::IpAddr;
use std::sync::Arc;

use url::Url;

use crate::decide::refuse;
use crate::decision::{Decision, Reason, Step};
use crate::dialect::{Asked, Dialect, Original};
use crate::embedded::{self, Place};
use crate::endpoint::{self, OwnPaths};
use crate::facts::{ClientKind, Endpoint, Found, Headers, Peer};
use crate::form;
use crate::origin::{self, Origin, Trust, server_name};
use crate::provider::{Mode, Provider};
use crate::redirect::RequestHost;
use crate::route::{Match, OwnHints};
use crate::ruleset::Ruleset;
use crate::target::{Authority, Target};
use crate::time::Timestamp;

/// A request as the outpost got it.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a, H: ?Sized> {
    /// Its method.
    pub method: &'a str,
    /// Its path, byte for byte.
    pub path: &'a str,
    /// Its query, byte for byte, without the question mark.
    pub query: Option<&'a str>,
    /// The host of its request line (HTTP/2 `:authority`, absolute-form target), where there is one.
    pub authority: Option<&'a str>,
    /// Its headers.
    pub headers: &'a H,
    /// Who sent it.
    pub peer: Peer,
}

/// What a request is looked at by: settings, the configuration in effect, the present.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Whose forwarding headers are believed.
    pub trust: &'a Trust,
    /// The providers.
    pub ruleset: &'a Ruleset,
    /// Whether a configuration has been received at all.
    pub loaded: bool,
    /// Whether core is behind the outpost.
    pub embedded: bool,
    /// Whether the paths of the 2021.5 outpost are served as well.
    pub akprox: bool,
    /// Largest form that is kept over a sign-in, in bytes; zero: none is.
    pub keep_post_bytes: usize,
    /// The present.
    pub now: Timestamp,
}

/// What else is known of a request. Asked only where it matters.
#[derive(Clone, Copy)]
pub struct Hints<'a> {
    /// Whether the client sent a cookie of this name.
    pub has_cookie: &'a dyn Fn(&str) -> bool,
    /// The TLS connection it came over; `None` where there is none, or none is looked at.
    pub connection: Option<Connection<'a>>,
}

/// The TLS connection below a request.
#[derive(Clone, Copy)]
pub struct Connection<'a> {
    /// The host name that the client asked for in its TLS handshake.
    pub server_name: Option<&'a str>,
    /// Whether the same certificate answers for both names.
    pub same_certificate: &'a dyn Fn(&str, &str) -> bool,
}

/// What is known of a request once its facts are gathered.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where it came from.
    pub origin: Origin,
    /// The original URL.
    pub target: Target,
    /// Which reverse proxy asks, in forward auth.
    pub dialect: Option<Dialect>,
    /// What the original request asks for.
    pub endpoint: Endpoint,
    /// What kind of client asks.
    pub client: ClientKind,
    /// Who serves the host.
    pub provider: Arc<Provider>,
}

impl Facts {
    /// The host the request came in on, for judging return targets.
    #[must_use]
    pub const fn request_host(&self) -> RequestHost<'_> {
        RequestHost { scheme: self.target.scheme, authority: &self.target.authority }
    }

    /// Whether a page of another site opens a websocket with the cookie of this one (CVE class
    /// "cross-site websocket hijacking"; browsers send `Origin` with every handshake, RFC 6455 10.2).
    #[must_use]
    pub fn is_cross_site_websocket(&self, headers: &(impl Headers + ?Sized)) -> bool {
        if self.client != ClientKind::Websocket {
            return false;
        }
        if headers.nth("origin", 0).is_none() {
            return false; // Not a browser: it could send any cookie anyway.
        }
        let Some(origin) = headers.text("origin").and_then(|origin| Url::parse(origin).ok()) else {
            return true;
        };
        let Some(origin) = origin.host_str().and_then(Authority::parse) else { return true };
        let same_host = origin.host == self.target.authority.host;
        let domain = self.provider.cookie_domain.as_deref();
        !(same_host || domain.is_some_and(|domain| origin.is_within(domain)))
    }

    /// Whether the credentials of a request have a say in what is decided about it.
    #[must_use]
    pub const fn needs_credentials(&self) -> bool {
        matches!(self.endpoint, Endpoint::Application | Endpoint::Callback | Endpoint::SignOut)
    }
}

/// A request that is core's, in embedded mode.
#[derive(Clone, Debug)]
pub struct CoreRequest {
    /// Where it came from.
    pub origin: Origin,
    /// What it asks for.
    pub target: Target,
    /// Whether it may be one for a file.
    pub place: Place,
}

/// A request that nobody can be asked about: refused before a provider was known.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The decision; its action is `Deny` or `Unavailable`.
    pub decision: Decision,
    /// Where it came from and what it is about, as far as either could be told.
    pub about: Option<(Origin, Target)>,
    /// The client's address as far as it could be told.
    pub client: IpAddr,
}

impl Refusal {
    /// The host, where it could be told.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        self.about.as_ref().map(|(_, target)| target.authority.text())
    }
}

/// What there is to say of a request before its credentials are looked at.
#[derive(Clone, Debug)]
pub enum Gathered {
    /// Liveness.
    Ping,
    /// A static file of ours.
    Static,
    /// Core's own, in embedded mode.
    Core(CoreRequest),
    /// Refused.
    Refused(Refusal),
    /// To be decided about.
    Facts {
        /// The facts.
        facts: Facts,
        /// What was looked at so far.
        steps: Vec<Step>,
    },
}

impl Gathered {
    /// Where the request came from, as far as that was looked at.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Ping | Self::Static => None,
            Self::Core(request) => Some(&request.origin),
            Self::Refused(refusal) => refusal.about.as_ref().map(|(origin, _)| origin),
            Self::Facts { facts, .. } => Some(&facts.origin),
        }
    }
}

/// Gathers the facts: origin, dialect, route, endpoint, client kind.
#[must_use]
pub fn gather<H: Headers + ?Sized>(
    received: &Received<'_, H>,
    rules: &Rules<'_>,
    hints: &Hints<'_>,
) -> Gathered {
    let Received { path, query, headers, peer, .. } = *received;
    let asking = match endpoint::classify(path, query, OwnPaths::at_root(rules.akprox)) {
        Endpoint::Ping => return Gathered::Ping,
        Endpoint::Static => return Gathered::Static,
        Endpoint::Auth(dialect) => Some(dialect),
        _ => None,
    };
    let mut steps = Vec::with_capacity(6);
    let found = Found::among(headers);
    let origin = match origin::told(&peer, &found, received.authority, rules.trust) {
        Ok(origin) => origin,
        Err(error) => {
            steps.push(Step::Fault { header: error.header });
            let decision = refuse(error.reason, asking, steps);
            return Gathered::Refused(Refusal { decision, about: None, client: peer.address });
        }
    };
    steps.extend(origin.ignored.iter().map(|header| Step::Ignored { header }));
    let refused = |reason: Reason, origin: Origin, target: Target, steps: Vec<Step>| {
        let client = origin.client;
        let decision = refuse(reason, asking, steps);
        Gathered::Refused(Refusal { decision, about: Some((origin, target)), client })
    };
    let own = |origin: &Origin| Target {
        scheme: origin.scheme,
        authority: origin.authority.clone(),
        path: path.to_owned(),
        query: query.map(ToOwned::to_owned),
    };
    let came_from = Step::Origin { source: origin.source, peer_trusted: origin.peer_trusted };
    if let Some(name) = misdirected(hints.connection, &origin) {
        let name = name.to_owned();
        steps.extend([came_from, Step::ServerName { name }]);
        let own = own(&origin);
        return refused(Reason::Misdirected, origin, own, steps);
    }
    let (target, method, host_claimed) = match asking {
        None => {
            steps.push(came_from);
            (own(&origin), received.method, None)
        }
        Some(dialect) => {
            let asked = Asked { method: received.method, path, query };
            match dialect.original(&found, &asked, &origin) {
                Ok(Original { target, method, source, host_claimed }) => {
                    steps.push(Step::Origin { source, peer_trusted: origin.peer_trusted });
                    (target, method, host_claimed.then_some(source))
                }
                Err(error) => {
                    steps.extend([came_from, Step::Fault { header: error.header }]);
                    let own = own(&origin);
                    return refused(error.reason, origin, own, steps);
                }
            }
        }
    };
    let ruleset = rules.ruleset;
    let about_own = OwnHints { akprox: rules.akprox, has_cookie: hints.has_cookie, now: rules.now };
    let routed = ruleset.route_own(&target, &about_own).map_or_else(|| ruleset.route(&target), Ok);
    if rules.embedded && asking.is_none() {
        let place = embedded::place(&target, rules.akprox, routed.as_ref().map_err(|why| *why));
        if place != Place::Outpost {
            return Gathered::Core(CoreRequest { origin, target, place });
        }
    }
    if !rules.loaded {
        return refused(Reason::NotReady, origin, target, steps);
    }
    let sought = |target: &Target| Step::Sought { host: target.authority.text() };
    let routed = match routed {
        Ok(routed) => routed,
        Err(unrouted) => {
            let nothing = rules.embedded && ruleset.providers().is_empty();
            let reason = if nothing { Reason::NothingAssigned } else { unrouted.reason() };
            steps.push(sought(&target));
            return refused(reason, origin, target, steps);
        }
    };
    if let Some(header) = host_claimed
        && !ruleset.may_ask_about(&origin.host, &target, &routed, &about_own)
    {
        steps.extend([sought(&target), Step::Fault { header }]);
        return refused(Reason::HeadersDisagree, origin, target, steps);
    }
    let provider = match (routed.matched, routed.provider.at(&target.authority)) {
        (_, None) => Arc::clone(routed.provider),
        (Match::Wildcard, Some(there)) => Arc::new(there),
        // It would call back at, and send people to, whatever host the client has named.
        _ => {
            steps.push(sought(&target));
            return refused(Reason::NoProvider, origin, target, steps);
        }
    };
    steps.push(Step::Route { matched: routed.matched, lost: routed.lost });
    let endpoint = endpoint::classify(&target.path, target.query.as_deref(), provider.own_paths());
    match endpoint {
        // Below an application's path: ours as they are at the root, and never the application's.
        Endpoint::Ping if asking.is_none() => return Gathered::Ping,
        Endpoint::Static if asking.is_none() => return Gathered::Static,
        _ => {}
    }
    let may_keep = |method: &str, target: &Target, provider: &Provider| {
        let keep = rules.keep_post_bytes;
        form::may_keep(method, headers, target, provider, keep, hints.has_cookie)
    };
    let client = match ClientKind::told(method, &found) {
        ClientKind::UnsafeMethod
            if asking.is_none()
                && provider.mode == Mode::Proxy
                && may_keep(method, &target, &provider) =>
        {
            ClientKind::Form
        }
        kind => kind,
    };
    Gathered::Facts {
        facts: Facts { origin, target, dialect: asking, endpoint, client, provider },
        steps,
    }
}

/// The name that the TLS connection of a request was made for, where that is another host's.
fn misdirected<'a>(connection: Option<Connection<'a>>, origin: &Origin) -> Option<&'a str> {
    let Connection { server_name, same_certificate } = connection?;
    server_name
        .filter(|_| server_name::misdirected(server_name, origin, |a, b| same_certificate(a, b)))
}
