//! Server name to certificate.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::publish::Published;

/// Which certificates answer for which name. Immutable once published.
///
/// A name may have one certificate of each kind (ECDSA, Ed25519, RSA); clients get one that they can
/// verify, and of these not RSA if it can be helped: its signatures cost many times as much.
///
/// Only host names count, whatever port an external host names: TLS knows no ports.
#[derive(Clone, Default)]
pub struct CertificateIndex {
    hosts: Names,
    domains: Names,
}

type Names = HashMap<String, Vec<Arc<CertifiedKey>>>;

impl CertificateIndex {
    /// Serves `key` for exactly `host`, or where it is `*.domain` for every name one label longer.
    /// The first one of its kind wins; `false` when another certificate of this kind already
    /// answers for the host.
    pub fn insert_host(&mut self, host: &str, key: Arc<CertifiedKey>) -> bool {
        insert(&mut self.hosts, host, key)
    }

    /// Serves `key` for `domain` and every name under it that has no certificate of its own.
    /// The first one of its kind wins; `false` when another certificate of this kind already
    /// answers for the domain.
    pub fn insert_domain(&mut self, domain: &str, key: Arc<CertifiedKey>) -> bool {
        insert(&mut self.domains, domain.trim_start_matches('.'), key)
    }

    /// The certificates for a server name, the preferred one first: the host's own, else those of
    /// the wildcard host above it, else those of the longest cookie domain it lies under, on a
    /// label boundary. Empty where there is none.
    #[must_use]
    pub fn all(&self, server_name: &str) -> &[Arc<CertifiedKey>] {
        let name = normal(server_name);
        if let Some(keys) = self.hosts.get(&name) {
            return keys;
        }
        let wildcard = name.split_once('.').map(|(_, domain)| format!("*.{domain}"));
        if let Some(keys) = wildcard.and_then(|wildcard| self.hosts.get(&wildcard)) {
            return keys;
        }
        let mut rest = name.as_str();
        loop {
            if let Some(keys) = self.domains.get(rest) {
                return keys;
            }
            match rest.split_once('.') {
                Some((_, parent)) => rest = parent,
                None => return &[],
            }
        }
    }

    /// The preferred certificate for a server name.
    #[must_use]
    pub fn find(&self, server_name: &str) -> Option<&Arc<CertifiedKey>> {
        self.all(server_name).first()
    }

    /// The preferred certificate among those that a client with these signature schemes can verify;
    /// the preferred one of all where it can verify none, so that it is told why it fails.
    #[must_use]
    pub fn choose(
        &self,
        server_name: &str,
        schemes: &[SignatureScheme],
    ) -> Option<&Arc<CertifiedKey>> {
        let keys = self.all(server_name);
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        keys.iter().find(fits).or_else(|| keys.first())
    }

    /// Whether a connection made under one name may be used for the other: the same certificate
    /// answers for both, or for both the fallback.
    #[must_use]
    pub fn same_certificate(&self, one: &str, other: &str) -> bool {
        let (one, other) = (self.all(one), self.all(other));
        (one.is_empty() && other.is_empty())
            || one.iter().any(|key| other.iter().any(|same| Arc::ptr_eq(key, same)))
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

fn same(a: &Names, b: &Names) -> bool {
    let equal = |(one, other): (&Arc<CertifiedKey>, _)| Arc::ptr_eq(one, other);
    a.len() == b.len()
        && a.iter().all(|(name, keys)| {
            b.get(name).is_some_and(|others| {
                keys.len() == others.len() && keys.iter().zip(others).all(equal)
            })
        })
}

fn insert(names: &mut Names, name: &str, key: Arc<CertifiedKey>) -> bool {
    let keys = names.entry(normal(name)).or_default();
    if let Some(taken) = keys.iter().find(|taken| taken.key.algorithm() == key.key.algorithm()) {
        return Arc::ptr_eq(taken, &key);
    }
    keys.push(key);
    keys.sort_by_key(|key| key.key.algorithm() == SignatureAlgorithm::RSA);
    true
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
        let schemes = hello.signature_schemes();
        let own = hello.server_name().and_then(|name| index.choose(name, schemes));
        Some(Arc::clone(own.unwrap_or(&self.fallback)))
    }
}

impl fmt::Debug for SniResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SniResolver").field("index", &*self.index.load()).finish_non_exhaustive()
    }
}
