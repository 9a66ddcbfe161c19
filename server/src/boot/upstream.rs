//! How applications are spoken to, from the settings and the files they name.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::BootError;
use crate::http::embedded::CORE;
use crate::settings;
use crate::upstream::{ApplicationOptions, ClientCertificate, HttpVersion, UpstreamSettings};

/// Reads what the settings name.
///
/// # Errors
/// [`BootError::UpstreamFile`] where a file cannot be read; what is in it is looked at later.
pub(super) fn settings(
    of: &settings::Upstream,
    embedded: Option<&settings::Embedded>,
) -> Result<UpstreamSettings, BootError> {
    let applications = of.applications.iter();
    let applications = applications.map(|(slug, of)| Ok((slug.clone(), application(slug, of)?)));
    let core = embedded.and_then(|embedded| core_socket(&embedded.core)).map(|socket| {
        let options = ApplicationOptions { socket: Some(socket), ..ApplicationOptions::default() };
        Ok((CORE.to_owned(), options))
    });
    let applications = applications.chain(core);
    Ok(UpstreamSettings {
        connect_timeout: of.connect_timeout,
        idle_timeout: of.idle_timeout,
        pool_idle_timeout: of.pool_idle_timeout,
        pool_max_idle_per_host: of.pool_max_idle,
        applications: applications.collect::<Result<_, BootError>>()?,
        ..UpstreamSettings::default()
    })
}

/// The Unix socket of core's HTTP server, if it listens on one.
fn core_socket(core: &Url) -> Option<PathBuf> {
    (core.scheme() == "unix").then(|| {
        let path = percent_encoding::percent_decode_str(core.path()).decode_utf8_lossy();
        PathBuf::from(path.as_ref())
    })
}

/// The URL of core's HTTP server as requests take it: a Unix socket has none of its own.
pub(super) fn core_url(core: &Url) -> Url {
    match (core_socket(core), Url::parse("http://localhost/")) {
        (Some(_), Ok(local)) => local,
        _ => core.clone(),
    }
}

fn application(
    slug: &str,
    of: &settings::UpstreamApplication,
) -> Result<ApplicationOptions, BootError> {
    let read = |word: &'static str, path: &Path| {
        std::fs::read_to_string(path).map_err(|error| BootError::UpstreamFile {
            application: slug.to_owned(),
            word,
            path: path.to_owned(),
            error,
        })
    };
    let authorities = of.ca_file.as_deref().map(|path| read("ca_file", path)).transpose()?;
    let client = of.client.as_ref().map(|client| {
        Ok::<_, BootError>(ClientCertificate {
            certificate: read("client_certificate", &client.certificate)?.into_bytes(),
            key: SecretString::from(read("client_key", &client.key)?),
        })
    });
    Ok(ApplicationOptions {
        authorities: authorities.map(String::into_bytes),
        client: client.transpose()?,
        server_name: of.server_name.clone(),
        http: if of.http2 { HttpVersion::Two } else { HttpVersion::One },
        socket: of.socket.clone(),
    })
}
