//! Where an upstream is: what its URL says, as far as a connection depends on it.

use std::fmt;

use url::{Host, Url};

use super::UpstreamError;

/// Connections are interchangeable exactly when this is equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Endpoint {
    pub(super) https: bool,
    pub(super) verify: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: Box<str>,
    pub(super) port: u16,
}

impl Endpoint {
    pub(super) fn of(url: &Url, verify: bool) -> Result<Self, UpstreamError> {
        let bad = |why| UpstreamError::BadUpstream { url: without_password(url), why };
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(bad("its scheme is neither http nor https")),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) => name.into(),
            Some(Host::Ipv4(address)) => address.to_string().into_boxed_str(),
            Some(Host::Ipv6(address)) => address.to_string().into_boxed_str(),
            None => return Err(bad("it has no host")),
        };
        let port = url.port_or_known_default().ok_or_else(|| bad("it has no port"))?;
        Ok(Self { https, verify: verify || !https, host, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn without_password(url: &Url) -> String {
    let mut url = url.clone();
    // Fails for URLs that cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Result<Endpoint, UpstreamError> {
        Endpoint::of(&Url::parse(url).unwrap(), true)
    }

    #[test]
    fn default_ports_and_ipv6() {
        assert_eq!(endpoint("http://app").unwrap().to_string(), "app:80");
        assert_eq!(endpoint("https://app/x").unwrap().to_string(), "app:443");
        assert_eq!(endpoint("http://[::1]:8080").unwrap().to_string(), "[::1]:8080");
    }

    #[test]
    fn verification_keeps_connections_apart_where_there_is_something_to_verify() {
        let of = |url: &str, verify| Endpoint::of(&Url::parse(url).unwrap(), verify).unwrap();
        assert_ne!(of("https://app", true), of("https://app", false));
        assert_eq!(of("http://app", true), of("http://app", false));
    }

    #[test]
    fn what_is_no_upstream_is_refused_without_telling_its_password() {
        let error = endpoint("ftp://user:hunter2@app/").unwrap_err();
        assert_eq!(error.code(), "bad_upstream");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}
