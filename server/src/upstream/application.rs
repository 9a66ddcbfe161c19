//! What one application wants of the connections to it, where that is not the usual.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use secrecy::SecretString;

use super::error::DialerError;
use super::tls::{Identity, Tls};
use crate::pem;

/// How one application is spoken to. The default is how all others are.
#[derive(Clone, Debug, Default)]
pub struct ApplicationOptions {
    /// The authorities (a PEM bundle) that may have signed its certificate, in place of those of
    /// the machine. With them the certificate is checked whatever the provider says.
    pub authorities: Option<Vec<u8>>,
    /// The certificate that we show it.
    pub client: Option<ClientCertificate>,
    /// The name asked for in TLS and looked for in its certificate, in place of the URL's host.
    /// The `Host` of requests is not touched.
    pub server_name: Option<String>,
    /// The version of HTTP.
    pub http: HttpVersion,
    /// A Unix socket, connected to in place of the URL's host and port.
    pub socket: Option<PathBuf>,
}

/// A certificate of ours and its key.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate and its chain, PEM.
    pub certificate: Vec<u8>,
    /// The private key, PEM.
    pub key: SecretString,
}

/// Which HTTP is spoken to an application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[default]
    One,
    /// HTTP/2, and nothing else: agreed upon by ALPN over TLS, by prior knowledge without
    /// (RFC 9113 3.3). Upgrades, which HTTP/2 has none of, take HTTP/1.1 all the same.
    Two,
}

/// The options made ready. Shared by all workers.
pub(super) struct Manner {
    pub(super) tls: Tls,
    /// Whether the certificate is checked even where the provider does not ask for it.
    pub(super) always_verify: bool,
    pub(super) name: Option<ServerName<'static>>,
    pub(super) http: HttpVersion,
    pub(super) socket: Option<PathBuf>,
}

impl Manner {
    /// The usual one, which trusts `roots`.
    pub(super) fn usual(roots: &Arc<RootCertStore>) -> Result<Self, DialerError> {
        Self::of("", &ApplicationOptions::default(), roots)
    }

    /// That of the application with this slug. `roots` are trusted where it names no authorities.
    pub(super) fn of(
        slug: &str,
        options: &ApplicationOptions,
        roots: &Arc<RootCertStore>,
    ) -> Result<Self, DialerError> {
        let wrong = |word, problem: String| DialerError::Application {
            application: slug.to_owned(),
            word,
            problem,
        };
        let own = options.authorities.as_deref().map(|pem| {
            let mut own = RootCertStore::empty();
            for certificate in pem::certificates(pem).ok_or("is no file of PEM certificates")? {
                own.add(certificate).map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(Arc::new(own))
        });
        let own = own.transpose().map_err(|problem| wrong("ca_file", problem))?;
        let identity = options.client.as_ref().map(|client| {
            let chain = pem::certificates(&client.certificate).ok_or_else(|| {
                wrong("client_certificate", "is no file of PEM certificates".to_owned())
            })?;
            let key = pem::private_key(&client.key)
                .ok_or_else(|| wrong("client_key", "is no file of a PEM private key".to_owned()))?;
            Ok::<_, DialerError>(Identity { chain, key })
        });
        let name = options.server_name.clone().map(|name| {
            ServerName::try_from(name)
                .map_err(|_| wrong("server_name", "is no host name or address".to_owned()))
        });
        let identity = identity.transpose()?;
        let tls = Tls::new(own.as_ref().unwrap_or(roots), identity.as_ref())
            // The authorities were taken; what is left is a key that is not the certificate's.
            .map_err(|error| match identity {
                Some(_) => wrong("client_certificate", error.to_string()),
                None => DialerError::Tls(error),
            })?;
        Ok(Self {
            tls,
            always_verify: own.is_some(),
            name: name.transpose()?,
            http: options.http,
            socket: options.socket.clone(),
        })
    }
}
