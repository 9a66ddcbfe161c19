//! Reading of `[sessions]`.

use std::time::Duration;

use super::reader::{MASK, Reader};
use super::types::{
    ClientCertificate, LifetimeLimits, Lifetimes, Sessions, StoreLogin, StoreTls, StoreUrl,
};
use super::{DAY, HOUR, MILLISECOND, SECOND, per_application, store_url, values};

/// Longest key prefix, in bytes: it stands in every key.
const PREFIX_LENGTH: usize = 64;

/// Longest limit of a session; nobody means more.
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

pub(super) fn sessions(read: &mut Reader<'_>) -> Sessions {
    let store = read.read("sessions.store", StoreUrl::Memory, |found| {
        store_url::parse(found.text()?, MASK).map(|(store, shown)| (store, shown.into()))
    });
    Sessions {
        capacity: read.number("sessions.capacity", 1..=100_000_000),
        prefix: prefix(read),
        tls: tls(read, &store),
        store,
        sentinel: StoreLogin {
            username: Some(read.text("sessions.sentinel_username")).filter(|name| !name.is_empty()),
            password: read.optional_secret("sessions.sentinel_password"),
        },
        connect_timeout: read.duration("sessions.connect_timeout", MILLISECOND..=HOUR),
        timeout: read.duration("sessions.timeout", MILLISECOND..=60 * SECOND),
        grace: read.duration("sessions.grace", Duration::ZERO..=HOUR),
        cache_capacity: read.number("sessions.cache_capacity", 0..=100_000_000),
        cache_ttl: read.duration("sessions.cache_ttl", MILLISECOND..=HOUR),
        lifetimes: lifetimes(read),
        recheck_within: read.duration("sessions.recheck_within", Duration::ZERO..=HOUR),
        recheck_rate: read.number("sessions.recheck_rate", 1..=100_000),
        renew_before: unless_zero(read.duration("sessions.renew_before", Duration::ZERO..=DAY)),
    }
}

fn unless_zero(duration: Duration) -> Option<Duration> {
    Some(duration).filter(|duration| !duration.is_zero())
}

/// Braces would move the hash tags of a cluster's keys, and with them the slots.
fn prefix(read: &mut Reader<'_>) -> String {
    read.read("sessions.prefix", String::new(), |found| {
        let text = found.text()?;
        if text.is_empty() || text.len() > PREFIX_LENGTH {
            return Err(format!("must have 1 to {PREFIX_LENGTH} characters"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}')) {
            return Err("may only have printable ASCII characters, no blanks or braces".to_owned());
        }
        Ok((text.to_owned(), text.into()))
    })
}

fn tls(read: &mut Reader<'_>, store: &StoreUrl) -> StoreTls {
    let [ca, certificate, key] =
        ["sessions.ca_file", "sessions.client_certificate", "sessions.client_key"];
    let ca_file = read.path(ca);
    let client = match (read.path(certificate), read.path(key)) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        (Some(_), None) => {
            read.mistake(key, "is not set, and sessions.client_certificate is: both or none");
            None
        }
        (None, Some(_)) => {
            read.mistake(certificate, "is not set, and sessions.client_key is: both or none");
            None
        }
        (None, None) => None,
    };
    // Whoever names certificates believes the connection to be encrypted.
    if matches!(store, StoreUrl::Redis(redis) if !redis.tls) {
        for (key, set) in [(ca, ca_file.is_some()), (certificate, client.is_some())] {
            if set {
                read.mistake(key, "is set, but sessions.store has a scheme without TLS");
            }
        }
    }
    StoreTls { ca_file, client }
}

fn lifetimes(read: &mut Reader<'_>) -> Lifetimes {
    let limit = |read: &mut Reader<'_>, key| {
        let within = Duration::ZERO..=YEAR;
        unless_zero(read.duration(key, within))
    };
    let default = LifetimeLimits {
        idle: limit(read, "sessions.idle_timeout"),
        max: limit(read, "sessions.max_lifetime"),
    };
    let names = &["idle_timeout", "max_lifetime"];
    let applications = per_application::read(read, "sessions.limits", names, |words| {
        let limit = |name, default| match words.get(name) {
            Some(text) => application_limit(name, text),
            None => Ok(default),
        };
        if words.is_empty() {
            return Err("limits nothing; add idle_timeout= or max_lifetime=".to_owned());
        }
        Ok(LifetimeLimits {
            idle: limit("idle_timeout", default.idle)?,
            max: limit("max_lifetime", default.max)?,
        })
    });
    Lifetimes { default, applications }
}

fn application_limit(name: &str, text: &str) -> Result<Option<Duration>, String> {
    let duration = values::duration(text).map_err(|problem| {
        let word = format!("{name}={text}");
        format!("has a limit that {problem}: {word:?}")
    })?;
    if duration > YEAR {
        return Err(format!("has a limit longer than {}", values::duration_text(YEAR)));
    }
    Ok(unless_zero(duration))
}
