//! User agents, shortened to what people tell browsers apart by. For show only: anybody can send
//! any user agent.

/// Browsers by the product they name, the more particular ones first: most name others, too.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];

/// Systems by a word of the user agent; Android names Linux, too.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// Longest that another user agent is shown, in characters.
const LONGEST: usize = 28;

/// `Firefox 132 on Linux`; of anything that is no browser its first product.
pub(super) fn short(agent: &str) -> String {
    if agent.is_empty() {
        return "unknown".to_owned();
    }
    let browser = BROWSERS.into_iter().find_map(|(product, name)| {
        let (_, rest) = agent.split_once(product)?;
        let major: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!major.is_empty()).then(|| format!("{name} {major}"))
    });
    let Some(browser) = browser else {
        let first = agent.split_whitespace().next().unwrap_or(agent);
        let mut shown: String = first.chars().take(LONGEST).collect();
        if shown.len() < first.len() {
            shown.push('…');
        }
        return shown;
    };
    match SYSTEMS.into_iter().find(|(word, _)| agent.contains(word)) {
        Some((_, system)) => format!("{browser} on {system}"),
        None => browser,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_by_name_and_system() {
        for (agent, expected) in [
            ("", "unknown"),
            ("curl/8.10.1", "curl/8.10.1"),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
                "Firefox 132 on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "Edge 131 on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
                "Chrome 130 on Android",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari 18 on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1",
                "Chrome 131 on iPhone",
            ),
            ("Chrome/", "Chrome/"),
            ("a-very-long-product-name-of-something/1.0 (x)", "a-very-long-product-name-of-…"),
            ("ä", "ä"),
        ] {
            assert_eq!(short(agent), expected);
        }
    }
}
