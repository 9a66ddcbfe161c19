//! Server name to certificate.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::publish::Published;

/// Which certificate answers for which name. Immutable once published.
///
/// Only host names count, whatever port an external host names: TLS knows no ports.
#[derive(Clone, Default)]
pub struct CertificateIndex {
    hosts: HashMap<String, Arc<CertifiedKey>>,
    domains: HashMap<String, Arc<CertifiedKey>>,
}

impl CertificateIndex {
    /// Serves `key` for exactly `host`. The first one wins; `false` when another certificate
    /// already answers for the host.
    pub fn insert_host(&mut self, host: &str, key: Arc<CertifiedKey>) -> bool {
        insert(&mut self.hosts, host, key)
    }

    /// Serves `key` for `domain` and every name under it that has no certificate of its own.
    /// The first one wins; `false` when another certificate already answers for the domain.
    pub fn insert_domain(&mut self, domain: &str, key: Arc<CertifiedKey>) -> bool {
        insert(&mut self.domains, domain.trim_start_matches('.'), key)
    }

    /// The certificate for a server name: the host's own, else that of the longest cookie domain
    /// it lies under, on a label boundary.
    #[must_use]
    pub fn find(&self, server_name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = normal(server_name);
        if let Some(key) = self.hosts.get(&name) {
            return Some(key);
        }
        let mut rest = name.as_str();
        loop {
            if let Some(key) = self.domains.get(rest) {
                return Some(key);
            }
            rest = rest.split_once('.')?.1;
        }
    }

    /// Number of names and domains that have a certificate.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hosts.len() + self.domains.len()
    }

    /// Whether no name has a certificate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.domains.is_empty()
    }

    /// Whether the same keys answer for the same names.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        same(&self.hosts, &other.hosts) && same(&self.domains, &other.domains)
    }
}

fn same(a: &HashMap<String, Arc<CertifiedKey>>, b: &HashMap<String, Arc<CertifiedKey>>) -> bool {
    a.len() == b.len()
        && a.iter().all(|(name, key)| b.get(name).is_some_and(|other| Arc::ptr_eq(key, other)))
}

fn insert(
    names: &mut HashMap<String, Arc<CertifiedKey>>,
    name: &str,
    key: Arc<CertifiedKey>,
) -> bool {
    match names.entry(normal(name)) {
        Entry::Occupied(taken) => Arc::ptr_eq(taken.get(), &key),
        Entry::Vacant(free) => {
            free.insert(key);
            true
        }
    }
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

impl fmt::Debug for CertificateIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateIndex")
            .field("hosts", &self.hosts.keys().collect::<Vec<_>>())
            .field("domains", &self.domains.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Picks the certificate of a handshake from the index now in effect.
pub struct SniResolver {
    index: Published<CertificateIndex>,
    fallback: Arc<CertifiedKey>,
}

impl SniResolver {
    /// Reads `index`; `fallback` answers where it knows nothing.
    #[must_use]
    pub fn new(index: Published<CertificateIndex>, fallback: Arc<CertifiedKey>) -> Self {
        Self { index, fallback }
    }
}

impl ResolvesServerCert for SniResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let index = self.index.load();
        let own = hello.server_name().and_then(|name| index.find(name));
        Some(Arc::clone(own.unwrap_or(&self.fallback)))
    }
}

impl fmt::Debug for SniResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SniResolver").field("index", &*self.index.load()).finish_non_exhaustive()
    }
}
