//! Lines: the values of `Cookie` headers.

use outpost_decision::cookie::{
    MAX_VALUES, SetCookie, flow_name, strip_own_cookies, surplus_flows, values,
};

use super::Target;
use crate::input::lines;
use crate::site;

/// As the settings say unless somebody changes them.
const MAX_FLOWS: usize = 32;

pub(super) const TARGET: Target = Target {
    name: "cookie",
    asserts: "values are those a naive reader finds, bounded, and come back the same when set again; \
              no cookie of ours is left for the application, and every other one is",
    check,
};

fn check(data: &[u8]) {
    let headers: Vec<&[u8]> = lines(data).collect();
    let provider = site::sites()[0].app();
    let name = &provider.cookie.name;
    let found = values(headers.iter().copied(), name);
    assert_eq!(found, naive_values(&headers, name));
    for value in &found {
        assert!(!value.is_empty() && value.len() <= 4096 && value.is_ascii());
        let set = SetCookie::session(&provider.cookie, value, 60).to_string();
        let pair = set.split(';').next().unwrap();
        assert_eq!(values([pair.as_bytes()], name), [*value], "{set}");
        assert!(!set.chars().any(char::is_control) && set.matches(';').count() == 4, "{set}");
    }

    for header in &headers {
        let Some(left) = strip_own_cookies(header) else {
            let foreign = header.split(|byte| *byte == b';').filter(|part| !is_ours(part));
            assert!(foreign.map(|part| part.trim_ascii()).all(<[u8]>::is_empty));
            continue;
        };
        assert!(!left.split(|byte| *byte == b';').any(is_ours), "ours is left of {header:?}");
        assert_eq!(strip_own_cookies(&left).as_deref(), Some(&*left), "not a fixed point");
        assert!(values([&*left], name).is_empty());
        assert_eq!(foreign_pairs(header), foreign_pairs(&left));
    }

    let surplus = surplus_flows(headers.iter().copied(), name, MAX_FLOWS);
    let prefix = flow_name(name, "");
    let flows = headers
        .iter()
        .flat_map(|header| header.split(|byte| *byte == b';'))
        .filter_map(|part| part.splitn(2, |byte| *byte == b'=').nth(1).map(|_| part))
        .filter_map(|part| std::str::from_utf8(part.split(|byte| *byte == b'=').next()?).ok())
        .filter_map(|key| key.trim_ascii().strip_prefix(prefix.as_str()))
        .filter(|tag| tag.len() == 8 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .count();
    assert_eq!(surplus.len(), flows.saturating_sub(MAX_FLOWS).min(64));
}

fn is_ours(part: &[u8]) -> bool {
    part.trim_ascii().to_ascii_lowercase().starts_with(b"authentik_proxy_")
}

/// Parts that are not ours and not blank, without the blanks around them.
fn foreign_pairs(header: &[u8]) -> Vec<&[u8]> {
    let parts = header.split(|byte| *byte == b';').filter(|part| !is_ours(part));
    parts.map(<[u8]>::trim_ascii).filter(|part| !part.is_empty()).collect()
}

/// RFC 6265 section 5.4 read backwards, one step at a time.
fn naive_values<'a>(headers: &[&'a [u8]], name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for header in headers {
        for part in header.split(|byte| *byte == b';') {
            let Some(equals) = part.iter().position(|byte| *byte == b'=') else { continue };
            if part[..equals].trim_ascii() != name.as_bytes() {
                continue;
            }
            let mut value = part[equals + 1..].trim_ascii();
            if value.len() >= 2 && value.starts_with(b"\"") && value.ends_with(b"\"") {
                value = &value[1..value.len() - 1];
            }
            let is_octet = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
            let fits = (1..=4096).contains(&value.len()) && value.iter().all(is_octet);
            if fits && found.len() < MAX_VALUES {
                found.push(std::str::from_utf8(value).unwrap());
            }
        }
    }
    found
}
