//! A stand-in authentik core: the REST API, the websocket and the OAuth2 endpoints an outpost talks to, answering
//! as the payloads captured from authentik 2025.10 do, quirks included.
//!
//! [`StandInCore::start`] serves on a thread of its own and returns a handle. The handle adds providers and users,
//! makes things fail on demand, and tells what was asked; [`StandInCore::wait_for`] awaits a condition, so that no
//! test has to sleep.
//!
//! Signing in needs one request: `POST` the fields `username` and `password` to the authorize URL; the answer is the
//! redirect to the callback. With `curl`:
//!
//! ```sh
//! curl -s -o /dev/null -w '%{redirect_url}' -d username=alice -d password=alice-password "$AUTHORIZE_URL"
//! ```
//!
//! What outlasts a sign-in can be pulled at from every side:
//!
//! - **Refresh tokens**: [`ProviderSpec::offline_access`] makes a provider give them;
//!   [`StandInCore::set_refresh_rotation`], [`StandInCore::set_refresh_outlives_sessions`],
//!   [`StandInCore::revoke_refresh_tokens`] and faults of [`Endpoint::Refresh`] say what becomes of them;
//!   [`Observed::refresh_tokens`] counts, for each, how often it was sent and redeemed.
//! - **Introspection**: [`StandInCore::set_inactive_user`], [`StandInCore::set_inactive_session`] and faults of
//!   [`Endpoint::Introspect`]; [`Observed::access_tokens`] and [`Observed::most_at_once`] tell how often each token was
//!   asked about, and how many requests came at the same time.
//! - **Logout over the back channel**: [`StandInCore::end_session_by_back_channel`] tells the providers with a
//!   [`ProviderSpec::logout_uri`]; [`StandInCore::mint_logout_token`] makes tokens, right or wrong.
//! - **Gaps of the link**: [`StandInCore::cut_link`] and [`StandInCore::mend_link`] around a
//!   [`StandInCore::end_session`] that nobody hears of, or [`StandInCore::end_session_untold`] while the link is up;
//!   [`StandInCore::wait_connected`] awaits the outposts.

mod api;
mod clock;
mod control;
mod crypto;
mod fault;
mod http;
mod oauth;
mod observe;
mod options;
mod pages;
mod pep440;
mod refresh_tokens;
mod router;
mod serve;
mod spec;
mod state;
mod tokens;
mod websocket;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub use control::SignInError;
pub use crypto::KeyError;
pub use fault::{Endpoint, Fault};
pub use observe::{Hello, Observed, RecordedRequest, TokenUse, WebsocketConnection};
pub use options::CoreOptions;
pub use spec::{KeyPairSpec, Mode, ProviderSpec, Signing, UserSpec};
pub use tokens::{Signature, TokenDraft};

pub use crate::server_thread::StartError;

use self::{
    serve::Site,
    state::{Shared, State},
};
use crate::server_thread::{self, Running};

/// How long [`StandInCore::wait_for`] waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// A condition did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("not seen by the stand-in core within {waited:?}: {what}")]
pub struct WaitError {
    what: String,
    waited: Duration,
}

/// A running stand-in core. Dropping it stops it.
pub struct StandInCore {
    shared: Arc<Shared>,
    site: Site,
    address: SocketAddr,
    certificate_pem: Option<String>,
    running: Mutex<Option<Running>>,
}

impl std::fmt::Debug for StandInCore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StandInCore").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl StandInCore {
    /// Starts a core without providers and users.
    ///
    /// # Errors
    /// The port is taken, or a certificate or thread could not be made.
    pub fn start(options: CoreOptions) -> Result<Self, StartError> {
        let (tls, certificate_pem) = if options.tls {
            let keypair =
                KeyPairSpec::self_signed_ca("stand-in core", &["127.0.0.1", "localhost"])?;
            (Some(serve::tls_config(&keypair)?), Some(keypair.certificate_pem))
        } else {
            (None, None)
        };
        let shared = Arc::new(Shared::new(State::new(&options)));
        let site = Site { base_path: options.base_path.trim_end_matches('/').to_owned(), tls };
        let (listener, address) = server_thread::bind(options.port)?;
        let running = serve::start(listener, &site, Arc::clone(&shared))?;
        Ok(Self { shared, site, address, certificate_pem, running: Mutex::new(Some(running)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `AUTHENTIK_HOST` for it, without a trailing slash.
    pub fn url(&self) -> String {
        let scheme = if self.site.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.address, self.site.base_path)
    }

    /// The certificate it serves with, PEM.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// Stops serving and closes every connection. What it knows stays, for [`Self::resume`].
    pub fn stop(&self) {
        drop(self.running.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.shared.with(|state| {
            state.sockets.clear();
            state.observed.connections.clear();
        });
    }

    /// Serves again on the same port after [`Self::stop`], as a restarted core: scopes come in a new order.
    ///
    /// # Errors
    /// The port was taken in between.
    pub fn resume(&self) -> Result<(), StartError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            self.shared.with(|state| {
                state.scope_seed = crypto::random_text(16);
                state.told.forget();
            });
            let (listener, _) = server_thread::bind(self.address.port())?;
            *running = Some(serve::start(listener, &self.site, Arc::clone(&self.shared))?);
        }
        Ok(())
    }

    /// Looks at what was observed.
    pub fn observe<T>(&self, look: impl FnOnce(&Observed) -> T) -> T {
        self.shared.read(|state| look(&state.observed))
    }

    /// Waits until `condition` holds, at most ten seconds.
    ///
    /// # Errors
    /// It did not come true; the error says `what` was waited for.
    pub async fn wait_for(
        &self,
        what: &str,
        condition: impl Fn(&Observed) -> bool,
    ) -> Result<(), WaitError> {
        self.wait_for_within(PATIENCE, what, condition).await
    }

    /// Waits until `condition` holds, at most `patience`.
    ///
    /// # Errors
    /// It did not come true; the error says `what` was waited for.
    pub async fn wait_for_within(
        &self,
        patience: Duration,
        what: &str,
        condition: impl Fn(&Observed) -> bool,
    ) -> Result<(), WaitError> {
        let mut changes = self.shared.changes();
        let met = async {
            while !self.observe(&condition) {
                if changes.changed().await.is_err() {
                    return false;
                }
            }
            true
        };
        match tokio::time::timeout(patience, met).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(WaitError { what: what.to_owned(), waited: patience }),
        }
    }
}
