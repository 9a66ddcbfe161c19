//! Reading of `[upstream]`.

use std::path::PathBuf;

use rustls::pki_types::ServerName;

use super::per_application::{self, Words};
use super::reader::Reader;
use super::types::{ClientCertificate, Upstream, UpstreamApplication};
use super::{DAY, HOUR, MILLISECOND};

const NAMES: &[&str] =
    &["ca_file", "client_certificate", "client_key", "server_name", "http", "socket"];

pub(super) fn upstream(read: &mut Reader<'_>) -> Upstream {
    Upstream {
        connect_timeout: read.duration("upstream.connect_timeout", MILLISECOND..=HOUR),
        idle_timeout: read.duration("upstream.idle_timeout", MILLISECOND..=DAY),
        pool_idle_timeout: read.duration("upstream.pool_idle_timeout", MILLISECOND..=DAY),
        pool_max_idle: read.number("upstream.pool_max_idle", 0..=65_536),
        applications: per_application::read(read, "upstream.applications", NAMES, application),
    }
}

fn application(words: &Words<'_>) -> Result<UpstreamApplication, String> {
    if words.is_empty() {
        return Err(format!("says nothing; add one of {}=", NAMES.join("=, ")));
    }
    let client = match (path(words, "client_certificate")?, path(words, "client_key")?) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        (None, None) => None,
        _ => return Err("has one of client_certificate= and client_key=: both or none".to_owned()),
    };
    let server_name = words.get("server_name").map(str::to_owned);
    if server_name.as_deref().is_some_and(|name| ServerName::try_from(name).is_err()) {
        return Err("has a server_name= that is no host name or address".to_owned());
    }
    let http2 = match words.get("http") {
        None | Some("1") => false,
        Some("2") => true,
        Some(_) => return Err("has an http= that is neither 1 nor 2".to_owned()),
    };
    Ok(UpstreamApplication {
        ca_file: path(words, "ca_file")?,
        client,
        server_name,
        http2,
        socket: path(words, "socket")?,
    })
}

fn path(words: &Words<'_>, name: &str) -> Result<Option<PathBuf>, String> {
    match words.get(name) {
        None => Ok(None),
        Some("") => Err(format!("has {name}= and no path behind it")),
        Some(text) => Ok(Some(text.into())),
    }
}
