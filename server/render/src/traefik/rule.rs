//! Which requests a router takes.

/// The generation of Traefik: they write patterns of hosts in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// 2.
    V2,
    /// 3.
    V3,
}

/// A condition on the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// This path.
    Exactly(String),
    /// What lies below this path, which has no final slash.
    Below(String),
}

/// The rule for these hosts and any of these paths; for all paths where none is named.
pub(super) fn of(hosts: &[String], paths: &[Path], version: Version) -> String {
    let hosts: Vec<String> = hosts.iter().map(|host| host_rule(host, version)).collect();
    let paths: Vec<String> = paths
        .iter()
        .map(|path| match path {
            Path::Exactly(path) => format!("Path(`{path}`)"),
            Path::Below(path) => format!("PathPrefix(`{path}/`)"),
        })
        .collect();
    if paths.is_empty() { any(&hosts) } else { format!("{} && {}", any(&hosts), any(&paths)) }
}

fn any(rules: &[String]) -> String {
    match rules {
        [only] => only.clone(),
        several => format!("({})", several.join(" || ")),
    }
}

/// The rule for a host, or for every host with one more label than `*.domain`.
pub(crate) fn host_rule(host: &str, version: Version) -> String {
    match (host.strip_prefix("*."), version) {
        (None, _) => format!("Host(`{host}`)"),
        // One label, as with the outpost.
        (Some(domain), Version::V3) => {
            format!("HostRegexp(`^[^.]+\\.{}$`)", domain.replace('.', "\\."))
        }
        (Some(domain), Version::V2) => format!("HostRegexp(`{{label:[^.]+}}.{domain}`)"),
    }
}

/// The rule, but for requests that ask for another protocol than a websocket's: within such a
/// tunnel nobody would ask the outpost any more. Traefik cannot take a header away by its value.
pub(super) fn websockets_alone(rule: &str, version: Version) -> String {
    let matcher = match version {
        Version::V2 => "HeadersRegexp",
        Version::V3 => "HeaderRegexp",
    };
    format!("{rule} && !{matcher}(`Upgrade`, `{}`)", all_but("websocket"))
}

/// A regular expression for every text but a word and nothing at all: one that is shorter, longer,
/// or has another letter somewhere.
fn all_but(word: &str) -> String {
    let length = word.len();
    let mut ways = vec![format!(".{{1,{}}}", length - 1), format!(".{{{},}}", length + 1)];
    ways.extend(word.char_indices().map(|(at, letter)| {
        let dots = |count: usize| match count {
            0 => String::new(),
            count => format!(".{{{count}}}"),
        };
        format!("{}[^{letter}]{}", dots(at), dots(length - 1 - at))
    }));
    format!("(?i)^({})$", ways.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_rule_names_hosts_and_paths() {
        let one = texts(&["a.test"]);
        assert_eq!(of(&one, &[], Version::V3), "Host(`a.test`)");
        let two = texts(&["a.test", "*.b.test"]);
        assert_eq!(
            of(&two, &[], Version::V3),
            "(Host(`a.test`) || HostRegexp(`^[^.]+\\.b\\.test$`))"
        );
        let paths = [Path::Exactly("/x".to_owned()), Path::Below("/x".to_owned())];
        assert_eq!(
            of(&two, &paths, Version::V2),
            "(Host(`a.test`) || HostRegexp(`{label:[^.]+}.b.test`)) && (Path(`/x`) || PathPrefix(`/x/`))"
        );
        assert_eq!(of(&one, &paths[1..], Version::V3), "Host(`a.test`) && PathPrefix(`/x/`)");
    }
}
