//! Who asks, for which host, over which scheme: peer and headers against trusted networks.
//!
//! Forwarding headers are believed from trusted peers only (contract 2 and 5). Every header that
//! was there and not believed is named, so that a decision can say so.
//!
//! Where RFC 7239 `Forwarded` is switched on and there, it tells the client's address, and what it
//! says of client, host and scheme must agree with `X-Forwarded-For`, `-Host` and `-Proto` where those
//! are there as well: of two families of headers, a proxy that sets one may pass on what a client says
//! in the other.

use std::net::IpAddr;

use serde::Serialize;

use crate::decision::Reason;
use crate::dialect::DialectError;
use crate::facts::{Found, Headers, Known, Peer, Single};
use crate::target::{Authority, Scheme};

mod forwarded;
pub mod networks;
pub mod server_name;

pub use networks::{InvalidNetwork, TrustedNetworks};

/// Whom and what to believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The networks whose forwarding headers are believed.
    pub networks: TrustedNetworks,
    /// Whether `Forwarded` (RFC 7239) is one of them.
    pub forwarded: bool,
}

impl From<TrustedNetworks> for Trust {
    /// Believes the customary headers only.
    fn from(networks: TrustedNetworks) -> Self {
        Self { networks, forwarded: false }
    }
}

/// Headers that only a trusted peer may set.
const FORWARDING: [Known; 7] = [
    Known::XForwardedHost,
    Known::XForwardedProto,
    Known::XForwardedFor,
    Known::XForwardedUri,
    Known::XForwardedMethod,
    Known::XOriginalUrl,
    Known::XOriginalUri,
];

/// The header of RFC 7239, believed only where the settings say so.
const FORWARDED: Known = Known::Forwarded;

/// No proxy chain is longer; a longer `X-Forwarded-For` is not walked further, and one in more
/// headers than that is not believed.
const MAX_HOPS: usize = 64;

/// Where a request comes from and what it was sent to, as far as it can be believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Scheme the client used.
    pub scheme: Scheme,
    /// Host the client named: `X-Forwarded-Host` of a trusted peer, else the request's own. The
    /// scheme's default port is left out.
    pub authority: Authority,
    /// The request's own host (`Host`, `:authority`), whatever was forwarded.
    pub host: Authority,
    /// Address of the client: the right-most hop that is not trusted.
    pub client: IpAddr,
    /// Whether the peer is in the trusted networks.
    pub peer_trusted: bool,
    /// What `authority` was taken from.
    pub source: &'static str,
    /// Forwarding headers that were there and not believed.
    pub ignored: Vec<&'static str>,
}

/// Works out the origin of a request.
///
/// `authority` is the host of the request line (HTTP/2 `:authority`, absolute-form target), where
/// there is one. It wins over `Host` (RFC 9112 section 3.2.2); both must agree.
///
/// # Errors
/// A host that is missing, repeated, malformed or named twice differently; from a trusted peer
/// also `X-Forwarded-Host` or `-Proto` that is repeated or no single usable value, a `Forwarded`
/// that cannot be read, and one that disagrees with the others.
pub fn resolve(
    peer: &Peer,
    headers: &(impl Headers + ?Sized),
    authority: Option<&str>,
    trust: &Trust,
) -> Result<Origin, DialectError> {
    told(peer, &Found::among(headers), authority, trust)
}

/// [`resolve`], by headers that are found already.
pub(crate) fn told(
    peer: &Peer,
    headers: &Found<'_, impl Headers + ?Sized>,
    authority: Option<&str>,
    trust: &Trust,
) -> Result<Origin, DialectError> {
    let peer_address = peer.address.to_canonical();
    let peer_trusted = trust.networks.contains(peer_address);
    let connection_scheme = if peer.tls { Scheme::Https } else { Scheme::Http };
    let (host, host_source) = own_host(headers, authority)?;

    if !peer_trusted {
        let rfc = trust.forwarded.then_some(FORWARDED);
        let ignored = FORWARDING.into_iter().chain(rfc).filter(|known| headers.has(*known));
        let ignored = ignored.map(Known::name).collect();
        let host = host.without_default_port(connection_scheme);
        return Ok(Origin {
            scheme: connection_scheme,
            authority: host.clone(),
            host,
            client: peer_address,
            peer_trusted,
            source: host_source,
            ignored,
        });
    }

    let rfc = match trust.forwarded {
        true => forwarded::read(headers, peer_address, &trust.networks)?,
        false => None,
    };
    let proto = match only(headers, Known::XForwardedProto)? {
        None => None,
        Some(text) => {
            Some(Scheme::parse(text.trim()).ok_or_else(|| malformed(Known::XForwardedProto))?)
        }
    };
    let proto = one_of(proto, rfc.as_ref().and_then(|rfc| rfc.scheme))?;
    let scheme = proto.map_or(connection_scheme, |(scheme, _)| scheme);

    let normal = |authority: Authority| authority.without_default_port(scheme);
    let forwarded = match only(headers, Known::XForwardedHost)? {
        None => None,
        Some(text) => {
            Some(host.parse_like(text.trim()).ok_or_else(|| malformed(Known::XForwardedHost))?)
        }
    };
    let rfc_host = rfc.as_ref().and_then(|rfc| rfc.host.clone());
    let host = normal(host);
    let (authority, source) = match one_of(forwarded.map(normal), rfc_host.map(normal))? {
        Some((authority, true)) => (authority, Known::XForwardedHost.name()),
        Some((authority, false)) => (authority, FORWARDED.name()),
        None => (host.clone(), host_source),
    };
    let by_hops = client_address(headers, peer_address, &trust.networks);
    let client = rfc.as_ref().map_or(by_hops, |rfc| rfc.client);
    if client != by_hops && names_hops(headers) {
        return Err(disagreeing(FORWARDED));
    }
    // Beside the headers that are believed it is no surprise that this one is not.
    let unheard = !trust.forwarded
        && headers.has(FORWARDED)
        && !FORWARDING.into_iter().any(|known| headers.has(known));
    Ok(Origin {
        scheme,
        authority,
        host,
        client,
        peer_trusted,
        source,
        ignored: unheard.then_some(FORWARDED.name()).into_iter().collect(),
    })
}

/// Address of the client alone, as far as it can be believed: like [`Origin::client`], whatever the
/// headers say of host and scheme. Headers that contradict one another leave the peer.
#[must_use]
pub fn client(peer: IpAddr, headers: &(impl Headers + ?Sized), trust: &Trust) -> IpAddr {
    let peer = peer.to_canonical();
    if !trust.networks.contains(peer) {
        return peer;
    }
    let headers = &Found::among(headers);
    let by_hops = client_address(headers, peer, &trust.networks);
    if !trust.forwarded {
        return by_hops;
    }
    match forwarded::read(headers, peer, &trust.networks) {
        Ok(None) => by_hops,
        Ok(Some(rfc)) if rfc.client == by_hops || !names_hops(headers) => rfc.client,
        Ok(Some(_)) | Err(_) => peer,
    }
}

/// The value that two headers tell, and whether the first of them told it.
fn one_of<T: PartialEq>(
    customary: Option<T>,
    rfc: Option<T>,
) -> Result<Option<(T, bool)>, DialectError> {
    match (customary, rfc) {
        (Some(customary), Some(rfc)) if customary != rfc => Err(disagreeing(FORWARDED)),
        (Some(customary), _) => Ok(Some((customary, true))),
        (None, rfc) => Ok(rfc.map(|rfc| (rfc, false))),
    }
}

/// Whether `X-Forwarded-For` says anything.
fn names_hops(headers: &Found<'_, impl Headers + ?Sized>) -> bool {
    (0..=MAX_HOPS)
        .map_while(|index| headers.nth(Known::XForwardedFor, index))
        .any(|line| !line.trim_ascii().is_empty())
}

fn own_host(
    headers: &Found<'_, impl Headers + ?Sized>,
    authority: Option<&str>,
) -> Result<(Authority, &'static str), DialectError> {
    let header = match headers.single(Known::Host) {
        Single::Missing => None,
        Single::One(text) => Some(text),
        Single::Repeated => return Err(repeated(Known::Host)),
        Single::NotText => return Err(malformed(Known::Host)),
    };
    let header = match header {
        None => None,
        // RFC 9112 3.2: beside an absolute-form target an empty Host says nothing.
        Some("") if authority.is_some() => None,
        Some(text) => Some(Authority::parse(text).ok_or_else(|| malformed(Known::Host))?),
    };
    const LINE: &str = ":authority";
    let unreadable = DialectError { reason: Reason::HeaderMalformed, header: LINE };
    let line = match authority {
        None => None,
        Some(text) => Some(Authority::parse(text).ok_or(unreadable)?),
    };
    match (line, header) {
        (Some(line), Some(header)) if line != header => Err(disagreeing(Known::Host)),
        (Some(line), _) => Ok((line, LINE)),
        (None, Some(header)) => Ok((header, Known::Host.name())),
        // RFC 9112 3.2: a bad request, and nobody's configuration.
        (None, None) => Err(malformed(Known::Host)),
    }
}

/// Walks `X-Forwarded-For` from the right, over all its headers, until a hop is not trusted.
/// An entry that is no address ends the walk at the hop that reported it.
fn client_address(
    headers: &Found<'_, impl Headers + ?Sized>,
    peer: IpAddr,
    trusted: &TrustedNetworks,
) -> IpAddr {
    let count = headers.count(Known::XForwardedFor);
    // The last ones are those that count, and looking for them costs by the square of them.
    if count > MAX_HOPS {
        return peer;
    }
    let (mut client, mut left) = (peer, MAX_HOPS);
    for index in (0..count).rev() {
        let hops = headers.nth(Known::XForwardedFor, index).unwrap_or_default();
        for hop in hops.rsplit(|byte| *byte == b',') {
            let Some(address) = hop_address(hop).filter(|_| left > 0) else { return client };
            if !trusted.contains(address) {
                return address;
            }
            (client, left) = (address, left - 1);
        }
    }
    client
}

/// An entry of `X-Forwarded-For`: an address, with a port or without.
fn hop_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    // Nearly always it is nothing else.
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let text = text.trim();
    let address = match text.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => match text.parse::<std::net::SocketAddr>() {
            Ok(socket) => socket.ip(),
            Err(_) => text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?,
        },
    };
    Some(address.to_canonical())
}

/// The only value of a header that a trusted peer set; an empty one counts as missing.
fn only<'h>(
    headers: &Found<'h, impl Headers + ?Sized>,
    known: Known,
) -> Result<Option<&'h str>, DialectError> {
    match headers.single(known) {
        Single::Missing | Single::One("") => Ok(None),
        Single::One(text) => Ok(Some(text)),
        Single::Repeated => Err(repeated(known)),
        Single::NotText => Err(malformed(known)),
    }
}

const fn repeated(known: Known) -> DialectError {
    DialectError { reason: Reason::HeaderRepeated, header: known.name() }
}

const fn malformed(known: Known) -> DialectError {
    DialectError { reason: Reason::HeaderMalformed, header: known.name() }
}

const fn disagreeing(known: Known) -> DialectError {
    DialectError { reason: Reason::HeadersDisagree, header: known.name() }
}

#[cfg(test)]
mod tests;
