//! The URL a person asked for, as the proxies in between tell it.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// URL scheme of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain.
    Http,
    /// TLS somewhere on the way.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// 80 or 443.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// Reads `http`, `https`, `ws`, `wss` in any case; everything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("https") || text.eq_ignore_ascii_case("wss") {
            Some(Self::Https)
        } else if text.eq_ignore_ascii_case("http") || text.eq_ignore_ascii_case("ws") {
            Some(Self::Http)
        } else {
            None
        }
    }
}

/// A host and an optional port, normalised: lower case, no trailing dot, port only where it was named.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Authority {
    /// Host name, IPv4 address or bracketed IPv6 address, in lower case. Shared, since a request and its
    /// original URL mostly have the same one.
    pub host: Arc<str>,
    /// The port, where one was named.
    pub port: Option<u16>,
}

impl Authority {
    /// Reads a `Host` value. `None` for anything that is not exactly `host` or `host:port`:
    /// user info, blanks, control characters, paths, empty labels, several values.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = split_port(text)?;
        let host = if let Some(inner) = host.strip_prefix('[') {
            let address: std::net::Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            format!("[{address}]").into()
        } else {
            let host = host.strip_suffix('.').unwrap_or(host);
            if !is_name(host) {
                return None;
            }
            match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
                true => host.to_ascii_lowercase().into(),
                false => host.into(),
            }
        };
        Some(Self { host, port })
    }

    /// [`Self::parse`] where `text` is likely to say the same as this, which then is not read again.
    pub(crate) fn parse_like(&self, text: &str) -> Option<Self> {
        let port = match text.strip_prefix(&*self.host) {
            Some("") => None,
            Some(rest) if rest.starts_with(':') => Some(port(&rest[1..])?),
            _ => return Self::parse(text),
        };
        Some(Self { host: Arc::clone(&self.host), port })
    }

    /// As it is written, like [`fmt::Display`] does.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.host.len() + ":65535".len());
        text.push_str(&self.host);
        if let Some(port) = self.port {
            text.push(':');
            text.push_str(itoa::Buffer::new().format(port));
        }
        text
    }

    /// The port in effect under `scheme`.
    #[must_use]
    pub fn port_or_default(&self, scheme: Scheme) -> u16 {
        self.port.unwrap_or_else(|| scheme.default_port())
    }

    /// The same, without the port where it is the default of `scheme`.
    #[must_use]
    pub fn without_default_port(mut self, scheme: Scheme) -> Self {
        self.port = self.port.filter(|port| *port != scheme.default_port());
        self
    }

    /// Whether the host equals `domain` or is a subdomain of it, on a label boundary.
    /// `domain` is lower case, without a leading dot.
    #[must_use]
    pub fn is_within(&self, domain: &str) -> bool {
        match self.host.strip_suffix(domain) {
            Some("") => !domain.is_empty(),
            Some(rest) => !domain.is_empty() && rest.ends_with('.'),
            None => false,
        }
    }
}

/// Whether a text is labels of letters, digits, `-` and `_`, of 1 to 63 bytes, with dots in between.
fn is_name(host: &str) -> bool {
    let mut label = 0;
    let fits = host.bytes().all(|byte| {
        if byte == b'.' {
            return std::mem::take(&mut label) > 0;
        }
        label += 1;
        label <= 63 && IS_OF_NAME[usize::from(byte)]
    });
    fits && label > 0 && host.len() <= 253
}

/// Whether a byte may stand in a label.
const IS_OF_NAME: [bool; 256] = {
    let mut of_name = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        of_name[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        byte += 1;
    }
    of_name
};

/// A port, in digits alone.
fn port(digits: &str) -> Option<u16> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let after_bracket = match text.starts_with('[') {
        true => text.rfind(']').map_or(0, |at| at + 1),
        false => 0,
    };
    match text.as_bytes()[after_bracket..].iter().rposition(|byte| *byte == b':') {
        None => Some((text, None)),
        Some(at) => {
            let (host, rest) = text.split_at(after_bracket + at);
            Some((host, Some(port(&rest[1..])?)))
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

/// The original URL of a request: what the person's browser shows in its address bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// `http` or `https`, as the outermost trusted proxy saw it.
    pub scheme: Scheme,
    /// Host as the person's client named it.
    pub authority: Authority,
    /// Path, byte for byte as sent; begins with `/`.
    pub path: String,
    /// Query without its `?`, byte for byte as sent.
    pub query: Option<String>,
}

impl Target {
    /// The path of a request of which nobody told the path (RFC 9112 section 3.2.4: no particular
    /// resource). It is never public and never a path of the outpost's own.
    pub const UNKNOWN_PATH: &str = "*";

    /// Whether the path is known.
    #[must_use]
    pub fn has_path(&self) -> bool {
        self.path != Self::UNKNOWN_PATH
    }

    /// Path and query as they stand in a request line.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority, self.path)?;
        match &self.query {
            Some(query) => write!(f, "?{query}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_as_something_like_another_is_what_it_is_by_itself() {
        let names =
            ["app.test", "app.test.", "App.test", "[::1]", "[0::1]", "192.0.2.1", "app.tes"];
        let ports = ["", ":", ":80", ":080", ":0", ":65535", ":65536", ":8a", ":80:80", "x", "/"];
        let texts =
            || names.iter().flat_map(|name| ports.iter().map(move |port| format!("{name}{port}")));
        for known in texts().filter_map(|text| Authority::parse(&text)) {
            for text in texts() {
                assert_eq!(known.parse_like(&text), Authority::parse(&text), "{known} {text}");
            }
        }
    }

    #[test]
    fn a_text_is_what_is_displayed() {
        for port in
            [None, Some(0), Some(9), Some(10), Some(80), Some(9000), Some(10_000), Some(65_535)]
        {
            let authority = Authority { host: "app.test".into(), port };
            assert_eq!(authority.text(), authority.to_string());
        }
    }
}
