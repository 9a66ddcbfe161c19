//! Samples of the pages about the outpost and its providers.

use outpost_dashboard::model::{
    Certificate, Check, Doctor, Fleet, Link, LinkState, Notice, Outcome, Overview, ProviderPage,
    ProviderRow, Providers, ReasonCount, Refresh, Replica, Role, Setting, Severity, Shell,
    SkipRule, SkipTry, Snippet, SnippetFile, Speed, Standing, Store, Traffic,
};

use outpost_dashboard::page::{Page, render};

use crate::sample::{DAY, HOUR, MINUTE, NOW, notice, provider_ref, shell, traffic};
use crate::{Pages, shown};

/// The pages.
pub(crate) fn pages() -> Pages {
    vec![
        ("overview", shown(Role::Act, &overview())),
        ("overview-empty", unready(&empty_overview())),
        ("providers", shown(Role::Act, &providers())),
        (
            "providers-empty",
            shown(Role::Act, &Providers { now: NOW, loaded: true, rows: Vec::new() }),
        ),
        ("providers-unheard", shown(Role::Act, &Providers { now: NOW, ..Providers::default() })),
        ("provider", shown(Role::Act, &provider())),
        ("provider-empty", shown(Role::Act, &empty_provider())),
        ("doctor", shown(Role::Act, &doctor())),
        ("doctor-well", shown(Role::Act, &Doctor { findings: Vec::new(), ..doctor() })),
    ]
}

/// A page of an outpost that has not heard core yet.
fn unready(page: &impl Page) -> String {
    let standing = Standing::NotReady;
    render(&Shell { standing, outpost: String::new(), ..shell(Role::View) }, page)
}

const NAMES: [&str; 20] = [
    "Grafana",
    "Wiki der Technischen Universität",
    "Gitea",
    "Paperless",
    "Home Assistant",
    "Prometheus",
    "an-application-with-a-name-that-was-generated-by-some-tool-and-nobody-ever-looked-at",
    "Vaultwarden",
    "Мониторинг",
    "Nextcloud",
    "Jellyfin",
    "Sonarr",
    "Traefik dashboard",
    "Longhorn",
    "Kibana",
    "Airflow",
    "phpMyAdmin",
    "Uptime Kuma",
    "Firefly III",
    "Ärzteportal",
];

fn row(index: usize) -> ProviderRow {
    let name = NAMES.get(index).copied().unwrap_or("App");
    let pk = 12 + index as i64;
    let host = match index {
        6 => {
            "an-application-with-a-name-that-was-generated.internal.services.example.org".to_owned()
        }
        _ => format!("app{index}.example.org"),
    };
    let mode = ["proxy", "forward_single", "proxy", "forward_domain"][index % 4];
    let quiet = index % 7 == 5;
    let requests = if quiet { 0 } else { 48_211 / (index as u64 + 1) };
    ProviderRow {
        pk,
        name: name.into(),
        mode: mode.into(),
        external_host: format!("https://{host}"),
        hosts: match mode {
            "forward_domain" => vec![host, "*.apps.example.org".into()],
            _ => vec![host],
        },
        application: name.into(),
        application_slug: format!("app-{index}"),
        sessions: Some(if quiet { 0 } else { 1214 / (index + 1) }),
        requests_per_second: if quiet { 0.0 } else { 53.4 / (index as f64 + 1.0) },
        speed: (!quiet)
            .then_some(Speed { p50: 3.1 + index as f64, p99: 41.0 + 97.0 * index as f64 }),
        requests,
        errors: if index % 5 == 2 { requests / 90 } else { 0 },
        certificate: match index {
            0 => Some(Certificate { names: vec!["*.example.org".into()], expires: NOW + 61 * DAY }),
            4 => {
                Some(Certificate { names: vec!["app4.example.org".into()], expires: NOW + 6 * DAY })
            }
            9 => {
                Some(Certificate { names: vec!["app9.example.org".into()], expires: NOW - 2 * DAY })
            }
            _ => None,
        },
        up_to_date: index != 6,
        findings: findings()
            .into_iter()
            .filter(|one| one.provider.as_ref().is_some_and(|of| of.pk == pk))
            .collect(),
    }
}

fn findings() -> Vec<Notice> {
    let gitea = Some(provider_ref(14, "Gitea"));
    let long = Some(provider_ref(18, NAMES[6]));
    vec![
        notice(
            Severity::Error,
            "regex_invalid",
            long.clone(),
            "Line 3 of the unauthenticated paths, ^/api/(v1, does not compile: missing closing ). The version before it stays in effect.",
            "Correct the line in the provider's settings in core.",
        ),
        notice(
            Severity::Error,
            "certificate_expired",
            Some(provider_ref(21, "Nextcloud")),
            "The certificate for app9.example.org ended 2 days ago; browsers refuse it.",
            "Renew it in core under System, Certificates.",
        ),
        notice(
            Severity::Warning,
            "regex_unanchored",
            gitea,
            "The pattern /public matches anywhere in a path: /admin/public is public as well.",
            "Begin it with ^, as in ^/public.",
        ),
        notice(
            Severity::Warning,
            "clock_skew",
            None,
            "The clock of this machine is 41 s behind core's: tokens may look as if they came from the future.",
            "Let both machines keep time with NTP.",
        ),
        notice(
            Severity::Warning,
            "peer_untrusted",
            None,
            "10.20.0.7 sent X-Forwarded-Host 1,204 times, but is not among the trusted proxies.",
            "If it is your reverse proxy, add it to AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS.",
        ),
        notice(
            Severity::Info,
            "core_version",
            None,
            "Core is at 2026.10.2; this outpost was tested with 2026.8.",
            "",
        ),
    ]
}

fn replica(hostname: &str, instance: &str) -> Replica {
    Replica {
        instance: instance.into(),
        hostname: hostname.into(),
        this: false,
        version: "0.1.0".into(),
        started: NOW - 3 * DAY - 4 * HOUR,
        seen: NOW - 2,
        requests_per_second: 61.2,
        errors_last_minute: 0,
        cached_sessions: 8112,
        generation: 14,
        configuration: "c41e9f07".into(),
        refreshed: Some(NOW - 4 * MINUTE),
        core_connected: true,
        ready: true,
        draining: false,
    }
}

fn fleet() -> Fleet {
    let this = Replica {
        this: true,
        requests_per_second: 72.9,
        seen: NOW,
        ..replica("edge-7d9c6b5f4-x2k8q", "5b0c4a34-6e0f-4a6e-9a51-2f1f0f4f9d5a")
    };
    let draining = Replica {
        draining: true,
        requests_per_second: 3.4,
        errors_last_minute: 2,
        cached_sessions: 402,
        ..replica("edge-7d9c6b5f4-lm4tz", "0f7b9f4e-18c4-4b39-8f0f-b1d4bb4a2f11")
    };
    let behind = Replica {
        generation: 13,
        configuration: "9a02b7d1".into(),
        refreshed: Some(NOW - 2 * HOUR),
        core_connected: false,
        version: "0.0.9".into(),
        ..replica("edge-7d9c6b5f4-qq7wd", "c2b7a1d0-1111-4d1d-8a0e-6ad5b8a7f3c2")
    };
    Fleet { shared: true, replicas: vec![this, draining, behind], error: None }
}

fn overview() -> Overview {
    let mut slowest: Vec<ProviderRow> =
        (0..20).map(row).filter(|row| row.speed.is_some()).collect();
    slowest.reverse();
    slowest.truncate(5);
    Overview {
        now: NOW,
        outpost: "Edge, Zürich".into(),
        version: "0.1.0".into(),
        instance: "5b0c4a34-6e0f-4a6e-9a51-2f1f0f4f9d5a".into(),
        core: "https://auth.example.org".into(),
        core_version: Some("2026.10.2".into()),
        link: Link {
            state: LinkState::Connected,
            since: Some(NOW - 26 * HOUR),
            last_hello: Some(NOW - 4),
            last_ack: Some(NOW - 4),
            error: None,
        },
        refresh: Refresh {
            last_success: Some(NOW - 4 * MINUTE),
            next: Some(NOW + 56),
            error: None,
            generation: 14,
        },
        missing: Vec::new(),
        findings: findings(),
        fleet: fleet(),
        store: Store {
            kind: "redis+sentinel".into(),
            place: "sentinel-0,sentinel-1,sentinel-2/main".into(),
            shared: true,
            durable: true,
            reachable: true,
            operations: 18_402,
            failures: 3,
            speed: Some(Speed { p50: 0.38, p99: 2.7 }),
            last_failure: Some((NOW - 11 * MINUTE, "timed out after 500 ms".into())),
        },
        traffic: traffic(12),
        slowest,
        providers: 20,
        sessions: Some(12_480),
    }
}

fn empty_overview() -> Overview {
    Overview {
        now: NOW,
        version: "0.1.0".into(),
        core: "https://auth.example.org".into(),
        link: Link {
            error: Some("connection refused".into()),
            state: LinkState::Disconnected,
            ..Link::default()
        },
        refresh: Refresh {
            error: Some("core cannot be reached: connection refused".into()),
            next: Some(NOW + 3),
            ..Refresh::default()
        },
        missing: vec![notice(
            Severity::Error,
            "configuration",
            None,
            "Core has not been heard yet.",
            "Check AUTHENTIK_HOST and AUTHENTIK_TOKEN, and that core is up.",
        )],
        store: Store { kind: "memory".into(), reachable: true, ..Store::default() },
        traffic: Traffic {
            step: 15,
            columns: traffic(0)
                .columns
                .iter()
                .map(|column| outpost_dashboard::model::TrafficColumn {
                    at: column.at,
                    ..Default::default()
                })
                .collect(),
        },
        ..Overview::default()
    }
}

fn providers() -> Providers {
    Providers { now: NOW, loaded: true, rows: (0..20).map(row).collect() }
}

fn setting(name: &str, value: &str) -> Setting {
    Setting { name: name.into(), value: value.into() }
}

fn reason(
    reason: &str,
    action: &str,
    outcome: Outcome,
    explanation: &str,
    count: u64,
) -> ReasonCount {
    ReasonCount {
        reason: reason.into(),
        action: action.into(),
        outcome,
        explanation: explanation.into(),
        count,
    }
}

fn provider() -> ProviderPage {
    let rule = |line, source: &str, matches, problem: Option<&str>| SkipRule {
        line,
        source: source.into(),
        matches,
        problem: problem.map(Into::into),
    };
    ProviderPage {
        now: NOW,
        row: row(2),
        configuration: vec![
            setting("Mode", "proxy"),
            setting("External host", "https://app2.example.org"),
            setting("Internal host", "http://gitea.internal:3000"),
            setting("Internal host's certificate", "verified"),
            setting("Client id", "mLGjY3PzSs1Zq2vX7yPp"),
            setting("Client secret", "******"),
            setting("Cookie", "authentik_proxy_3b1f, path /, SameSite Lax"),
            setting("Session lasts", "24 hours"),
            setting("Scopes", "openid profile email ak_proxy"),
            setting("Basic authentication", "off"),
        ],
        skip_rules: vec![
            rule(1, "^/assets/", 48_113, None),
            rule(2, "^/api/healthz$", 1204, None),
            rule(
                4,
                "/public",
                12,
                Some("Not anchored: it matches anywhere in a path, /admin/public as well."),
            ),
            rule(5, "^/api/v1/repos/[^/]+/[^/]+/raw/", 0, None),
        ],
        tried: Some(SkipTry {
            input: "/assets/public/logo.svg?v=3".into(),
            text: "/assets/public/logo.svg".into(),
            lines: vec![1, 4],
            refused: None,
        }),
        decisions: vec![
            reason("session", "allow", Outcome::Allowed, "The session is live.", 148_220),
            reason(
                "skip_path",
                "allow",
                Outcome::Allowed,
                "The path is public by a skip rule of the provider.",
                49_329,
            ),
            reason("not_signed_in", "sign_in", Outcome::SignIn, "There is no session yet.", 2104),
            reason(
                "callback_received",
                "callback",
                Outcome::SignIn,
                "Core called back after a sign-in.",
                1988,
            ),
            reason(
                "path_ambiguous",
                "reject",
                Outcome::Denied,
                "The path can be read in more than one way.",
                212,
            ),
            reason(
                "header_rejected",
                "deny",
                Outcome::Denied,
                "The Authorization header was not accepted by core.",
                31,
            ),
            reason(
                "store_unavailable",
                "unavailable",
                Outcome::Failed,
                "The session store cannot be reached.",
                3,
            ),
        ],
        traffic: traffic(2),
        snippets: vec![
            snippet("nginx", "Server blocks for nginx, with auth_request", &["outpost.conf"]),
            snippet("caddy", "Site blocks for a Caddyfile, with forward_auth", &["Caddyfile"]),
            Snippet {
                target: "haproxy".into(),
                about: "A front end for HAProxy".into(),
                problem: Some(
                    "The name of the provider holds a line break; give it another in authentik."
                        .into(),
                ),
                ..Snippet::default()
            },
        ],
    }
}

fn snippet(target: &str, about: &str, files: &[&str]) -> Snippet {
    let file = |name: &&str| SnippetFile {
        name: (*name).into(),
        text:
            "# One line that is far too long for a telephone, since configuration is not written \
            for telephones.\nserver {\n    server_name app2.example.org;\n}\n"
                .into(),
    };
    Snippet {
        target: target.into(),
        about: about.into(),
        files: files.iter().map(file).collect(),
        problem: None,
    }
}

fn empty_provider() -> ProviderPage {
    ProviderPage {
        now: NOW,
        row: ProviderRow {
            pk: 40,
            name: "Brand new".into(),
            mode: "proxy".into(),
            external_host: "https://new.example.org".into(),
            up_to_date: true,
            ..ProviderRow::default()
        },
        ..ProviderPage::default()
    }
}

fn doctor() -> Doctor {
    let check = |code: &str, title: &str, findings, unknown: Option<&str>| Check {
        code: code.into(),
        title: title.into(),
        findings,
        unknown: unknown.map(Into::into),
    };
    Doctor {
        now: NOW,
        probed: Some(NOW - 42),
        findings: findings(),
        checks: vec![
            check("hosts_overlap", "Whether two providers claim the same host", 0, None),
            check("cookie_domain", "Whether each cookie domain covers its host", 0, None),
            check(
                "callback_host",
                "Whether core's callbacks come to a host that is served here",
                0,
                None,
            ),
            check(
                "headers_disagree",
                "Whether forwarding headers agree with external hosts in real traffic",
                0,
                None,
            ),
            check(
                "peer_untrusted",
                "Whether a proxy that is not trusted sends forwarding headers",
                1,
                None,
            ),
            check("regex", "Whether unauthenticated paths compile and are anchored", 2, None),
            check(
                "upstream",
                "Whether every application can be reached",
                0,
                Some("3 of 20 have not been asked yet."),
            ),
            check("certificate", "Whether certificates end soon", 1, None),
            check("clock_skew", "Whether this clock agrees with core's", 1, None),
            check(
                "configuration",
                "Whether all replicas decide by the same configuration",
                0,
                None,
            ),
            check("store_shared", "Whether replicas share their store", 0, None),
            check("core_version", "Whether core's version is one that this outpost knows", 1, None),
        ],
    }
}
