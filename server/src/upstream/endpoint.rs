//! Where an upstream is: what its URL says, as far as a connection depends on it.

use std::fmt;
use std::sync::Arc;

use url::Url;

use super::UpstreamError;
use super::application::Manner;

/// Connections are interchangeable exactly when this is equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Endpoint {
    pub(super) https: bool,
    pub(super) verify: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// The slug of the application, if its connections differ from those of others: one
    /// that was made with its certificate serves no other.
    pub(super) application: Option<Arc<str>>,
}

impl Endpoint {
    /// Where `url` leads. `special`: the application's slug and manner, if it has one of its own.
    pub(super) fn of(
        url: &Url,
        verify: bool,
        special: Option<(&Arc<str>, &Manner)>,
    ) -> Result<Self, UpstreamError> {
        let bad = |why| UpstreamError::BadUpstream { url: without_password(url), why };
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(bad("its scheme is neither http nor https")),
        };
        let host = url.host_str().ok_or_else(|| bad("it has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').into();
        let port = url.port_or_known_default().ok_or_else(|| bad("it has no port"))?;
        let verify = verify || !https || special.is_some_and(|(_, manner)| manner.always_verify);
        let application = special.map(|(slug, _)| Arc::clone(slug));
        Ok(Self { https, verify, host, port, application })
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
    use rustls::RootCertStore;

    use super::*;
    use crate::upstream::application::ApplicationOptions;

    fn endpoint(url: &str) -> Result<Endpoint, UpstreamError> {
        Endpoint::of(&Url::parse(url).unwrap(), true, None)
    }

    #[test]
    fn default_ports_and_ipv6() {
        assert_eq!(endpoint("http://app").unwrap().to_string(), "app:80");
        assert_eq!(endpoint("https://app/x").unwrap().to_string(), "app:443");
        assert_eq!(endpoint("http://[::1]:8080").unwrap().to_string(), "[::1]:8080");
    }

    #[test]
    fn verification_keeps_connections_apart_where_there_is_something_to_verify() {
        let of = |url: &str, verify| Endpoint::of(&Url::parse(url).unwrap(), verify, None).unwrap();
        assert_ne!(of("https://app", true), of("https://app", false));
        assert_eq!(of("http://app", true), of("http://app", false));
    }

    #[test]
    fn connections_of_an_application_with_settings_are_its_own_and_its_authority_is_asked() {
        let url = Url::parse("https://app").unwrap();
        let issued = rcgen::generate_simple_self_signed(vec!["app".to_owned()]).unwrap();
        let options = ApplicationOptions {
            authorities: Some(issued.cert.pem().into_bytes()),
            ..ApplicationOptions::default()
        };
        let manner = Manner::of("a", &options, &Arc::new(RootCertStore::empty())).unwrap();
        let of = |slug: &str| Endpoint::of(&url, false, Some((&slug.into(), &manner))).unwrap();
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
        assert_ne!(of("a"), Endpoint::of(&url, true, None).unwrap());
        assert!(of("a").verify);
    }

    #[test]
    fn what_is_no_upstream_is_refused_without_telling_its_password() {
        let error = endpoint("ftp://user:hunter2@app/").unwrap_err();
        assert_eq!(error.code(), "bad_upstream");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}
