//! The rules, and what they say to a file.

use super::paths::paths;

/// In files below `area`, no path may begin with one of `forbidden`.
struct Rule {
    area: &'static [&'static str],
    except: &'static [&'static str],
    forbidden: &'static [&'static str],
    /// Whether tests are bound by it, too.
    tests: bool,
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        area: &["server/decision/src/"],
        except: &[],
        forbidden: &[
            "tokio",
            "actix",
            "actix_web",
            "actix_rt",
            "tracing",
            "log",
            "rand",
            "redis",
            "outpost",
            "std::env",
            "std::fs",
            "std::io",
            "std::net::TcpStream",
            "std::process",
            "std::thread",
            "std::time::Instant",
            "std::time::SystemTime",
        ],
        tests: false,
        why: "the decision crate is pure: time, randomness and facts are arguments",
    },
    Rule {
        area: &["server/src/authentik"],
        except: &[],
        forbidden: &["crate::session", "crate::oidc", "crate::upstream", "crate::downstream"],
        tests: true,
        why: "adapters do not know each other",
    },
    Rule {
        area: &["server/src/session"],
        except: &[],
        forbidden: &["crate::authentik", "crate::oidc", "crate::upstream", "crate::downstream"],
        tests: true,
        why: "adapters do not know each other",
    },
    Rule {
        area: &["server/src/oidc"],
        except: &[],
        forbidden: &["crate::authentik", "crate::session", "crate::upstream", "crate::downstream"],
        tests: true,
        why: "adapters do not know each other",
    },
    Rule {
        area: &["server/src/upstream"],
        except: &[],
        forbidden: &["crate::authentik", "crate::session", "crate::oidc", "crate::downstream"],
        tests: true,
        why: "adapters do not know each other",
    },
    Rule {
        area: &["server/src/downstream"],
        except: &[],
        forbidden: &["crate::authentik", "crate::session", "crate::oidc", "crate::upstream"],
        tests: true,
        why: "adapters do not know each other",
    },
    Rule {
        area: &[
            "server/src/authentik",
            "server/src/session",
            "server/src/oidc",
            "server/src/upstream",
            "server/src/downstream",
        ],
        except: &[],
        forbidden: &["crate::http", "crate::actors", "crate::settings"],
        tests: true,
        why: "adapters are used, they do not use",
    },
    Rule {
        area: &["server/src/http"],
        except: &[],
        forbidden: &["crate::actors", "crate::settings", "crate::session::redis", "redis"],
        tests: true,
        why: "requests read snapshots; they know neither actors nor stores nor settings",
    },
    Rule {
        area: &["server/src/"],
        except: &["server/src/actors"],
        forbidden: &["actix"],
        tests: true,
        why: "only actors/ imports the actor framework",
    },
    Rule {
        area: &["server/src/"],
        except: &["server/src/actors/live"],
        forbidden: &["actix_web_actors"],
        tests: true,
        why: "websockets of operators' pages are actors/live, and nothing else speaks so",
    },
    Rule {
        area: &["server/src/"],
        except: &["server/src/main.rs", "server/src/boot", "server/src/cli"],
        forbidden: &["crate::boot", "crate::cli"],
        tests: true,
        why: "boot knows everyone, and nobody knows boot or the command line",
    },
    Rule {
        area: &["server/src/"],
        // tls.rs dates the certificate it makes at start.
        except: &["server/src/clock.rs", "server/src/tls.rs"],
        forbidden: &["std::time::SystemTime::now", "SystemTime::now"],
        tests: false,
        why: "the wall clock is read in clock.rs",
    },
    Rule {
        area: &["server/src/"],
        except: &["server/src/settings"],
        forbidden: &["std::env::var", "std::env::var_os", "std::env::vars", "std::env::vars_os"],
        tests: false,
        why: "the environment is read in settings/",
    },
    Rule {
        area: &["dashboard/src/"],
        except: &[],
        forbidden: &["outpost", "outpost_decision", "tokio", "actix_web", "std::env", "std::fs"],
        tests: true,
        why: "pages know read models and nothing else",
    },
];

/// What is wrong with a file, one line each.
pub(crate) fn violations(path: &str, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    if path.ends_with("/mod.rs") {
        found.push(format!("{path}: foo.rs stands beside foo/, there is no mod.rs"));
    }
    let used = paths(path, source);
    let is_test = ["/tests.rs", "/tests/", "test_support"].iter().any(|part| path.contains(part));
    for rule in RULES {
        let inside = |places: &[&str]| places.iter().any(|place| is_below(path, place));
        if !inside(rule.area) || inside(rule.except) || (is_test && !rule.tests) {
            continue;
        }
        for used in &used {
            if rule.forbidden.iter().any(|forbidden| begins_with(used, forbidden)) {
                found.push(format!("{path}: {used}: {}", rule.why));
            }
        }
    }
    found
}

/// Whether `path` is the module `place` (a file or what lies in its folder), or below a folder.
fn is_below(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| {
        place.ends_with('/') || rest.is_empty() || rest.starts_with('/') || rest == ".rs"
    })
}

fn begins_with(path: &str, forbidden: &str) -> bool {
    path.strip_prefix(forbidden).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
