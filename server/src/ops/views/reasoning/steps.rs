//! Each step as a sentence.

use outpost_dashboard::model::{Step as Shown, Tone};
use outpost_decision::decision::{CredentialOutcome, CredentialScheme, Reason, Step};
use outpost_decision::facts::ClientKind;
use outpost_decision::headers::HeaderProblem;
use outpost_decision::route::{Lost, Match};

use super::{Evidence, shortened};
use crate::ops::event::Decided;

/// A step, for people.
pub(super) fn shown(step: &Step, decided: &Decided, evidence: &Evidence<'_>) -> Shown {
    let (code, title, found, tone) = match step {
        Step::Origin { source, peer_trusted } => {
            ("origin", "Original URL", origin(source, *peer_trusted, evidence), Tone::Good)
        }
        Step::Ignored { header } => {
            ("ignored", "Header not believed", ignored(header, evidence), Tone::Odd)
        }
        Step::Fault { header } => {
            ("fault", "Header at fault", faulty(header, decided.reason, evidence), Tone::Bad)
        }
        Step::ServerName { name } => (
            "server_name",
            "TLS connection",
            format!(
                "It was made for {:?}, whose certificate does not answer for {}.",
                shortened(name),
                shortened(evidence.host)
            ),
            Tone::Bad,
        ),
        Step::Sought { host } => (
            "sought",
            "Provider",
            format!("Looked for one that serves {} and may be asked here: none.", shortened(host)),
            Tone::Bad,
        ),
        Step::Route { matched, lost } => {
            ("route", "Provider", route(*matched, lost, evidence), Tone::Good)
        }
        Step::Client { kind } => {
            ("client", "Kind of client", client(*kind).to_owned(), Tone::Plain)
        }
        Step::Credential { scheme, outcome } => {
            let (found, tone) = credential(*scheme, *outcome);
            ("credential", "Credential", found, tone)
        }
        Step::SkipRules { matched, refused } => {
            let (found, tone) = skip_rules(*matched, *refused, evidence);
            ("skip_rules", "Unauthenticated paths", found, tone)
        }
        Step::Identity { note } => (
            "identity",
            "Identity passed on",
            format!("{}: {}", note.header, identity(note.problem)),
            Tone::Odd,
        ),
    };
    Shown { code: code.to_owned(), title: title.to_owned(), found, tone }
}

fn origin(source: &str, peer_trusted: bool, evidence: &Evidence<'_>) -> String {
    let peer = evidence.peer;
    let trust = if peer_trusted { "a trusted proxy" } else { "not among the trusted proxies" };
    format!("Taken from {source}, as {peer} sent it, which is {trust}.")
}

fn ignored(header: &str, evidence: &Evidence<'_>) -> String {
    let peer = evidence.peer;
    if evidence.peer_trusted {
        return format!(
            "{header} came from {peer}, a trusted proxy, and does not count: listen.forwarded is \
             off."
        );
    }
    format!(
        "{header} came from {peer}, which is not among the trusted proxies \
         (listen.trusted_proxy_cidrs)."
    )
}

fn faulty(header: &str, reason: Reason, evidence: &Evidence<'_>) -> String {
    let peer = evidence.peer;
    match reason {
        Reason::HeadersMissing => format!("{peer} did not send {header}."),
        Reason::PeerUntrusted => {
            format!("{header} came from {peer}, which is not among the trusted proxies.")
        }
        Reason::HeaderRepeated => format!("{peer} sent {header} more than once."),
        Reason::HeaderMalformed => format!("{header}, as {peer} sent it, cannot be read."),
        Reason::HeadersDisagree => {
            format!("{header}, as {peer} sent it, says something else than the others.")
        }
        _ => format!("{header}, as {peer} sent it."),
    }
}

fn route(matched: Match, lost: &[Lost], evidence: &Evidence<'_>) -> String {
    let name = evidence.provider.map_or("It", |provider| provider.name.as_str());
    let mut text = format!("{name} serves it: {}.", how(matched));
    if let Some(Lost { provider, matched, .. }) = lost.first() {
        let other = evidence.ruleset.provider(*provider);
        let other = other.map_or_else(|| provider.to_string(), |other| other.name.clone());
        let more = match lost.len() - 1 {
            0 => String::new(),
            more => format!(" ({more} more would as well)"),
        };
        text.push_str(&format!(" {other} would have come next, since {}{more}.", how(*matched)));
    }
    text
}

const fn how(matched: Match) -> &'static str {
    match matched {
        Match::ExactHost => "its external host is the host asked for",
        Match::OtherPort => "its external host is the host asked for, on another port",
        Match::Wildcard => "its external host is a wildcard for the host asked for",
        Match::CookieDomain => "the host lies in its cookie domain",
        Match::OnlyProvider => "there is no other provider",
    }
}

const fn client(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Navigation => "A browser that opens a page: it can follow a redirect.",
        ClientKind::XmlHttpRequest => {
            "A script of a page (X-Requested-With): it cannot follow a redirect to a sign-in page."
        }
        ClientKind::Fetch => {
            "A script or part of a page (Sec-Fetch-Mode): it cannot follow a redirect to a sign-in \
             page."
        }
        ClientKind::WantsData => {
            "Something that wants data or a part of a page, and no page (Accept)."
        }
        ClientKind::Preflight => "A browser that asks before a request across sites (CORS).",
        ClientKind::UnsafeMethod => "Something that changes things: a redirect would lose it.",
        ClientKind::Form => "A form that can be kept while its person signs in.",
        ClientKind::Websocket => "A websocket handshake: it cannot follow a redirect.",
    }
}

fn credential(scheme: CredentialScheme, outcome: CredentialOutcome) -> (String, Tone) {
    let what = match scheme {
        CredentialScheme::Cookie => "The session cookie",
        CredentialScheme::Bearer => "Authorization: Bearer",
        CredentialScheme::Basic => "Authorization: Basic",
    };
    match outcome {
        CredentialOutcome::Absent => (format!("{what} was not sent."), Tone::Plain),
        CredentialOutcome::Valid => (format!("{what} is good."), Tone::Good),
        CredentialOutcome::Rejected(reason) => {
            (format!("{what} does not count. {}", reason.explanation()), Tone::Bad)
        }
        CredentialOutcome::Unavailable(reason) => {
            (format!("{what} could not be checked. {}", reason.explanation()), Tone::Bad)
        }
    }
}

fn skip_rules(
    matched: Option<usize>,
    refused: Option<&'static str>,
    evidence: &Evidence<'_>,
) -> (String, Tone) {
    if let Some(why) = refused {
        let found = format!("None was asked: the path can be read in several ways ({why}).");
        return (found, Tone::Odd);
    }
    let rules = evidence.provider.map_or(&[][..], |provider| provider.skip.rules());
    match matched {
        Some(line) => {
            let rule = rules.iter().find(|rule| rule.line == line);
            let source = rule.map(|rule| format!(": {}", shortened(&rule.source)));
            (format!("Line {line} matches{}", source.unwrap_or_default()), Tone::Good)
        }
        None if rules.is_empty() => ("There are none.".to_owned(), Tone::Plain),
        None => (format!("None of {} matches.", rules.len()), Tone::Plain),
    }
}

const fn identity(problem: HeaderProblem) -> &'static str {
    match problem {
        HeaderProblem::ControlCharacter => {
            "holds a control character; sent empty, or without the entry of the list."
        }
        HeaderProblem::EdgeBlank => {
            "begins or ends with a blank, which receivers take away; sent empty, or without the \
             entry of the list."
        }
        HeaderProblem::Separator => "an entry of the list holds the separator and is left out.",
        HeaderProblem::TooLong => "longer than a header may be; sent empty.",
        HeaderProblem::NoText => "of a kind that has no text; sent empty.",
        HeaderProblem::NameInvalid => "no header may have this name; not sent.",
        HeaderProblem::NameRefused => {
            "the outpost, the connection or the proxies own this name; not sent."
        }
        HeaderProblem::TooMany => "more additional headers than are sent.",
        HeaderProblem::Colon => {
            "a user name with a colon cannot be used for basic authentication; not sent."
        }
        HeaderProblem::LeftOut => "there was no room for it (identity.max_bytes); sent empty.",
        HeaderProblem::Cut => {
            "there was no room for all of the list (identity.max_bytes); its last entries are left \
             out."
        }
    }
}
