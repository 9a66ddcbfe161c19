//! Words in configuration languages made of lines: what may stand there as it is.
//!
//! Names of hosts, paths and headers come from whoever administers core, and none of these
//! languages quotes alike. So nothing is escaped: what is more than letters, digits and harmless
//! marks is refused, with what to change. Comments lose such characters.

use outpost_decision::target::Authority;
use url::Url;

use crate::rendered::RenderError;

/// Longest text of others in a comment: some programs limit the length of a line.
const COMMENT_CHARS: usize = 120;

/// Text of others for a comment: one line, and nothing that any of the languages would replace.
#[must_use]
pub(crate) fn comment(text: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || " -_.,:/()+@&!?='".contains(c);
    text.chars().map(|c| if harmless(c) { c } else { '_' }).take(COMMENT_CHARS).collect()
}

/// Whether a name may stand for something within a configuration: an upstream, a router.
#[must_use]
pub(crate) fn is_identifier(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !text.is_empty() && text.len() <= 60 && text.bytes().all(fits)
}

/// Whether a host name without a port is one: letters, digits, `.`, `-`, `_`, or an address in
/// brackets; in front of it may be `*.`.
#[must_use]
pub(crate) fn is_host(text: &str) -> bool {
    let named = text.strip_prefix("*.").unwrap_or(text);
    Authority::parse(named).is_some_and(|parsed| *parsed.host == *named && parsed.port.is_none())
}

/// Whether a path may stand in any of the languages without quotes: what people give to their
/// applications, and no percent escapes, which some of them compare decoded and some do not.
#[must_use]
pub(crate) fn is_path(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b))
}

/// Whether a header may be named: letters, digits and `-`. `_` is what other proxies drop.
#[must_use]
pub(crate) fn is_header(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether a file may be named without quotes.
#[must_use]
pub(crate) fn is_file(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.+@:".contains(&b))
}

/// Where a program of the operator's is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Whether over TLS.
    pub(crate) tls: bool,
    /// Host name or address; version 6 in brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

impl Address {
    /// Takes apart an URL that is a scheme, a host and a port.
    pub(crate) fn of(url: &Url, what: &'static str) -> Result<Self, RenderError> {
        let problem = |problem: &str| RenderError::Site {
            what,
            problem: format!("{problem}: write http://host:port or https://host:port"),
        };
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(problem("it is neither http nor https")),
        };
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        if !bare {
            return Err(problem("it has more than a host and a port"));
        }
        let host = url.host_str().unwrap_or_default();
        if !is_host(host) || host.starts_with('*') {
            return Err(problem("its host is no host name"));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        Ok(Self { tls, host: host.to_owned(), port })
    }

    /// `host:port`.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// `http` or `https`.
    pub(crate) const fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// `scheme://host:port`.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_hold_one_harmless_line() {
        let text = comment("a\nb\r\u{2028}{$HOME} \"x\" #; ä 日本");
        assert_eq!(text, "a_b____HOME_ _x_ __ ä 日本");
        assert_eq!(comment(&"x".repeat(5000)).len(), COMMENT_CHARS);
    }

    #[test]
    fn only_plain_hosts_are_written() {
        for good in ["app.example.com", "*.example.com", "a_b", "127.0.0.1", "[::1]"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "a b", "a;b", "$host", "a\"b", "a{b", "*", "a:80", "A.test", "a.*.test"] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn only_plain_paths_headers_and_files_are_written() {
        assert!(is_path("/app/a-b_c.d~e") && is_path(""));
        for bad in ["/a b", "/a%20b", "/a$b", "/a{b", "/a\"b", "/a;b", "/a\\b", "/a`b", "/ä"] {
            assert!(!is_path(bad), "{bad}");
            assert!(!is_file(bad) || bad.contains('%'), "{bad}");
        }
        assert!(is_header("X-authentik-uid") && !is_header("X_a") && !is_header("a b"));
        assert!(is_identifier("grafana-2") && !is_identifier("a b") && !is_identifier(""));
    }

    #[test]
    fn an_address_is_scheme_host_and_port() {
        let of = |text: &str| Address::of(&Url::parse(text).unwrap(), "upstream");
        assert_eq!(of("http://app:8080").unwrap().url(), "http://app:8080");
        assert_eq!(of("https://[::1]").unwrap().authority(), "[::1]:443");
        for bad in
            ["http://a/b", "http://u@a", "http://a/?q", "ftp://a", "http://a;b{c", "http://$a"]
        {
            assert!(matches!(of(bad), Err(RenderError::Site { .. })), "{bad}");
        }
    }
}
