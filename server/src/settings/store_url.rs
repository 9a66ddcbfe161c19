//! The URL of a session store. Written by hand, since URLs of Sentinels and clusters name several
//! hosts, which RFC 3986 has no room for; the rest is RFC 3986.
//!
//! A URL may hold a password, and one written wrongly may hold it anywhere. So no message quotes
//! anything of it but its scheme.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::types::{HostPort, RedisStore, StoreUrl, Topology};

/// Redis itself.
const PORT: u16 = 6379;

/// Redis Sentinel.
const SENTINEL_PORT: u16 = 26379;

const KNOWN: &str = "memory:, file:/path, redis://, rediss://, redis+sentinel://, \
    rediss+sentinel://, redis+cluster:// and rediss+cluster:// (valkey and valkeys mean the same)";

const NOT_A_URL: &str = "is not the URL of a session store, which would be one of ";

/// A store, and its URL as it may be shown: with `mask` for the password.
///
/// # Errors
/// What is wrong with the URL, without quoting it.
pub(super) fn parse(text: &str, mask: &str) -> Result<(StoreUrl, String), String> {
    if text.is_empty() {
        return Err(format!("is empty; it must be one of {KNOWN}"));
    }
    let (scheme, rest) = text.split_once(':').ok_or_else(|| format!("{NOT_A_URL}{KNOWN}"))?;
    match scheme.to_ascii_lowercase().as_str() {
        "memory" if rest.is_empty() => Ok((StoreUrl::Memory, "memory:".to_owned())),
        "memory" => Err("has more than memory:, which takes no parameters".to_owned()),
        "file" => {
            let path = file(rest)?;
            // Written like this even where it came with more slashes: see `resolve`.
            let shown = format!("file:{path}");
            Ok((StoreUrl::File(PathBuf::from(path)), shown))
        }
        lower => {
            let Some((kind, tls)) = kind(lower) else {
                return Err(unknown(scheme, rest));
            };
            let rest = rest
                .strip_prefix("//")
                .ok_or_else(|| format!("has the scheme {lower:?} without // behind it"))?;
            let (redis, shown) = redis(kind, tls, rest, mask)?;
            Ok((StoreUrl::Redis(redis), format!("{scheme}://{shown}")))
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Single,
    Sentinel,
    Cluster,
}

/// Which servers a scheme (in lower case) means, and whether by TLS.
fn kind(scheme: &str) -> Option<(Kind, bool)> {
    let (server, kind) = match scheme.split_once('+') {
        None => (scheme, Kind::Single),
        Some((server, "sentinel")) => (server, Kind::Sentinel),
        Some((server, "cluster")) => (server, Kind::Cluster),
        Some(_) => return None,
    };
    match server {
        "redis" | "valkey" => Some((kind, false)),
        "rediss" | "valkeys" => Some((kind, true)),
        _ => None,
    }
}

fn unknown(scheme: &str, rest: &str) -> String {
    // Only what surely is a scheme is quoted: in `user:password@host` or `password@host:1` what
    // stands before the colon is not.
    let is_scheme = rest.starts_with("//")
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if is_scheme {
        format!("has the scheme {scheme:?}, which is none of {KNOWN}")
    } else {
        format!("{NOT_A_URL}{KNOWN}")
    }
}

/// The path of a file store, as it stands: no percent-encoding.
fn file(rest: &str) -> Result<String, String> {
    let path = match rest.strip_prefix("//") {
        // An empty host: file:///path. Only what a reference led to gets here with it.
        Some(local) if local.starts_with('/') => format!("/{}", local.trim_start_matches('/')),
        Some(_) => return Err("names a host; the file of a store is on this machine".to_owned()),
        None => rest.to_owned(),
    };
    if path.is_empty() || path.ends_with('/') {
        return Err("names no file; write file:/path/of/file".to_owned());
    }
    if path.contains('?') {
        return Err("has a ?, but a file store takes no parameters".to_owned());
    }
    if path.contains(char::is_control) {
        return Err("holds control characters".to_owned());
    }
    Ok(path)
}

/// Reads what follows `scheme://`; answers also with how to show it.
fn redis(kind: Kind, tls: bool, text: &str, mask: &str) -> Result<(RedisStore, String), String> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("holds blanks or control characters; write %20 for a blank".to_owned());
    }
    // The last one: nothing behind the credentials has an @, and an @ in a password is told below.
    let (login, place) = match text.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, text),
    };
    if place.contains(['?', '#']) {
        return Err("has a ? or #, but a session store takes no parameters".to_owned());
    }
    let (username, password, shown_login) = match login {
        Some(login) => credentials(login, mask)?,
        None => Default::default(),
    };
    let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
    let port = if matches!(kind, Kind::Sentinel) { SENTINEL_PORT } else { PORT };
    let hosts = hosts
        .split(',')
        .enumerate()
        .map(|(index, text)| {
            host(text, port).map_err(|problem| match hosts.contains(',') {
                true => format!("{problem} (host {} of the list)", index + 1),
                false => problem.to_owned(),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (topology, database) = match kind {
        Kind::Single => match <[HostPort; 1]>::try_from(hosts) {
            Ok([host]) => (Topology::Single(host), database(path)?),
            Err(_) => {
                return Err("names several hosts; that takes a scheme with +sentinel or +cluster"
                    .to_owned());
            }
        },
        Kind::Sentinel => {
            let (master, path) = path.split_once('/').unwrap_or((path, ""));
            let master = decode(master).ok_or("has a master name with a wrong %")?;
            if master.is_empty() {
                return Err("names no master; write it behind the hosts: .../mymaster".to_owned());
            }
            (Topology::Sentinel { hosts, master }, database(path)?)
        }
        Kind::Cluster if path.is_empty() => (Topology::Cluster(hosts), 0),
        Kind::Cluster => {
            return Err("has a database or path, and a cluster has neither".to_owned());
        }
    };
    let redis =
        RedisStore { topology, tls, username, password: password.map(Into::into), database };
    Ok((redis, format!("{shown_login}{place}")))
}

type Credentials = (Option<String>, Option<String>, String);

/// User, password (each `None` where empty), and what may be shown of them.
fn credentials(login: &str, mask: &str) -> Result<Credentials, String> {
    if login.contains(['/', '?', '#', '@', '[', ']']) {
        return Err("has a user name or password with a / ? # @ [ or ] in it, or two @; \
            write %2F %3F %23 %40 %5B %5D for them"
            .to_owned());
    }
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let decoded = |text| {
        decode(text)
            .map(|text| Some(text).filter(|text| !text.is_empty()))
            .ok_or("has a user name or password with a % that encodes nothing; write %25 for %")
    };
    let shown = if password.is_empty() { format!("{user}@") } else { format!("{user}:{mask}@") };
    Ok((decoded(user)?, decoded(password)?, shown))
}

/// Undoes percent-encoding; `None` where a `%` has no two hexadecimal digits or UTF-8 does not come
/// of it.
fn decode(text: &str) -> Option<String> {
    let complete = text.split('%').skip(1).all(|after| {
        after.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    });
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    complete.then(|| decoded.into_owned())
}

fn host(text: &str, default_port: u16) -> Result<HostPort, &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or("has a [ without a ]")?;
            let address: Ipv6Addr =
                address.parse().map_err(|_| "has brackets without an IPv6 address in them")?;
            let port = match port.strip_prefix(':') {
                None if port.is_empty() => None,
                None => return Err("has something other than a port behind a ]"),
                port => port,
            };
            (address.to_string(), port)
        }
        None => match text.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("has a host with several colons; an IPv6 address stands in brackets");
            }
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (text.to_owned(), None),
        },
    };
    if host.is_empty() {
        return Err("names no host");
    }
    if !host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c)) {
        return Err("has a host that is neither a host name nor an address");
    }
    let port = match port {
        None => default_port,
        Some(port) => number(port)
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port > 0)
            .ok_or("has a port that is not between 1 and 65535")?,
    };
    Ok(HostPort { host, port })
}

fn database(path: &str) -> Result<i64, String> {
    match path {
        "" => Ok(0),
        path => number(path).map(i64::from).ok_or_else(|| {
            "has a path that is not the number of a database, such as /0".to_owned()
        }),
    }
}

/// Digits alone: no sign, no blanks.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
