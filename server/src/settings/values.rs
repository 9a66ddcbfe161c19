//! Texts to values: durations, addresses, networks, switches. No IO.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use crate::downstream::Address;

/// Reads a duration as Go writes it (`time.ParseDuration`): decimal numbers, each with a unit out of
/// `ns`, `us`, `µs`, `ms`, `s`, `m`, `h`. Negative ones are refused, they make no sense here.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if text.starts_with('-') {
        return Err("is negative");
    }
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err("is not a duration");
    }
    let mut rest = text;
    let mut nanoseconds: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = split_at(rest, |c| !(c.is_ascii_digit() || c == '.'));
        let (unit, after) = split_at(after, |c| c.is_ascii_digit() || c == '.');
        rest = after;
        let unit: u128 = match unit {
            "ns" => 1,
            // Both code points that look like a micro sign, as in Go.
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err("is a duration without a unit"),
            _ => return Err("is not a duration"),
        };
        nanoseconds = decimal(number, unit)
            .and_then(|part| nanoseconds.checked_add(part))
            .ok_or("is not a duration")?;
    }
    u64::try_from(nanoseconds).map(Duration::from_nanos).map_err(|_| "is too long a duration")
}

/// `number` of `unit`s in nanoseconds; what is finer than a nanosecond is cut off.
fn decimal(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut total = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.into() };
    total *= unit;
    let mut scale = unit;
    for digit in fraction.chars() {
        scale /= 10;
        total += u128::from(digit.to_digit(10)?) * scale;
    }
    Some(total)
}

fn split_at(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(end).unwrap_or(text.len()))
}

/// Writes a duration the way [`duration`] reads it.
pub(super) fn duration_text(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, name) in [
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ] {
        if rest >= unit {
            text.push_str(&(rest / unit).to_string());
            text.push_str(name);
            rest %= unit;
        }
    }
    text
}

/// Reads an address to listen on. Beside `address:port` also `:port` (every address, as Go has it)
/// and `localhost:port`.
pub(super) fn listen(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (host, port) = text.rsplit_once(':')?;
    if port.starts_with('+') {
        return None;
    }
    let port = port.parse().ok()?;
    match host {
        "" => Some((Ipv6Addr::UNSPECIFIED, port).into()),
        "localhost" => Some((Ipv4Addr::LOCALHOST, port).into()),
        _ => None,
    }
}

/// Reads where the data plane may listen: an address as [`listen`] reads it, `unix:/path`, or
/// `systemd:n` for the n-th socket of a service manager, from 0.
pub(super) fn address(text: &str) -> Option<Address> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return path.starts_with('/').then(|| Address::Unix(path.into()));
    }
    if let Some(index) = text.strip_prefix("systemd:") {
        let plain = index.bytes().all(|byte| byte.is_ascii_digit());
        return index.parse().ok().filter(|_| plain).map(Address::Inherited);
    }
    listen(text).map(Address::Tcp)
}

/// Reads a network; a lone address is the network of that address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Reads a switch as Go's `strconv.ParseBool` does, in any case.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Some(true),
        "0" | "f" | "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("5s", 5_000_000_000),
            ("1m30s", 90_000_000_000),
            ("100ms", 100_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("2h0m0s", 7_200_000_000_000),
            ("1us", 1_000),
            ("1\u{b5}s1\u{3bc}s1ns", 2_001),
            ("+3s", 3_000_000_000),
            ("0.0000000001s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration() {
        for text in
            ["", "5", "s", ".s", "5 s", "1d", "-1s", "1h30", "1.2.3s", "9999999999h", "1e3s"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_survive_writing() {
        for text in ["0s", "5s", "1m30s", "100ms", "1h1us", "7ns"] {
            assert_eq!(duration(text).map(duration_text), Ok(text.to_owned()));
        }
    }

    #[test]
    fn addresses_of_the_data_plane() {
        for (text, expected) in [
            (":9000", Some(Address::Tcp("[::]:9000".parse().unwrap()))),
            ("unix:/run/outpost.sock", Some(Address::Unix("/run/outpost.sock".into()))),
            ("unix:///run/outpost.sock", Some(Address::Unix("/run/outpost.sock".into()))),
            ("systemd:1", Some(Address::Inherited(1))),
            ("unix:run", None),
            ("unix:", None),
            ("systemd:", None),
            ("systemd:+1", None),
            ("systemd:http", None),
        ] {
            assert_eq!(address(text), expected, "{text}");
        }
    }

    #[test]
    fn listen_addresses() {
        for (text, expected) in [
            ("[::]:9000", Some("[::]:9000")),
            ("0.0.0.0:80", Some("0.0.0.0:80")),
            (":9000", Some("[::]:9000")),
            ("localhost:0", Some("127.0.0.1:0")),
            ("9000", None),
            ("example.com:80", None),
            ("127.0.0.1", None),
            ("127.0.0.1:99999", None),
            (":+80", None),
            ("", None),
        ] {
            assert_eq!(listen(text), expected.map(|text| text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn networks_and_switches() {
        assert_eq!(network("10.0.0.0/8"), "10.0.0.0/8".parse().ok());
        assert_eq!(network("::1"), "::1/128".parse().ok());
        assert_eq!(network("10.0.0.0/33"), None);
        assert_eq!(network("lan"), None);
        assert_eq!(switch("True"), Some(true));
        assert_eq!(switch("0"), Some(false));
        assert_eq!(switch("maybe"), None);
    }
}
