//! The way to core's OAuth2 endpoints, for any thread that wants one.

use crate::authentik::connection::CoreConnection;
use crate::core_tls::CoreTimeouts;
use crate::limits::LimitFigures;
use crate::oidc::{AnswerBounds, OidcClient};
use crate::settings::Settings;

/// Makes clients of core's OAuth2 endpoints.
#[derive(Clone)]
pub(super) struct BackChannel {
    connection: CoreConnection,
    timeouts: CoreTimeouts,
    bounds: AnswerBounds,
    figures: LimitFigures,
}

impl BackChannel {
    /// Over `connection`, as the settings have it.
    pub(super) fn new(
        settings: &Settings,
        connection: CoreConnection,
        timeouts: CoreTimeouts,
        figures: LimitFigures,
    ) -> Self {
        let bounds = AnswerBounds {
            answer: settings.limits.core_answer_bytes,
            key_set: settings.limits.core_key_set_bytes,
        };
        Self { connection, timeouts, bounds, figures }
    }

    /// A client for the calling thread.
    pub(super) fn client(&self) -> OidcClient {
        let total = self.timeouts.connect + self.timeouts.response;
        let http = self.connection.client();
        OidcClient::new(http, crate::VERSION, total, self.bounds, self.figures.clone())
    }
}
