//! First line: who asks, as `<address of the peer> <http or https> <method> <path and query>`. Then
//! header lines.
//!
//! From a request to a decision without credentials, in all dialects and modes.

use std::net::IpAddr;

use outpost_decision::decide::{Credential, Inquiry, Scripts, decide};
use outpost_decision::decision::Action;
use outpost_decision::dialect::Dialect;
use outpost_decision::facts::Peer;
use outpost_decision::gather::{Facts, Gathered, Hints, Received, Rules, gather};
use outpost_decision::origin::{Origin, Trust, TrustedNetworks, resolve};
use outpost_decision::provider::Mode;
use outpost_decision::target::{Scheme, Target as Asked};
use url::Url;

use super::Target;
use crate::input::{Sent, first_line};
use crate::site::Site;
use crate::{naive, site};

pub(super) const TARGET: Target = Target {
    name: "origin",
    asserts: "scheme, host and client are those of the naive model; what an untrusted peer forwards \
              changes nothing; what is repeated is refused; without credentials only public paths and \
              our own pass, in every dialect",
    check,
};

/// Headers that only a trusted peer may set.
const FORWARDING: [&str; 8] = [
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-For",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Original-URL",
    "X-Original-URI",
    "Forwarded",
];

struct Request {
    peer: Peer,
    method: String,
    path: String,
    query: Option<String>,
    headers: Sent,
}

fn read(data: &[u8]) -> Option<Request> {
    let (first, rest) = first_line(data);
    let mut words = std::str::from_utf8(first).ok()?.split(' ');
    let address: IpAddr = words.next()?.parse().ok()?;
    let tls = words.next()? == "https";
    let method = words.next()?.to_owned();
    let target = words.next()?;
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    // As a server lets it through.
    let is_target = path.starts_with('/') && target.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    is_target.then(|| Request {
        peer: Peer { address: address.to_canonical(), tls },
        method,
        path: path.to_owned(),
        query,
        headers: Sent::parse(rest),
    })
}

fn check(data: &[u8]) {
    let Some(request) = read(data) else { return };
    let networks = TrustedNetworks::default();
    let trusted = networks.contains(request.peer.address);
    let trust = Trust::from(networks.clone());
    let resolved = resolve(&request.peer, &request.headers, None, &trust);

    // More hops than any chain has are not believed at all; the model has no such bound.
    let hops = request.headers.all("X-Forwarded-For").join(&b',');
    if hops.iter().filter(|byte| **byte == b',').count() < 60 {
        let contains = |address| networks.contains(address);
        let expected = naive::origin::believed(
            request.peer.address,
            contains,
            request.peer.tls,
            &request.headers,
        );
        let found = resolved.as_ref().map(believed).map_err(|_| naive::origin::Refused);
        assert_eq!(found, expected, "{:?}", request.headers);
    }
    if let Ok(origin) = &resolved {
        assert_eq!(origin.peer_trusted, trusted);
        let url = format!("{}://{}/", origin.scheme.as_str(), origin.authority);
        if let Ok(url) = Url::parse(&url)
            && url.domain().is_some()
        {
            assert_eq!(url.host_str(), Some(&*origin.authority.host));
        }
    }
    if !trusted {
        let bare = request.headers.without(&FORWARDING);
        let alone = resolve(&request.peer, &bare, None, &trust);
        assert_eq!(alone.as_ref().map(believed), resolved.as_ref().map(believed));
    }

    for forwarded in [false, true] {
        let trust = Trust { networks: networks.clone(), forwarded };
        for site in site::sites() {
            judge(&request, &trust, site, trusted);
        }
    }
}

fn believed(origin: &Origin) -> naive::origin::Believed {
    let https = origin.scheme == Scheme::Https;
    let host = (origin.authority.host.to_string(), origin.authority.port_or_default(origin.scheme));
    naive::origin::Believed { https, host, client: origin.client }
}

fn judge(request: &Request, trust: &Trust, site: &Site, trusted: bool) {
    let Some((facts, action)) = decided(request, &request.headers, trust, site) else { return };
    let Facts { target, dialect, provider, .. } = &facts;
    let has_path = target.has_path();
    assert!(has_path || *dialect == Some(Dialect::NginxAkprox));
    assert!(!has_path || target.path.starts_with('/'), "{target:?}");
    assert!(!target.to_string().chars().any(|c| c.is_control() || c == ' '), "{target:?}");

    // Whoever is not trusted tells nothing but its own request.
    if !trusted {
        assert!(
            matches!(dialect, None | Some(Dialect::Envoy | Dialect::NginxAkprox)),
            "an untrusted peer told a URL: {facts:?}"
        );
        assert!(!facts.origin.peer_trusted);
    }
    // What names the URL and comes twice is refused.
    let names: &[&str] = match dialect {
        Some(Dialect::Traefik | Dialect::Caddy) => {
            &["X-Forwarded-Uri", "X-Forwarded-Host", "X-Forwarded-Proto"]
        }
        Some(Dialect::Nginx) => &["X-Original-URL", "X-Original-URI"],
        _ => &["Host"],
    };
    for name in names {
        if let Some(value) = request.headers.all(name).first()
            && !value.is_empty()
        {
            let mut doubled = request.headers.clone();
            doubled.0.push(((*name).to_owned(), b"/elsewhere".to_vec()));
            assert!(decided(request, &doubled, trust, site).is_none(), "{name} twice");
        }
    }
    match action {
        Action::Allow => panic!("nobody is signed in: {facts:?}"),
        Action::Skip => assert!(is_public(provider.mode, target), "{target} is public"),
        Action::PassOwnPath => {
            assert!(dialect.is_some_and(Dialect::is_nginx), "{facts:?}");
            let own = target.path.strip_prefix(&provider.external.home).unwrap_or(&target.path);
            let rest = own.strip_prefix("/outpost.goauthentik.io");
            let rest = rest.or_else(|| target.path.strip_prefix("/outpost.goauthentik.io"));
            assert!(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')), "{target}");
            assert_eq!(naive::path::readings(target.path.as_bytes()).len(), 1, "{target}");
        }
        _ => {}
    }
}

/// The providers' rule is `^/public/`: below that folder to everybody who reads the path.
fn is_public(mode: Mode, target: &Asked) -> bool {
    assert!(mode != Mode::Proxy || target.path.starts_with('/'));
    let readings = naive::path::readings(target.path.as_bytes());
    readings.len() == 1 && readings.iter().all(|path| path.starts_with(b"/public/"))
}

/// What is decided about the request, were it sent with these headers; `None` where no decision was
/// reached because it was answered or refused before.
fn decided(
    request: &Request,
    headers: &Sent,
    trust: &Trust,
    site: &Site,
) -> Option<(Facts, Action)> {
    let received = Received {
        method: &request.method,
        path: &request.path,
        query: request.query.as_deref(),
        authority: None,
        headers,
        peer: request.peer,
    };
    let rules = Rules {
        trust,
        ruleset: &site.ruleset,
        loaded: true,
        embedded: false,
        akprox: site.akprox,
        keep_post_bytes: 0,
        now: site::NOW,
    };
    let hints = Hints { has_cookie: &|_| false, connection: None };
    match gather(&received, &rules, &hints) {
        Gathered::Ping | Gathered::Static => None,
        Gathered::Core(_) => panic!("nothing is embedded here"),
        Gathered::Refused(refusal) => {
            let action = refusal.decision.action;
            assert!(matches!(action, Action::Deny | Action::Unavailable), "{action:?}");
            None
        }
        Gathered::Facts { facts, steps } => {
            let inquiry = Inquiry {
                endpoint: facts.endpoint,
                dialect: facts.dialect,
                target: &facts.target,
                provider: &facts.provider,
                client: facts.client,
                credential: Credential::ABSENT,
                scripts: Scripts::default(),
            };
            let action = decide(&inquiry, steps).action;
            Some((facts, action))
        }
    }
}
