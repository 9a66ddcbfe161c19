use std::net::Ipv4Addr;

use outpost_dashboard::model::Outcome;
use outpost_decision::decision::{
    Action, CredentialOutcome, CredentialScheme, Decision, Reason, Step,
};
use outpost_decision::dialect::Dialect;
use outpost_decision::facts::ClientKind;
use outpost_decision::headers::{HeaderNote, HeaderProblem};
use outpost_decision::route::{Lost, Match};
use outpost_decision::skip::SkipRules;

use super::*;
use crate::snapshot::testing;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

fn decided(action: Action, reason: Reason, dialect: Option<Dialect>, steps: Vec<Step>) -> Decided {
    Decided::from(Decision { action, reason, rule: None, dialect, steps })
}

/// The reasoning for a request from [`PEER`] with these headers, in lower case.
fn reason(decided: &Decided, trusted: bool, headers: &[(&str, &str)]) -> Reasoning {
    let provider = testing::provider(1, "wiki", |it| it.skip = SkipRules::compile("^/public").0);
    let (ruleset, _) = Ruleset::build(vec![
        std::sync::Arc::clone(&provider),
        testing::provider(2, "other", |_| ()),
    ]);
    let forwarding =
        Forwarding::pick(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
    reasoning(
        decided,
        &Evidence {
            peer: PEER,
            peer_trusted: trusted,
            forwarding: &forwarding,
            host: "wiki.test",
            provider: Some(&provider),
            ruleset: &ruleset,
        },
    )
}

#[test]
fn every_step_is_a_sentence_with_a_tone() {
    let lost = vec![Lost { provider: 2, matched: Match::CookieDomain, path: String::new() }];
    let note = HeaderNote { header: "X-a".to_owned(), problem: HeaderProblem::TooLong };
    let scheme = CredentialScheme::Cookie;
    for (step, code, tone, said) in [
        (
            Step::Origin { source: "X-Forwarded-Uri", peer_trusted: true },
            "origin",
            Tone::Good,
            "Taken from X-Forwarded-Uri, as 203.0.113.9 sent it, which is a trusted proxy.",
        ),
        (
            Step::Ignored { header: "X-Forwarded-Host" },
            "ignored",
            Tone::Odd,
            "X-Forwarded-Host came from 203.0.113.9, which is not among the trusted proxies \
             (listen.trusted_proxy_cidrs).",
        ),
        (
            Step::Fault { header: "X-Original-URL" },
            "fault",
            Tone::Bad,
            "X-Original-URL came from 203.0.113.9, which is not among the trusted proxies.",
        ),
        (
            Step::ServerName { name: "a.test".to_owned() },
            "server_name",
            Tone::Bad,
            "It was made for \"a.test\", whose certificate does not answer for wiki.test.",
        ),
        (
            Step::Sought { host: "wiki.test".to_owned() },
            "sought",
            Tone::Bad,
            "Looked for one that serves wiki.test and may be asked here: none.",
        ),
        (
            Step::Route { matched: Match::ExactHost, lost },
            "route",
            Tone::Good,
            "wiki serves it: its external host is the host asked for. other would have come next, \
             since the host lies in its cookie domain.",
        ),
        (
            Step::Client { kind: ClientKind::Navigation },
            "client",
            Tone::Plain,
            "A browser that opens a page: it can follow a redirect.",
        ),
        (
            Step::Credential { scheme, outcome: CredentialOutcome::Absent },
            "credential",
            Tone::Plain,
            "The session cookie was not sent.",
        ),
        (
            Step::Credential {
                scheme,
                outcome: CredentialOutcome::Rejected(Reason::SessionExpired),
            },
            "credential",
            Tone::Bad,
            "The session cookie does not count. The session has ended: its token has expired.",
        ),
        (
            Step::SkipRules { matched: Some(1), refused: None },
            "skip_rules",
            Tone::Good,
            "Line 1 matches: ^/public",
        ),
        (
            Step::SkipRules { matched: None, refused: None },
            "skip_rules",
            Tone::Plain,
            "None of 1 matches.",
        ),
        (
            Step::SkipRules { matched: None, refused: Some("dot segment") },
            "skip_rules",
            Tone::Odd,
            "None was asked: the path can be read in several ways (dot segment).",
        ),
        (
            Step::Identity { note },
            "identity",
            Tone::Odd,
            "X-a: longer than a header may be; sent empty.",
        ),
    ] {
        let decided = decided(Action::Deny, Reason::PeerUntrusted, None, vec![step]);
        let shown = reason(&decided, false, &[]).steps.remove(0);
        let told = (shown.code.as_str(), shown.tone, shown.found.as_str());
        assert_eq!(told, (code, tone, said));
        assert!(!shown.title.is_empty());
    }
}

#[test]
fn the_header_at_fault_and_the_peer_are_named_in_what_to_do() {
    let steps = vec![
        Step::Origin { source: "Host", peer_trusted: false },
        Step::Fault { header: "X-Original-URL" },
    ];
    let decided = decided(Action::Deny, Reason::PeerUntrusted, Some(Dialect::Nginx), steps);
    let reasoning = reason(&decided, false, &[("x-original-url", "https://wiki.test/")]);
    assert!(reasoning.explanation.contains("X-Original-URL"), "{}", reasoning.explanation);
    assert!(reasoning.remedy.contains("203.0.113.9"), "{}", reasoning.remedy);
    assert_eq!(reasoning.outcome, Outcome::Denied);
    let seen = &reasoning.headers[0];
    assert_eq!((seen.from.as_str(), seen.trusted, seen.believed), ("203.0.113.9", false, false));
}

#[test]
fn headers_count_where_the_way_of_asking_reads_them_and_the_peer_is_trusted() {
    let everything = [
        ("host", "outpost:9000"),
        ("forwarded", "host=wiki.test"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "wiki.test"),
        ("x-forwarded-uri", "/"),
        ("x-forwarded-port", "443"),
        ("x-original-url", "https://wiki.test/"),
    ];
    let (traefik, nginx) = (Some(Dialect::Traefik), Some(Dialect::Nginx));
    for (dialect, source, trusted, believed) in [
        (None, "X-Forwarded-Host", true, vec!["X-Forwarded-For", "X-Forwarded-Host"]),
        (None, "Host", false, vec!["Host"]),
        (
            traefik,
            "X-Forwarded-Uri",
            true,
            vec!["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Uri"],
        ),
        (
            nginx,
            "X-Original-URL",
            true,
            vec!["X-Forwarded-For", "X-Forwarded-Host", "X-Original-URL"],
        ),
    ] {
        let steps = vec![Step::Origin { source, peer_trusted: trusted }];
        let decided = decided(Action::Allow, Reason::Session, dialect, steps);
        let headers = reason(&decided, trusted, &everything).headers;
        assert_eq!(headers.len(), everything.len());
        let counted: Vec<_> =
            headers.iter().filter(|it| it.believed).map(|it| it.name.as_str()).collect();
        assert_eq!(counted, believed, "{dialect:?} {source}");
    }
}

#[test]
fn a_request_with_its_host_alone_shows_that() {
    let steps = vec![Step::Origin { source: "Host", peer_trusted: false }];
    let decided = decided(Action::Allow, Reason::Session, None, steps);
    let headers = reason(&decided, false, &[("host", "wiki.test"), ("accept", "*/*")]).headers;
    let seen: Vec<_> = headers.iter().map(|it| (it.name.as_str(), it.believed)).collect();
    assert_eq!(seen, [("Host", true)]);
}
