//! Where core is and how to speak to it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use url::Url;

use super::unix::UnixConnector;
use super::user_agent;
use crate::core_tls::{CoreTimeouts, http_client};

/// Everything needed to reach core. Cheap to clone; each thread makes its own clients from it.
#[derive(Clone, Debug)]
pub struct CoreConnection {
    address: CoreAddress,
    token: SecretString,
    tls: Arc<ClientConfig>,
    timeouts: CoreTimeouts,
}

/// Where core listens, from `AUTHENTIK_HOST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreAddress {
    /// `http` or `https`; its path ends with a slash.
    base: Url,
    /// The socket to use in place of the base's host.
    socket: Option<PathBuf>,
}

/// Why an address of core cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// Neither `http`, `https` nor `unix`.
    #[error("core's address must begin with http://, https:// or unix://, not {0}://")]
    Scheme(String),
    /// No host, or for `unix` no absolute path.
    #[error(
        "core's address names no host (https://authentik.example.com/) or no socket (unix:///run/authentik.sock)"
    )]
    Host,
    /// A user name or password, a query or a fragment.
    #[error("core's address holds a user name, a query or a fragment, which have no meaning there")]
    Superfluous,
}

impl CoreAddress {
    /// Takes `AUTHENTIK_HOST` apart: `http(s)://host[:port][/path]` or `unix:///path/of/socket`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn new(url: &Url) -> Result<Self, AddressError> {
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(AddressError::Superfluous);
        }
        match url.scheme() {
            "http" | "https" => {
                if url.host_str().is_none_or(str::is_empty) {
                    return Err(AddressError::Host);
                }
                let mut base = url.clone();
                if !base.path().ends_with('/') {
                    base.set_path(&format!("{}/", url.path()));
                }
                Ok(Self { base, socket: None })
            }
            "unix" => {
                let has_host = url.host_str().is_some_and(|host| !host.is_empty());
                if has_host || url.path().len() < 2 {
                    return Err(AddressError::Host);
                }
                let path = percent_encoding::percent_decode_str(url.path())
                    .decode_utf8()
                    .map_err(|_| AddressError::Host)?;
                let base = Url::parse("http://localhost/").map_err(|_| AddressError::Host)?;
                Ok(Self { base, socket: Some(PathBuf::from(path.as_ref())) })
            }
            other => Err(AddressError::Scheme(other.to_owned())),
        }
    }

    /// The URL below the base whose path has these segments and ends with a slash, as core's
    /// paths do.
    #[must_use]
    pub fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Fails for URLs without a host only, which `new` refuses.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments).push("");
        }
        url
    }
}

impl CoreConnection {
    /// A connection to core at `address` with the token of the outpost's service account.
    #[must_use]
    pub fn new(
        address: CoreAddress,
        token: SecretString,
        tls: Arc<ClientConfig>,
        timeouts: CoreTimeouts,
    ) -> Self {
        Self { address, token, tls, timeouts }
    }

    /// Where core listens.
    #[must_use]
    pub fn address(&self) -> &CoreAddress {
        &self.address
    }

    /// A client for this thread: no redirects, since the token must not follow one. It sends
    /// nothing by itself, and over a Unix socket it asks core whatever host a URL names.
    #[must_use]
    pub fn client(&self) -> awc::Client {
        let Some(socket) = &self.address.socket else {
            return http_client(Arc::clone(&self.tls), self.timeouts);
        };
        let connector = awc::Connector::new()
            .connector(UnixConnector::new(socket.clone()))
            .timeout(self.timeouts.connect);
        awc::Client::builder()
            .connector(connector)
            .timeout(self.timeouts.response)
            .disable_redirects()
            .finish()
    }

    /// Value of the `Authorization` header. A secret.
    pub(super) fn authorization(&self) -> String {
        format!("Bearer {}", self.token.expose_secret())
    }

    /// Value of the `User-Agent` header.
    pub(super) fn agent(&self) -> String {
        user_agent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<CoreAddress, AddressError> {
        CoreAddress::new(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_path_is_kept_and_the_final_slash_is_optional() {
        for base in ["https://sso.test/base", "https://sso.test/base/"] {
            let url = address(base).unwrap().url(&["api", "v3", "root", "config"]);
            assert_eq!(url.as_str(), "https://sso.test/base/api/v3/root/config/");
        }
        let url = address("http://sso.test:8000").unwrap().url(&["api"]);
        assert_eq!(url.as_str(), "http://sso.test:8000/api/");
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        let url = address("http://sso.test").unwrap().url(&["a/../b?c#d", "..", "e"]);
        assert_eq!(url.as_str(), "http://sso.test/a%2F..%2Fb%3Fc%23d/e/");
    }

    #[test]
    fn a_socket_is_an_address() {
        let address = address("unix:///run/authentik%20core.sock").unwrap();
        assert_eq!(address.socket, Some(PathBuf::from("/run/authentik core.sock")));
        assert_eq!(address.url(&["api"]).as_str(), "http://localhost/api/");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert_eq!(address("ftp://sso.test"), Err(AddressError::Scheme("ftp".into())));
        assert_eq!(address("unix://host/path"), Err(AddressError::Host));
        assert_eq!(address("unix:///"), Err(AddressError::Host));
        assert_eq!(address("https://user@sso.test"), Err(AddressError::Superfluous));
        assert_eq!(address("https://sso.test/?x"), Err(AddressError::Superfluous));
    }

    #[test]
    fn the_token_does_not_print() {
        let tls = crate::core_tls::client_config(&crate::core_tls::CoreTrust::Nothing).unwrap();
        let connection = CoreConnection::new(
            address("http://sso.test").unwrap(),
            SecretString::from("tell-nobody"),
            Arc::new(tls),
            CoreTimeouts::default(),
        );
        assert!(!format!("{connection:?}").contains("tell-nobody"));
        assert_eq!(connection.authorization(), "Bearer tell-nobody");
    }
}
