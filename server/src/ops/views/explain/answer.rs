//! What the client would be answered, in a sentence.

use outpost_decision::decision::{Action, CredentialOutcome, Decision, Reason, Step};
use outpost_decision::dialect::Dialect;
use outpost_decision::facts::Headers;
use outpost_decision::gather::Facts;
use outpost_decision::headers::anonymous_headers;

use super::Asked;

/// The answer to a request that is refused before a provider is known.
pub(super) fn refused(decision: &Decision) -> String {
    let status = decision.reason.refusal_status();
    let seen = match decision.dialect {
        // nginx knows 401 and 403 alone, and Envoy and the others pass on what they get.
        Some(dialect) if dialect.is_nginx() => {
            " nginx takes any answer but 2xx, 401 and 403 for an error, and shows 500."
        }
        Some(_) => " The reverse proxy passes it on.",
        None => "",
    };
    format!("{status} {}: {}{seen}", name(status), decision.reason.explanation())
}

/// The answer to a request that was decided about.
pub(super) fn decided(decision: &Decision, facts: &Facts, asked: &Asked<'_>) -> String {
    let mut answer = match &decision.action {
        Action::Allow => allowed(facts, asked),
        Action::Skip => match facts.dialect {
            Some(_) => {
                "200 OK without an identity: the reverse proxy passes the request on to the \
                        application."
                    .to_owned()
            }
            None => {
                format!("what the application answers; {} without an identity.", reached(facts))
            }
        },
        Action::PassOwnPath => {
            "200 OK to nginx, which then sends the browser's own request to the \
                                outpost."
                .to_owned()
        }
        Action::RedirectToStart { .. } => "302 Found: a redirect to the outpost's start path, \
                                           which leads to the sign-in at authentik and back."
            .to_owned(),
        Action::BeginSignIn { .. } => format!(
            "302 Found: a redirect to the sign-in at {}, and back afterwards.",
            facts.provider.endpoints.authorization.origin().ascii_serialization()
        ),
        Action::Challenge if facts.dialect.is_some_and(Dialect::is_nginx) => {
            "401 Unauthorized to nginx, which sends pages to the sign-in where it is configured as \
             documented (error_page 401)."
                .to_owned()
        }
        Action::Challenge => "401 Unauthorized with JSON that says where to sign in.".to_owned(),
        Action::FinishSignIn => {
            "302 Found to the page that was asked for first, if the callback's \
                                 code and state are good; an error page otherwise."
                .to_owned()
        }
        Action::SignOut => "302 Found: the session ends, and the browser is sent to authentik's \
                            own sign-out."
            .to_owned(),
        Action::KeepForm => "401 Unauthorized with a page that keeps the form until its person is \
                             signed in again."
            .to_owned(),
        Action::TakeLogoutToken => {
            "200 OK if the logout token is good, else 400 Bad Request.".to_owned()
        }
        Action::Deny | Action::Unavailable => refused(decision),
    };
    if leaves_open(decision, facts, asked) {
        answer.push_str(
            " The request has an Authorization header: authentik would be asked about it, which \
             this explanation does not do. If it is accepted, the request is let through.",
        );
    }
    answer
}

fn allowed(facts: &Facts, asked: &Asked<'_>) -> String {
    let rule = asked.served.policy.identity.of(&facts.provider.application_slug);
    let headers = anonymous_headers(&rule);
    let mut names: Vec<&str> = headers.told().map(|(name, _)| name).collect();
    if facts.provider.basic_auth.is_some() {
        names.push("Authorization");
    }
    let identity = format!("who asks told in {}", names.join(", "));
    match facts.dialect {
        Some(_) => format!(
            "200 OK with {identity}: the reverse proxy passes the request on to the application."
        ),
        None => format!("what the application answers; {} with {identity}.", reached(facts)),
    }
}

/// Where a request goes in proxy mode.
fn reached(facts: &Facts) -> String {
    match &facts.provider.internal {
        Some(internal) => {
            format!("the request goes to {}", internal.origin().ascii_serialization())
        }
        None => "the request goes to the application".to_owned(),
    }
}

/// Whether a header that core would be asked about could change what is decided.
fn leaves_open(decision: &Decision, facts: &Facts, asked: &Asked<'_>) -> bool {
    let undecided = decision
        .steps
        .iter()
        .any(|step| matches!(step, Step::Credential { outcome: CredentialOutcome::Absent, .. }));
    let value = asked.rehearsal.headers.text("authorization").unwrap_or_default();
    let scheme = value.split(' ').next().unwrap_or_default();
    undecided
        && facts.needs_credentials()
        && decision.reason != Reason::SkipPath
        && (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("basic"))
}

const fn name(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        404 => "Not Found",
        421 => "Misdirected Request",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Bad Request",
    }
}
