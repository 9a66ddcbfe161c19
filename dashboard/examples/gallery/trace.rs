//! Sessions, decisions, explain, and what stands outside.

use outpost_dashboard::model::{
    DecisionFilter, DecisionPage, DecisionRow, Decisions, ExplainForm, ExplainPage, Explained,
    Near, Outcome, ProviderRef, Reasoning, RevokePlan, Role, SearchBy, SeenHeader, SessionPage,
    SessionQuery, SessionRow, Sessions, Step, Tone, Via,
};
use outpost_dashboard::page::{Entrance, Message};

use crate::{NOW, Pages, shown};

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "restic/0.17.3 (linux/amd64)",
];
const USERS: [&str; 6] =
    ["alice", "bob.marlow", "carol@example.com", "dmitri", "erin", "backup-service-account"];

/// The pages.
pub(crate) fn pages() -> Pages {
    let none = Sessions { now: NOW, total: Some(0), providers: providers(), ..Sessions::default() };
    let away = Sessions {
        problem: Some("The session store cannot be reached: connection refused.".into()),
        total: None,
        ..none.clone()
    };
    let quiet = Decisions { rows: Vec::new(), seen: 0, latest: 0, dropped: 0, ..decisions() };
    let asked = ExplainPage { now: NOW, ..ExplainPage::default() };
    let wrong = ExplainPage {
        form: ExplainForm { url: "app.example.com/x".into(), ..ExplainForm::default() },
        problem: Some("The URL must begin with http:// or https://.".into()),
        ..asked.clone()
    };
    let message = Message {
        title: "No such decision".into(),
        text: "The journal of this replica does not have it, or not any more.".into(),
        remedy: "It may be another replica's. Its id is in the log of the replica that made it."
            .into(),
    };
    let entrance = Entrance { token: true, core: true, next: "/".into(), problem: None };
    let refused = Entrance { problem: Some("That is not the token.".into()), ..entrance.clone() };
    vec![
        ("sessions", shown(Role::Act, &sessions(SessionQuery::default()))),
        ("sessions-of-alice", shown(Role::Act, &sessions_of_alice())),
        ("sessions-none", shown(Role::Act, &none)),
        ("sessions-away", shown(Role::Act, &away)),
        ("session", shown(Role::Act, &session_page())),
        ("revoke", shown(Role::Act, &plan())),
        ("revoke-view", shown(Role::View, &plan())),
        ("decisions", shown(Role::Act, &decisions())),
        ("decisions-none", shown(Role::Act, &quiet)),
        ("decision", shown(Role::Act, &decision())),
        ("explain", shown(Role::Act, &asked)),
        ("explain-wrong", shown(Role::Act, &wrong)),
        ("explained", shown(Role::Act, &explained())),
        ("sign-in", entrance.render()),
        ("sign-in-refused", refused.render()),
        ("message", message.render()),
    ]
}

fn providers() -> Vec<ProviderRef> {
    ["Grafana", "Internal wiki", "Photo archive"]
        .into_iter()
        .zip(7..)
        .map(|(name, pk)| ProviderRef { pk, name: name.into() })
        .collect()
}

fn provider(index: usize) -> ProviderRef {
    providers().swap_remove(index % 3)
}

fn session(index: usize) -> SessionRow {
    let age = 40 * (index as i64 + 1).pow(3);
    let user = USERS[index % USERS.len()];
    let by_header = user.starts_with("backup");
    SessionRow {
        key: format!("{:x}", 0x3f5a_19c2_77d0_4b1e_u64.wrapping_mul(2 * index as u64 + 3)),
        user: user.into(),
        sub: format!("{:x}", 0x91b7_00d3_5c44_a2f1_u64.wrapping_mul(2 * index as u64 + 3)),
        sid: (!by_header).then(|| format!("{:x}", 0xc0de_2211_u64 * (index as u64 + 5))),
        provider: provider(index),
        origin: if by_header { "header" } else { "sign_in" }.into(),
        created: NOW - age,
        seen: NOW - age / 9,
        verified: NOW - age / 5,
        expires: NOW + 86_400 - age % 80_000,
        idle_until: (!by_header).then_some(NOW + 1800),
        client_address: Some(if index % 3 == 1 {
            "2001:db8:42:17::a3c".into()
        } else {
            format!("192.0.2.{index}")
        }),
        user_agent: AGENTS[if by_header { 3 } else { index % 3 }].into(),
    }
}

fn sessions(query: SessionQuery) -> Sessions {
    Sessions {
        now: NOW,
        query,
        rows: (0..14).map(session).collect(),
        next: Some("sample".into()),
        total: Some(1284),
        problem: None,
        providers: providers(),
    }
}

fn sessions_of_alice() -> Sessions {
    let query = SessionQuery { by: SearchBy::User, value: "alice".into(), cursor: None };
    let rows = [0, 6, 12].map(session).into();
    Sessions { rows, next: None, ..sessions(query) }
}

fn session_page() -> SessionPage {
    SessionPage { now: NOW, row: session(0), others: [6, 12].map(session).into() }
}

fn plan() -> RevokePlan {
    RevokePlan {
        now: NOW,
        by: SearchBy::User,
        value: "alice".into(),
        label: "all sessions of alice".into(),
        count: 3,
        sample: [0, 6, 12].map(session).into(),
        problem: None,
    }
}

fn decision_row(sequence: u64) -> DecisionRow {
    let kinds = [
        (Outcome::Allowed, "allow", "session", 200, "/dashboards/overview?orgId=1&refresh=30s"),
        (
            Outcome::Allowed,
            "allow",
            "session",
            200,
            "/api/datasources/proxy/uid/prometheus/api/v1/query_range",
        ),
        (
            Outcome::SignIn,
            "redirect_to_start",
            "not_signed_in",
            302,
            "/reports/2026/q3?download=true",
        ),
        (Outcome::Allowed, "skip", "skip_path", 200, "/public/logo.svg"),
        (Outcome::Denied, "deny", "no_provider", 404, "/"),
        (Outcome::Failed, "allow", "session", 502, "/upload"),
        (Outcome::Denied, "deny", "peer_untrusted", 400, "/outpost.goauthentik.io/auth/nginx"),
    ];
    let (outcome, action, reason, status, path) = kinds[(sequence % 7) as usize];
    let known = reason == "session";
    DecisionRow {
        sequence,
        id: format!("{:016x}", sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        at: NOW - (5000 - sequence as i64) * 3,
        method: if path == "/upload" { "POST" } else { "GET" }.into(),
        host: ["grafana.example.com", "wiki.example.com", "photos.example.com"]
            [(sequence % 3) as usize]
            .into(),
        path: path.into(),
        provider: (outcome != Outcome::Denied).then(|| provider(sequence as usize)),
        action: action.into(),
        outcome,
        reason: reason.into(),
        status,
        user: known.then(|| USERS[(sequence % 5) as usize].into()),
        client: Some(if sequence % 4 == 1 {
            "2001:db8:42:17::a3c".into()
        } else {
            format!("192.0.2.{}", sequence % 90)
        }),
        duration: (sequence % 13) as f64 * 7.3 + 0.4,
        upstream: known.then_some((sequence % 13) as f64 * 6.0),
        failure: (outcome == Outcome::Failed).then(|| "upstream_unreachable".into()),
    }
}

fn decisions() -> Decisions {
    Decisions {
        now: NOW,
        filter: DecisionFilter::default(),
        rows: (4970..=4999).rev().map(decision_row).collect(),
        latest: 4999,
        seen: 1_284_113,
        dropped: 17,
        capacity: 4096,
        reasons: ["session", "skip_path", "not_signed_in", "no_provider", "peer_untrusted"]
            .map(Into::into)
            .into(),
        providers: providers(),
    }
}

fn reasoning() -> Reasoning {
    let step = |code: &str, title: &str, found: &str, tone| Step {
        code: code.into(),
        title: title.into(),
        found: found.into(),
        tone,
    };
    let header = |name: &str, value: &str, from: &str, trusted, believed| SeenHeader {
        name: name.into(),
        value: value.into(),
        from: from.into(),
        trusted,
        believed,
    };
    Reasoning {
        action: "deny".into(),
        outcome: Outcome::Denied,
        reason: "no_provider".into(),
        explanation: "No app for hostname: no provider of this outpost serves this host.".into(),
        remedy: "Check the external host of the provider, that the provider is assigned to this outpost, and the Host header (or X-Forwarded-Host from a trusted proxy).".into(),
        provider: None,
        steps: vec![
            step("connection", "Connection", "From 10.0.3.7, which is a trusted proxy (10.0.0.0/8).", Tone::Good),
            step("original_url", "Original URL", "https://wiki.exmaple.com/, by X-Forwarded-Proto, -Host and -Uri.", Tone::Plain),
            step("client", "Client", "192.0.2.17, by X-Forwarded-For; one more hop was not believed.", Tone::Odd),
            step("provider", "Provider", "No provider serves the host wiki.exmaple.com.", Tone::Bad),
        ],
        headers: vec![
            header("X-Forwarded-Host", "wiki.exmaple.com", "10.0.3.7", true, true),
            header("X-Forwarded-Proto", "https", "10.0.3.7", true, true),
            header("X-Original-URL", "https://wiki.exmaple.com/", "10.0.3.7", true, false),
            header("X-Forwarded-For", "203.0.113.9, 192.0.2.17", "192.0.2.17", false, false),
        ],
        near: vec![
            Near {
                kind: "host".into(),
                what: "wiki.example.com".into(),
                provider: provider(1),
                why_not: "The host differs in two letters.".into(),
            },
            Near {
                kind: "skip_rule".into(),
                what: "^/public/".into(),
                provider: provider(1),
                why_not: "The path / does not begin with /public/.".into(),
            },
        ],
    }
}

fn decision() -> DecisionPage {
    let row = DecisionRow { host: "wiki.exmaple.com".into(), ..decision_row(4995) };
    DecisionPage {
        now: NOW,
        row,
        replica: "edge-2".into(),
        reasoning: reasoning(),
        again: ExplainForm {
            url: "https://wiki.exmaple.com/".into(),
            method: "GET".into(),
            peer: "10.0.3.7".into(),
            ..ExplainForm::default()
        },
        logged: vec![("Accept-Language".into(), "de-DE,de;q=0.9,en;q=0.8".into())],
        trace: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        configuration_changed: true,
    }
}

fn explained() -> ExplainPage {
    let step = |title: &str, found: &str, tone| Step {
        code: title.to_lowercase().replace(' ', "_"),
        title: title.into(),
        found: found.into(),
        tone,
    };
    ExplainPage {
        now: NOW,
        form: ExplainForm {
            url: "https://grafana.example.com/d/abc?orgId=1".into(),
            via: Via::Traefik,
            peer: "10.0.3.7".into(),
            headers: "Accept: text/html".into(),
            ..ExplainForm::default()
        },
        problem: None,
        explained: Some(Explained {
            reasoning: Reasoning {
                action: "redirect_to_start".into(),
                outcome: Outcome::SignIn,
                reason: "not_signed_in".into(),
                explanation: "There is no session yet.".into(),
                remedy: String::new(),
                provider: Some(provider(0)),
                steps: vec![
                    step("Connection", "From 10.0.3.7, which is a trusted proxy (10.0.0.0/8).", Tone::Good),
                    step("Original URL", "https://grafana.example.com/d/abc?orgId=1.", Tone::Plain),
                    step("Provider", "Grafana serves the host grafana.example.com.", Tone::Good),
                    step("Skip rules", "None of 2 rules matches the path /d/abc.", Tone::Plain),
                    step("Credential", "Neither a session cookie nor an Authorization header.", Tone::Bad),
                ],
                headers: reasoning().headers,
                near: Vec::new(),
            },
            answer: "302 to https://grafana.example.com/outpost.goauthentik.io/start, where a sign-in begins.".into(),
            request: [
                "GET /outpost.goauthentik.io/auth/traefik HTTP/1.1",
                "Host: outpost.internal:9000",
                "X-Forwarded-Proto: https",
                "X-Forwarded-Host: grafana.example.com",
                "X-Forwarded-Uri: /d/abc?orgId=1",
                "X-Forwarded-Method: GET",
                "Accept: text/html",
            ]
            .map(Into::into)
            .into(),
        }),
    }
}
