//! Versions as core reads them: PEP 440, appendix B.

use regex::Regex;

/// The normal form of a version, or `None` where core's parser would raise.
pub(crate) fn normalise(version: &str) -> Option<String> {
    const PATTERN: &str = r"(?xi)^\s* v? (?:(?P<epoch>[0-9]+)!)? (?P<release>[0-9]+(?:\.[0-9]+)*)
        (?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_n>[0-9]+)?)?
        (?P<post>-(?P<post_n1>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>[0-9]+)?)?
        (?P<dev>[-_.]?dev[-_.]?(?P<dev_n>[0-9]+)?)?
        (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))? \s*$";
    let found = Regex::new(PATTERN).ok()?.captures(version)?;
    let number = |name: &str| {
        let digits = found.name(name).map_or("0", |digits| digits.as_str()).trim_start_matches('0');
        if digits.is_empty() { "0".to_owned() } else { digits.to_owned() }
    };
    let mut text = String::new();
    if found.name("epoch").is_some() {
        text = format!("{}!", number("epoch"));
    }
    let release = found.name("release")?.as_str().split('.').map(|part| {
        let part = part.trim_start_matches('0');
        if part.is_empty() { "0" } else { part }
    });
    text.push_str(&release.collect::<Vec<_>>().join("."));
    if let Some(pre) = found.name("pre") {
        let letter = match pre.as_str().to_ascii_lowercase().as_str() {
            "alpha" | "a" => "a",
            "beta" | "b" => "b",
            _ => "rc",
        };
        text.push_str(&format!("{letter}{}", number("pre_n")));
    }
    if found.name("post").is_some() {
        let name = if found.name("post_n1").is_some() { "post_n1" } else { "post_n2" };
        text.push_str(&format!(".post{}", number(name)));
    }
    if found.name("dev").is_some() {
        text.push_str(&format!(".dev{}", number("dev_n")));
    }
    if let Some(local) = found.name("local") {
        text.push_str(&format!(
            "+{}",
            local.as_str().to_ascii_lowercase().replace(['-', '_'], ".")
        ));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_take_their_normal_form() {
        for (version, normal) in [
            ("2025.10.0-rc1", Some("2025.10.0rc1")),
            ("0.1.0-dev+abc", Some("0.1.0.dev0+abc")),
            ("0.1.0", Some("0.1.0")),
            ("v1.0.Alpha.2", Some("1.0a2")),
            ("1!2.03-1", Some("1!2.3.post1")),
            ("not-a-version", None),
            ("0.1.0-outpost", None),
            ("", None),
        ] {
            assert_eq!(normalise(version).as_deref(), normal, "{version}");
        }
    }
}
