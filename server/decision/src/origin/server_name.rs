//! The name of a TLS handshake against the host of a request over it.

use super::Origin;

/// Whether a request came over a connection that was made for another host (421 Misdirected
/// Request, RFC 9110 section 15.5.20).
///
/// Whoever asks under the name of one application for another goes around all that decides by
/// server name on the way here (domain fronting). Browsers do so rightly when one certificate names
/// both hosts (connection coalescing, RFC 9113 section 9.1.1): `same_certificate` says whether the
/// same certificate answers for both names. They ask again over a connection of its own after 421.
///
/// A client that named no host, and a trusted proxy that speaks TLS to us under a name of its own,
/// are not meant.
pub fn misdirected(
    server_name: Option<&str>,
    origin: &Origin,
    same_certificate: impl FnOnce(&str, &str) -> bool,
) -> bool {
    let Some(name) = server_name.filter(|_| !origin.peer_trusted) else { return false };
    let name = name.strip_suffix('.').unwrap_or(name);
    let host = &*origin.host.host;
    !name.eq_ignore_ascii_case(host) && !same_certificate(name, host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Peer;
    use crate::origin::{Trust, TrustedNetworks, resolve};

    fn at(host: &str, trusted: bool) -> Origin {
        let peer = Peer { address: "203.0.113.9".parse().unwrap(), tls: true };
        let networks = if trusted { "203.0.113.0/24" } else { "10.0.0.0/8" };
        let trust = Trust::from(TrustedNetworks::parse(networks).unwrap());
        resolve(&peer, &[("host", host)][..], None, &trust).unwrap()
    }

    #[test]
    fn one_name_may_not_be_shown_and_another_meant() {
        for (server_name, host, trusted, same, expected) in [
            (Some("a.test"), "a.test", false, false, false),
            (Some("A.Test."), "a.test:443", false, false, false),
            (Some("a.test"), "b.test", false, false, true),
            (Some("a.test"), "b.test", false, true, false),
            (Some("a.test"), "b.test", true, false, false),
            (Some("outpost"), "b.test", false, false, true),
            (None, "b.test", false, false, false),
        ] {
            let found = misdirected(server_name, &at(host, trusted), |_, _| same);
            assert_eq!(found, expected, "{server_name:?} {host} {trusted} {same}");
        }
    }
}
