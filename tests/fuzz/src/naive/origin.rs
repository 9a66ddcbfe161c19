//! Whom to believe about a request: contract 5 and 7, rule by rule, for the customary headers.

use std::net::IpAddr;

use crate::input::Sent;

/// What can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed {
    /// Whether the client used TLS.
    pub https: bool,
    /// Host in lower case, and the port in effect.
    pub host: (String, u16),
    /// The client's address.
    pub client: IpAddr,
}

/// The request must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// A host as it stands in a header: letters, digits, hyphens, underscores and dots, or an IPv6 address
/// in brackets; a port maybe.
#[must_use]
pub fn host(text: &str, default_port: u16) -> Option<(String, u16)> {
    let (name, port) = match text.rfind(':') {
        Some(colon) if !text[colon..].contains(']') => {
            let digits = &text[colon + 1..];
            let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
            (&text[..colon], if is_number { digits.parse().ok()? } else { return None })
        }
        _ => (text, default_port),
    };
    if name.starts_with('[') {
        let inner = name.strip_prefix('[')?.strip_suffix(']')?;
        let address: std::net::Ipv6Addr = inner.parse().ok()?;
        return Some((format!("[{address}]"), port));
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    (name.len() <= 253 && name.split('.').all(is_label)).then_some((name, port))
}

/// The only value of a header: `Err` where there are several or it is no text.
fn only<'a>(headers: &'a Sent, name: &str) -> Result<Option<&'a str>, Refused> {
    match headers.all(name).as_slice() {
        [] => Ok(None),
        [one] => {
            let text = std::str::from_utf8(one).map_err(|_| Refused)?;
            if text.chars().any(char::is_control) { Err(Refused) } else { Ok(Some(text)) }
        }
        _ => Err(Refused),
    }
}

fn scheme(text: &str) -> Result<bool, Refused> {
    match text.trim().to_lowercase().as_str() {
        "https" | "wss" => Ok(true),
        "http" | "ws" => Ok(false),
        _ => Err(Refused),
    }
}

/// What is to be believed of a request without an authority in its request line.
///
/// # Errors
/// Where it must be refused.
pub fn believed(
    peer: IpAddr,
    trusted: impl Fn(IpAddr) -> bool,
    tls: bool,
    headers: &Sent,
) -> Result<Believed, Refused> {
    let own = only(headers, "Host")?.ok_or(Refused)?;
    let port = |https: bool| if https { 443 } else { 80 };
    if !trusted(peer) {
        let host = host(own, port(tls)).ok_or(Refused)?;
        return Ok(Believed { https: tls, host, client: peer });
    }
    let proto = only(headers, "X-Forwarded-Proto")?.filter(|text| !text.is_empty());
    let https = proto.map_or(Ok(tls), scheme)?;
    let own = host(own, port(https)).ok_or(Refused)?;
    let forwarded = only(headers, "X-Forwarded-Host")?.filter(|text| !text.is_empty());
    let host = match forwarded {
        Some(text) => host(text.trim(), port(https)).ok_or(Refused)?,
        None => own,
    };
    Ok(Believed { https, host, client: client(peer, trusted, headers) })
}

/// The right-most hop that is not trusted.
fn client(peer: IpAddr, trusted: impl Fn(IpAddr) -> bool, headers: &Sent) -> IpAddr {
    let joined = headers.all("X-Forwarded-For").join(&b',');
    let mut hops: Vec<&[u8]> = joined.split(|byte| *byte == b',').collect();
    let mut client = peer;
    while let Some(hop) = hops.pop() {
        let Some(address) = std::str::from_utf8(hop).ok().and_then(|text| address(text.trim()))
        else {
            return client;
        };
        client = address;
        if !trusted(client) {
            return client;
        }
    }
    client
}

/// An address, with a port or in brackets maybe; an IPv4 address within IPv6 is the IPv4 address.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = text
        .parse()
        .or_else(|_| text.parse().map(|socket: std::net::SocketAddr| socket.ip()))
        .or_else(|_| bracketed.unwrap_or_default().parse().map(IpAddr::V6))
        .ok()?;
    Some(address.to_canonical())
}
