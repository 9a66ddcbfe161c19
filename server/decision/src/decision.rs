//! What was decided, why, and how it came to be: the one source of every explanation.

use serde::Serialize;

use crate::dialect::Dialect;
use crate::facts::ClientKind;
use crate::headers::HeaderNote;
use crate::target::Target;

/// What is to be done with the request. Realised by one exhaustive match in `http::realise`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Action {
    /// Let it through with the identity of the credential.
    Allow,
    /// Let it through as nobody: the path is public.
    Skip,
    /// nginx asks about a path of ours: let it through as nobody.
    PassOwnPath,
    /// Redirect to our own start path, which begins a sign-in.
    RedirectToStart {
        /// Where to go afterwards.
        return_to: Target,
    },
    /// Begin a sign-in at core.
    BeginSignIn {
        /// Where to go afterwards; `None`: what the request's `rd` says.
        return_to: Option<Target>,
    },
    /// 401: somebody who can (a script, or nginx) must act on it.
    Challenge,
    /// Handle the callback of a sign-in.
    FinishSignIn,
    /// End the user's sessions.
    SignOut,
    /// Keep the form until its person is signed in again.
    KeepForm,
    /// End the sessions that core's logout token names.
    TakeLogoutToken,
    /// Refuse.
    Deny,
    /// Cannot be decided now; 503.
    Unavailable,
}

impl Action {
    /// Every code, for tables and bounded metrics; [`Action::index`] is the place in it.
    pub const CODES: [&'static str; 12] = [
        "allow",
        "skip",
        "pass_own_path",
        "redirect_to_start",
        "begin_sign_in",
        "challenge",
        "finish_sign_in",
        "sign_out",
        "keep_form",
        "take_logout_token",
        "deny",
        "unavailable",
    ];

    /// Place of the action's code in [`Action::CODES`].
    #[must_use]
    pub const fn index(&self) -> usize {
        match self {
            Self::Allow => 0,
            Self::Skip => 1,
            Self::PassOwnPath => 2,
            Self::RedirectToStart { .. } => 3,
            Self::BeginSignIn { .. } => 4,
            Self::Challenge => 5,
            Self::FinishSignIn => 6,
            Self::SignOut => 7,
            Self::KeepForm => 8,
            Self::TakeLogoutToken => 9,
            Self::Deny => 10,
            Self::Unavailable => 11,
        }
    }

    /// The action's stable name, without what it carries.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        Self::CODES[self.index()]
    }
}

/// Why. A closed set: metrics, logs, pages, the dashboard and tests name these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A live session.
    Session,
    /// Header authentication succeeded.
    HeaderAuthentication,
    /// The path is public by a skip rule.
    SkipPath,
    /// The path is the outpost's own.
    OwnPath,
    /// No credential.
    NotSignedIn,
    /// No credential, and the client cannot follow a redirect.
    NotSignedInScript,
    /// The cookie names no live session.
    SessionUnknown,
    /// The session's token is past its `exp`.
    SessionExpired,
    /// The session belongs to another provider.
    SessionOfOtherProvider,
    /// A websocket handshake from a page of another site: its cookie does not count.
    CrossSiteWebsocket,
    /// Header authentication was tried and failed.
    HeaderRejected,
    /// A sign-in was asked for.
    StartRequested,
    /// Core called back.
    CallbackReceived,
    /// A sign-out was asked for.
    SignOutRequested,
    /// Core, by what the sender says, told of ended sessions.
    LogoutTokenReceived,
    /// No provider serves the host.
    NoProvider,
    /// The host's applications live under other paths.
    PathUnserved,
    /// The embedded outpost has no provider at all.
    NothingAssigned,
    /// Nothing is loaded yet.
    NotReady,
    /// Headers that the dialect needs are missing.
    HeadersMissing,
    /// Headers that the dialect needs came from an untrusted peer.
    PeerUntrusted,
    /// A forwarding header occurs twice.
    HeaderRepeated,
    /// A forwarding header or the host cannot be read.
    HeaderMalformed,
    /// Two headers name different targets.
    HeadersDisagree,
    /// The connection was made for another host.
    Misdirected,
    /// The path can be read in more than one way where it matters.
    PathAmbiguous,
    /// Nothing is served at this path under the prefix.
    UnknownPath,
    /// The provider's mode does not fit what was asked.
    ModeMismatch,
    /// The session store cannot answer.
    StoreUnavailable,
    /// Core cannot answer.
    CoreUnavailable,
    /// Core is asked about no more credentials of this client for now.
    TooManyFailures,
}

impl Reason {
    /// Every reason, for tables and bounded metrics.
    pub const ALL: [Self; 31] = [
        Self::Session,
        Self::HeaderAuthentication,
        Self::SkipPath,
        Self::OwnPath,
        Self::NotSignedIn,
        Self::NotSignedInScript,
        Self::SessionUnknown,
        Self::SessionExpired,
        Self::SessionOfOtherProvider,
        Self::CrossSiteWebsocket,
        Self::HeaderRejected,
        Self::StartRequested,
        Self::CallbackReceived,
        Self::SignOutRequested,
        Self::LogoutTokenReceived,
        Self::NoProvider,
        Self::PathUnserved,
        Self::NothingAssigned,
        Self::NotReady,
        Self::HeadersMissing,
        Self::PeerUntrusted,
        Self::HeaderRepeated,
        Self::HeaderMalformed,
        Self::HeadersDisagree,
        Self::Misdirected,
        Self::PathAmbiguous,
        Self::UnknownPath,
        Self::ModeMismatch,
        Self::StoreUnavailable,
        Self::CoreUnavailable,
        Self::TooManyFailures,
    ];

    /// The reason's stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::HeaderAuthentication => "header_authentication",
            Self::SkipPath => "skip_path",
            Self::OwnPath => "own_path",
            Self::NotSignedIn => "not_signed_in",
            Self::NotSignedInScript => "not_signed_in_script",
            Self::SessionUnknown => "session_unknown",
            Self::SessionExpired => "session_expired",
            Self::SessionOfOtherProvider => "session_of_other_provider",
            Self::CrossSiteWebsocket => "cross_site_websocket",
            Self::HeaderRejected => "header_rejected",
            Self::StartRequested => "start_requested",
            Self::CallbackReceived => "callback_received",
            Self::SignOutRequested => "sign_out_requested",
            Self::LogoutTokenReceived => "logout_token_received",
            Self::NoProvider => "no_provider",
            Self::PathUnserved => "path_unserved",
            Self::NothingAssigned => "nothing_assigned",
            Self::NotReady => "not_ready",
            Self::HeadersMissing => "headers_missing",
            Self::PeerUntrusted => "peer_untrusted",
            Self::HeaderRepeated => "header_repeated",
            Self::HeaderMalformed => "header_malformed",
            Self::HeadersDisagree => "headers_disagree",
            Self::Misdirected => "misdirected",
            Self::PathAmbiguous => "path_ambiguous",
            Self::UnknownPath => "unknown_path",
            Self::ModeMismatch => "mode_mismatch",
            Self::StoreUnavailable => "store_unavailable",
            Self::CoreUnavailable => "core_unavailable",
            Self::TooManyFailures => "too_many_failures",
        }
    }

    /// What happened, for a person.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Session => "The session is live.",
            Self::HeaderAuthentication => "The Authorization header was accepted by core.",
            Self::SkipPath => "The path is public by a skip rule of the provider.",
            Self::OwnPath => "The path belongs to the outpost itself.",
            Self::NotSignedIn => "There is no session yet.",
            Self::NotSignedInScript => {
                "There is no session, and this client cannot follow a redirect to a sign-in page."
            }
            Self::SessionUnknown => "The session cookie names no live session.",
            Self::SessionExpired => "The session has ended: its token has expired.",
            Self::SessionOfOtherProvider => "The session cookie belongs to another provider.",
            Self::CrossSiteWebsocket => {
                "A page of another site opened the websocket; the session does not count for it."
            }
            Self::HeaderRejected => "The Authorization header was not accepted by core.",
            Self::StartRequested => "A sign-in was asked for.",
            Self::CallbackReceived => "Core called back after a sign-in.",
            Self::SignOutRequested => "A sign-out was asked for.",
            Self::LogoutTokenReceived => "A logout token was sent to the back channel.",
            Self::NoProvider => {
                "No app for hostname: no provider of this outpost serves this host."
            }
            Self::PathUnserved => "The applications of this host live under other paths.",
            Self::NothingAssigned => "No application is assigned to the embedded outpost yet.",
            Self::NotReady => "The outpost has not received its configuration from core yet.",
            Self::HeadersMissing => {
                "The reverse proxy did not send the headers that tell the original URL."
            }
            Self::PeerUntrusted => {
                "The headers that tell the original URL came from a peer that is not trusted."
            }
            Self::HeaderRepeated => "A header that tells the original URL occurs more than once.",
            Self::HeaderMalformed => "A header that tells the original URL cannot be read.",
            Self::HeadersDisagree => "Two headers name different original URLs.",
            Self::Misdirected => {
                "The TLS connection was made for another host, whose certificate does not answer \
                 for this one."
            }
            Self::PathAmbiguous => "The path can be read in more than one way.",
            Self::UnknownPath => "The outpost serves nothing at this path.",
            Self::ModeMismatch => "The provider is not configured for this kind of request.",
            Self::StoreUnavailable => "The session store cannot be reached.",
            Self::CoreUnavailable => "The authentik server cannot be reached.",
            Self::TooManyFailures => {
                "There were too many wrong credentials from this address; new ones are not looked at \
                 for a minute."
            }
        }
    }

    /// Status of the answer to a request that is refused for it.
    #[must_use]
    pub const fn refusal_status(self) -> u16 {
        match self {
            Self::NotReady | Self::StoreUnavailable | Self::CoreUnavailable => 503,
            Self::HeadersMissing | Self::PeerUntrusted | Self::ModeMismatch => 500,
            Self::UnknownPath | Self::PathUnserved | Self::NothingAssigned => 404,
            Self::Misdirected => 421,
            Self::HeaderRejected => 401,
            Self::TooManyFailures => 429,
            _ => 400,
        }
    }

    /// What an operator can do about it; empty where nothing is wrong.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Session
            | Self::HeaderAuthentication
            | Self::SkipPath
            | Self::OwnPath
            | Self::NotSignedIn
            | Self::StartRequested
            | Self::CallbackReceived
            | Self::SignOutRequested
            | Self::LogoutTokenReceived => "",
            Self::NotSignedInScript => "Sign in on a page of the application first, then retry.",
            Self::SessionUnknown | Self::SessionExpired | Self::SessionOfOtherProvider => {
                "Sign in again."
            }
            Self::CrossSiteWebsocket => "Open the websocket from a page of the application itself.",
            Self::HeaderRejected => {
                "Check the token or the app password, and that the user may use this application."
            }
            Self::NoProvider => {
                "Check the external host of the provider, that the provider is assigned to this outpost, and the Host header (or X-Forwarded-Host from a trusted proxy)."
            }
            Self::PathUnserved => {
                "Check the address, and the path of the external host of the provider."
            }
            Self::NothingAssigned => {
                "In authentik, open Applications > Outposts, edit the embedded outpost, and assign the application to it."
            }
            Self::NotReady => "Check AUTHENTIK_HOST and AUTHENTIK_TOKEN, and that core is up.",
            Self::HeadersMissing => {
                "nginx: set X-Original-URL. Traefik, Caddy: send X-Forwarded-Proto, -Host and -Uri."
            }
            Self::PeerUntrusted => {
                "Add the proxy's address to AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS."
            }
            Self::HeaderRepeated | Self::HeaderMalformed | Self::HeadersDisagree => {
                "Make the reverse proxy set (not append) the headers, and remove the client's own."
            }
            Self::Misdirected => {
                "Ask over a connection of its own. A proxy that speaks TLS to the outpost under \
                 another name belongs into AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS."
            }
            Self::PathAmbiguous => "Ask for the path in its plain form.",
            Self::UnknownPath => "Check the address.",
            Self::ModeMismatch => {
                "Set the provider's mode to fit how the reverse proxy uses the outpost."
            }
            Self::StoreUnavailable => "Check the session store; it is retried by itself.",
            Self::CoreUnavailable => "Check the authentik server; it is retried by itself.",
            Self::TooManyFailures => {
                "Find out who sends wrong credentials; header_auth.failures_per_minute says how many \
                 are looked at."
            }
        }
    }
}

/// One thing that was looked at on the way to the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Where the original URL came from.
    Origin {
        /// The header (or `Host`, or the path) that decided.
        source: &'static str,
        /// Whether the peer is in the trusted networks.
        peer_trusted: bool,
    },
    /// A forwarding header that was not believed.
    Ignored {
        /// Its name.
        header: &'static str,
    },
    /// The header (or part of the request line) for which the request was refused.
    Fault {
        /// Its name.
        header: &'static str,
    },
    /// The TLS connection was made for another host.
    ServerName {
        /// The name it was made for.
        name: String,
    },
    /// Nobody was found to serve this host (and path), or nobody whom the request may be about.
    Sought {
        /// Host and port that were looked for.
        host: String,
    },
    /// How the host found its provider.
    Route {
        /// How it matched.
        matched: crate::route::Match,
        /// The providers that would have matched less well, best first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        lost: Vec<crate::route::Lost>,
    },
    /// What kind of client asks.
    Client {
        /// The kind.
        kind: ClientKind,
    },
    /// A credential that was looked at.
    Credential {
        /// Its scheme.
        scheme: CredentialScheme,
        /// What became of it.
        outcome: CredentialOutcome,
    },
    /// The skip rules were tried.
    SkipRules {
        /// Line number (from 1) of the rule that matched.
        matched: Option<usize>,
        /// Why they were not tried at all.
        refused: Option<&'static str>,
    },
    /// A part of the identity was not passed on as it is.
    Identity {
        /// Which, and why.
        note: HeaderNote,
    },
}

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialScheme {
    /// The session cookie.
    Cookie,
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`.
    Basic,
}

/// What became of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialOutcome {
    /// Not sent.
    Absent,
    /// Good.
    Valid,
    /// Sent, and wrong.
    Rejected(Reason),
    /// Could not be checked.
    Unavailable(Reason),
}

/// A decision: what, why, about whom, and by which steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Which skip rule allowed it (line number from 1), if one did.
    pub rule: Option<usize>,
    /// Which forward-auth dialect asked, if one did.
    pub dialect: Option<Dialect>,
    /// How it came to be, in order.
    pub steps: Vec<Step>,
}
