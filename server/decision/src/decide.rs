//! The one decision: what to do with a request, from facts alone.

use crate::decision::{Action, CredentialOutcome, CredentialScheme, Decision, Reason, Step};
use crate::dialect::Dialect;
use crate::endpoint::{self, OwnPaths};
use crate::facts::{ClientKind, Endpoint};
use crate::path;
use crate::provider::{Mode, Provider};
use crate::skip::SkipOutcome;
use crate::target::Target;

/// Everything a decision is made from. The provider has been found; a request that has none, or
/// whose original URL cannot be told, is [`refuse`]d earlier.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'a> {
    /// What the **original** request asks for.
    pub endpoint: Endpoint,
    /// Which reverse proxy asks, in forward auth.
    pub dialect: Option<Dialect>,
    /// The original URL.
    pub target: &'a Target,
    /// The provider that serves its host.
    pub provider: &'a Provider,
    /// What kind of client asks.
    pub client: ClientKind,
    /// What became of each credential, in the order tried.
    pub credential: Credential,
    /// What scripts without a session get.
    pub scripts: Scripts,
}

/// What became of the credentials of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The scheme that decided (the last one tried).
    pub scheme: CredentialScheme,
    /// What became of it.
    pub outcome: CredentialOutcome,
}

impl Credential {
    /// No credential at all.
    pub const ABSENT: Self =
        Self { scheme: CredentialScheme::Cookie, outcome: CredentialOutcome::Absent };
}

/// What a client that cannot follow a redirect to a sign-in page gets (contract 7, *better*).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scripts {
    /// 401 with JSON and `WWW-Authenticate`.
    #[default]
    Challenge,
    /// The redirect that navigations get, as the stock outpost does.
    Redirect,
}

/// Decides. `steps` is what was looked at so far; the decision carries it on.
///
/// An answer that lets a request through is [`Action::Allow`] only with a valid credential,
/// [`Action::Skip`] only with a skip rule that matched, [`Action::PassOwnPath`] only for paths
/// that the outpost itself answers.
#[must_use]
pub fn decide(inquiry: &Inquiry<'_>, mut steps: Vec<Step>) -> Decision {
    steps.push(Step::Client { kind: inquiry.client });
    let (action, reason, rule) = match inquiry.endpoint {
        _ if is_own_path_behind_nginx(inquiry) => (Action::PassOwnPath, Reason::OwnPath, None),
        // A proxy sends everything it refused to the start path, a page's favicon and polling
        // scripts too: flows that nobody will finish would push out the one that matters.
        Endpoint::Start if is_challenged(inquiry) => {
            (Action::Challenge, Reason::NotSignedInScript, None)
        }
        Endpoint::Start => (Action::BeginSignIn { return_to: None }, Reason::StartRequested, None),
        Endpoint::Callback => (Action::FinishSignIn, Reason::CallbackReceived, None),
        Endpoint::SignOut => (Action::SignOut, Reason::SignOutRequested, None),
        // A reverse proxy that asks about it has kept the token to itself.
        Endpoint::BackchannelLogout if inquiry.dialect.is_some() => {
            (Action::Deny, Reason::UnknownPath, None)
        }
        Endpoint::BackchannelLogout => (Action::TakeLogoutToken, Reason::LogoutTokenReceived, None),
        // What follows `/auth/envoy` is free, so the path may be read in other ways by others:
        // only a plain one is nothing but ours.
        Endpoint::Auth(_) if !path::view(&inquiry.target.path).is_plain() => {
            application(inquiry, &mut steps)
        }
        // Ping and static files are answered before anything is decided; a proxy that asks about
        // them would send them to the application.
        Endpoint::Auth(_) | Endpoint::Unknown | Endpoint::Ping | Endpoint::Static => {
            (Action::Deny, Reason::UnknownPath, None)
        }
        Endpoint::Application => application(inquiry, &mut steps),
    };
    Decision { action, reason, rule, dialect: inquiry.dialect, steps }
}

/// A decision that could not get as far as credentials.
#[must_use]
pub fn refuse(reason: Reason, dialect: Option<Dialect>, steps: Vec<Step>) -> Decision {
    let action = match reason {
        Reason::NotReady
        | Reason::StoreUnavailable
        | Reason::CoreUnavailable
        | Reason::TooManyFailures => Action::Unavailable,
        _ => Action::Deny,
    };
    Decision { action, reason, rule: None, dialect, steps }
}

/// nginx cannot pass our redirects on: a question about one of our own paths is let through, and
/// the browser's request itself then reaches us (contract 7). Only for the paths that nginx is told
/// to send us: everything else it sends to the application.
fn is_own_path_behind_nginx(inquiry: &Inquiry<'_>) -> bool {
    let home = &inquiry.provider.external.home;
    let paths = OwnPaths { base: home, home, akprox: false };
    inquiry.dialect.is_some_and(Dialect::is_nginx)
        && endpoint::classify(&inquiry.target.path, None, paths) != Endpoint::Application
        && path::view(&inquiry.target.path).is_plain()
}

/// Whether the client is a script that gets 401 in place of a redirect.
fn is_challenged(inquiry: &Inquiry<'_>) -> bool {
    !inquiry.client.is_navigation() && inquiry.scripts == Scripts::Challenge
}

fn application(inquiry: &Inquiry<'_>, steps: &mut Vec<Step>) -> (Action, Reason, Option<usize>) {
    let forward_auth = inquiry.dialect.is_some();
    if forward_auth == (inquiry.provider.mode == Mode::Proxy) {
        return (Action::Deny, Reason::ModeMismatch, None);
    }
    let Credential { scheme, outcome } = inquiry.credential;
    steps.push(Step::Credential { scheme, outcome });
    if outcome == CredentialOutcome::Valid {
        let reason = match scheme {
            CredentialScheme::Cookie => Reason::Session,
            CredentialScheme::Bearer | CredentialScheme::Basic => Reason::HeaderAuthentication,
        };
        return (Action::Allow, reason, None);
    }
    let skip = inquiry.provider.skip.matches(inquiry.provider.mode, inquiry.target);
    steps.push(Step::SkipRules { matched: skip.line(), refused: skip.refused() });
    if let SkipOutcome::Matched { line } = skip {
        return (Action::Skip, Reason::SkipPath, Some(line));
    }
    let reason = match outcome {
        CredentialOutcome::Unavailable(reason) => return (Action::Unavailable, reason, None),
        CredentialOutcome::Rejected(Reason::HeaderRejected)
            if inquiry.provider.intercept_header_auth =>
        {
            return (Action::Deny, Reason::HeaderRejected, None);
        }
        CredentialOutcome::Rejected(reason) => reason,
        CredentialOutcome::Absent | CredentialOutcome::Valid => Reason::NotSignedIn,
    };
    // Before anything else that a request without a session gets: that would lose the form.
    if inquiry.client == ClientKind::Form && inquiry.dialect.is_none() {
        return (Action::KeepForm, reason, None);
    }
    if is_challenged(inquiry) {
        return (Action::Challenge, Reason::NotSignedInScript, None);
    }
    let action = match inquiry.dialect {
        Some(dialect) if dialect.is_nginx() => Action::Challenge,
        Some(_) => Action::BeginSignIn { return_to: Some(inquiry.target.clone()) },
        None => Action::RedirectToStart { return_to: inquiry.target.clone() },
    };
    (action, reason, None)
}
