//! The headers that somebody asks about, as they are shown again: without secrets. What is left can
//! be asked again with the same answer: names of cookies and schemes of credentials stay.

use crate::ops::chosen_headers::is_secret_header;
use crate::ops::masking::MASK;

/// Schemes that are no secret (RFC 9110, section 11.1).
const SCHEMES: [&str; 4] = ["basic", "bearer", "digest", "negotiate"];

/// `headers`, one a line, without secrets.
pub(super) fn shown(headers: &str) -> String {
    let lines: Vec<String> = headers.lines().map(line).collect();
    lines.join("\n")
}

fn line(line: &str) -> String {
    let Some((name, value)) = line.split_once(':') else { return line.to_owned() };
    let name = name.trim();
    if !is_secret_header(name) || value.trim().is_empty() {
        return line.to_owned();
    }
    let value = value.trim();
    if name.eq_ignore_ascii_case("cookie") {
        let cookies: Vec<String> = value.split(';').map(cookie).collect();
        return format!("{name}: {}", cookies.join("; "));
    }
    match value.split_once(' ') {
        Some((scheme, _)) if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) => {
            format!("{name}: {scheme} {MASK}")
        }
        _ => format!("{name}: {MASK}"),
    }
}

fn cookie(cookie: &str) -> String {
    match cookie.split_once('=') {
        Some((name, _)) => format!("{}={MASK}", name.trim()),
        None => MASK.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_shown_again_without_secrets() {
        for (asked, expected) in [
            ("", ""),
            ("Accept: text/html", "Accept: text/html"),
            ("no header", "no header"),
            ("Cookie: a=s3cr3t; b=s3cr3t==;s3cr3t", "Cookie: a=******; b=******; ******"),
            ("authorization:Bearer s3cr3t", "authorization: Bearer ******"),
            ("Authorization: s3cr3t s3cr3t", "Authorization: ******"),
            ("Authorization:", "Authorization:"),
            (" X-Api-Key : s3cr3t", "X-Api-Key: ******"),
            ("A: b\r\nX-Auth-Token: s3cr3t\nC: d", "A: b\nX-Auth-Token: ******\nC: d"),
        ] {
            assert_eq!(shown(asked), expected);
        }
    }
}
