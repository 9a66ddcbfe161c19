//! What a rendering is made of.

use std::net::SocketAddr;
use std::sync::Arc;

use outpost_decision::headers::{AKPROX_NAMES, IdentityRule, anonymous_headers};
use outpost_decision::provider::{Mode, Provider};
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use crate::secret::{Secret, SecretKey};

/// Everything that a rendering depends on.
#[derive(Clone, Debug)]
pub struct Input {
    /// What core says of the outpost.
    pub outpost: Outpost,
    /// The applications to write for, in the order of their keys.
    pub applications: Vec<Application>,
    /// What core cannot know.
    pub site: Site,
}

/// What core says of the outpost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outpost {
    /// Core's uuid of it.
    pub uuid: String,
    /// Its name in core.
    pub name: String,
    /// Its options as core said them (contract 13).
    pub config: Map<String, Value>,
}

/// A provider, and what its application is told.
#[derive(Clone, Debug)]
pub struct Application {
    /// The provider.
    pub provider: Arc<Provider>,
    /// What the application is told of its users.
    pub rule: IdentityRule,
    /// Names of headers that `additionalHeaders` of users or groups set: only whoever configured
    /// those knows them.
    pub additional: Vec<String>,
}

impl Application {
    /// What is rendered for this provider. No rendering needs its secrets: they are left behind
    /// here, and so are credentials in its upstream's address.
    #[must_use]
    pub fn new(provider: &Provider, rule: IdentityRule) -> Self {
        let mut provider = Provider {
            client_secret: SecretString::default(),
            cookie_secret: SecretString::default(),
            ..provider.clone()
        };
        if let Some(internal) = &mut provider.internal {
            // Neither fails: a provider's upstream is http or https and has a host.
            let _ = internal.set_username("");
            let _ = internal.set_password(None);
        }
        Self { provider: Arc::new(provider), rule, additional: Vec::new() }
    }

    /// Names of the headers that an answer of forward auth may carry for the application: those a
    /// reverse proxy has to copy, so that nothing a client sent under them gets through.
    #[must_use]
    pub fn headers(&self) -> Vec<String> {
        let mut names: Vec<String> =
            anonymous_headers(&self.rule).iter().map(|(name, _)| name.to_owned()).collect();
        if self.provider.akprox {
            names.extend(AKPROX_NAMES.map(str::to_owned));
        }
        // Credentials for the application, or the client's own where the outpost has not used them.
        if self.provider.mode != Mode::Proxy || self.provider.basic_auth.is_some() {
            names.push("Authorization".to_owned());
        }
        names.extend(self.additional.iter().cloned());
        each_once(names)
    }
}

/// Names of headers in their order, each once, whatever the case of its letters.
pub(crate) fn each_once(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            found.push(name);
        }
    }
    found
}

/// Where things are at the operator's site: from the command line, since core cannot know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where reverse proxies reach the outpost.
    pub outpost: Url,
    /// Where the application is, for targets that name it. One with the wrong mode for it, and
    /// none given, is written as an example to be filled in.
    pub upstream: Option<Url>,
    /// Kubernetes namespace of the applications; `None`: that of the outpost.
    pub namespace: Option<String>,
    /// The outpost's token, to write it into what needs it; `None`: a placeholder is written.
    pub token: Option<Secret>,
    /// Where on Kubernetes the URL of a session store lies that replicas share.
    pub store: Option<SecretKey>,
    /// Hosts of applications below the domains of `forward_domain` providers, without ports; a
    /// name may begin with `*.`. Where there are none, an example is written.
    pub hosts: Vec<String>,
    /// Where reverse proxies listen; `None`: at the ports of the external hosts, on all addresses.
    pub listen: Option<SocketAddr>,
    /// The certificate of the reverse proxy. Where there is none, applications at `https` get a
    /// place to fill in, or, with `listen`, plain HTTP: then TLS ends in front of it.
    pub tls: Option<TlsFiles>,
    /// Version of this program, for labels and images.
    pub version: String,
}

/// A certificate and its key, as files of the machine that the reverse proxy runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, as PEM.
    pub certificate: String,
    /// The key, as PEM.
    pub key: String,
}

impl Default for Site {
    fn default() -> Self {
        // The name and port that the platforms' own renderings give the outpost.
        #[expect(clippy::expect_used, reason = "a constant")]
        let outpost = Url::parse("http://outpost:9000").expect("a URL");
        Self {
            outpost,
            upstream: None,
            namespace: None,
            token: None,
            store: None,
            hosts: Vec::new(),
            listen: None,
            tls: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
