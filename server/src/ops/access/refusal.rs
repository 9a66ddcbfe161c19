//! Why an operators' request is not answered.

use std::time::Duration;

use thiserror::Error;

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No token, or another one.
    #[error("this is not a token of this outpost's operators")]
    Token,
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    SignIn,
    /// Whoever asks may look only.
    #[error("you may look, and this changes something")]
    Role,
    /// Whether the session still counts is not known.
    #[error(
        "the session store does not answer, so that nobody can tell whether this session was \
        signed out; until then it may look and not act"
    )]
    Unsure,
    /// The form is not one of ours, or not for this session.
    #[error("the form does not belong to this session")]
    Form,
    /// Too many wrong tokens.
    #[error("there were too many wrong tokens")]
    Limited(Duration),
    /// The machine gives no randomness.
    #[error("no session can be made")]
    Broken,
    /// It comes from elsewhere.
    #[error("where nobody is asked who they are, only requests from this machine are answered")]
    Peer,
    /// A proxy has passed it on.
    #[error("where nobody is asked who they are, no request that a proxy passed on is answered")]
    Forwarded,
    /// It is of a version that browsers and our programs do not speak, and proxies do.
    #[error("where nobody is asked who they are, HTTP/1.0, which proxies speak, is not answered")]
    Version,
    /// It asks for a name that the pages are not served under.
    #[error("the Host must be localhost, 127.0.0.1, [::1] or that of dashboard.url")]
    Host,
    /// A page of another site makes a browser send it.
    #[error("a page of another site has made the browser send this")]
    Site,
    /// It could come from a form.
    #[error("without a token, the Content-Type must be application/json")]
    ContentType,
}

impl Refusal {
    /// After how many seconds it may be tried again, where that is known; whole ones, rounded up.
    #[must_use]
    pub fn retry_after(self) -> Option<u64> {
        let Self::Limited(wait) = self else { return None };
        Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Token => {
                "Send `Authorization: Bearer <token>`; the commands take it from \
                admin.token (OUTPOST__ADMIN__TOKEN)."
            }
            Self::SignIn => "Sign in.",
            Self::Role => "Ask somebody who may act, or sign in as one.",
            Self::Unsure => "Try again when the store is back.",
            Self::Form => "Reload the page and send the form again.",
            Self::Limited(_) => "Wait, and try again.",
            Self::Broken => "Look at the machine's source of randomness.",
            Self::Host => {
                "Ask under one of these names, set dashboard.url to the one you use, or send the \
                token of admin.token (OUTPOST__ADMIN__TOKEN) as `Authorization: Bearer <token>`."
            }
            Self::Site => {
                "Open the page yourself (a reverse proxy before it must keep the Host); programs \
                bring the token of admin.token (OUTPOST__ADMIN__TOKEN)."
            }
            Self::Peer | Self::Forwarded | Self::Version | Self::ContentType => {
                "Ask on the outpost's own machine, or set admin.token (OUTPOST__ADMIN__TOKEN) and \
                send it as `Authorization: Bearer <token>`."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_whole_seconds() {
        for (millis, expected) in [(0, 0), (1, 1), (1000, 1), (59_001, 60)] {
            let refusal = Refusal::Limited(Duration::from_millis(millis));
            assert_eq!(refusal.retry_after(), Some(expected));
        }
        assert_eq!(Refusal::Token.retry_after(), None);
    }
}
