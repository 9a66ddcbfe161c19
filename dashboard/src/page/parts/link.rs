//! Addresses and links.

use std::fmt::Write as _;

use leptos::prelude::*;

use crate::model::ProviderRef;

/// A path with a query of those fields that are not empty, percent-encoded: safe in `href`,
/// whatever the values are.
#[must_use]
pub(crate) fn address(path: &str, fields: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    let mut separator = '?';
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(separator);
        address.push_str(name);
        address.push('=');
        address.push_str(&encoded(value));
        separator = '&';
    }
    address
}

/// A text, percent-encoded but for RFC 3986's unreserved characters: fits in a path's segment and
/// in a query's value.
#[must_use]
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A provider's name, leading to its page.
pub(crate) fn provider_link(provider: &ProviderRef) -> AnyView {
    let ProviderRef { pk, name } = provider;
    let shown = if name.is_empty() { format!("Provider {pk}") } else { name.clone() };
    view! { <a href=format!("/providers/{pk}")>{shown}</a> }.into_any()
}

/// [`outside`] without the scheme nearly all have, where there is little room.
pub(crate) fn outside_short(url: &str) -> AnyView {
    match url.strip_prefix("https://") {
        Some(rest) if !rest.is_empty() => {
            let rest = rest.trim_end_matches('/').to_owned();
            view! { <a class="wrap" href=url.to_owned() rel="noreferrer noopener">{rest}</a> }
                .into_any()
        }
        _ => outside(url),
    }
}

/// A URL from core's settings: a link where it is of the web, else only shown; a `javascript:` URL
/// never becomes one.
pub(crate) fn outside(url: &str) -> AnyView {
    let lower = url.trim_start().to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        let target = url.to_owned();
        view! { <a class="wrap" href=target rel="noreferrer noopener">{url.to_owned()}</a> }
            .into_any()
    } else {
        view! { <span class="wrap">{url.to_owned()}</span> }.into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::rendered;

    #[test]
    fn addresses_hold_any_value() {
        assert_eq!(address("/sessions", &[]), "/sessions");
        assert_eq!(address("/sessions", &[("by", ""), ("value", "")]), "/sessions");
        assert_eq!(
            address("/sessions", &[("by", "user"), ("cursor", ""), ("value", "a&b=\"c d\"/ü")]),
            "/sessions?by=user&value=a%26b%3D%22c%20d%22%2F%C3%BC"
        );
    }

    #[test]
    fn only_urls_of_the_web_become_links() {
        for (url, link) in [
            ("https://app.example.com/a?b", true),
            ("HTTP://app.example.com", true),
            ("javascript:alert(1)", false),
            (" javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("//app.example.com", false),
            ("", false),
        ] {
            assert_eq!(rendered(|| outside(url)).contains("href="), link, "{url}");
        }
    }

    #[test]
    fn a_provider_without_a_name_is_called_by_its_key() {
        let html = rendered(|| provider_link(&ProviderRef { pk: 7, name: String::new() }));
        assert_eq!(html, "<a href=\"/providers/7\">Provider 7</a>");
    }
}
