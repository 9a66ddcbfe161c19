//! Where the keys actor gets key sets from: core, over the OAuth2 adapter.

use async_trait::async_trait;
use outpost_decision::token::KeySet;

use super::back_channel::BackChannel;
use crate::keys::{KeyEndpoint, KeySource};
use crate::oidc::OidcClient;
use crate::trace::Scope;

/// Key sets from core.
pub(super) struct OidcKeySource {
    oidc: OidcClient,
}

impl OidcKeySource {
    /// For the calling thread; each question to core begins a trace in `scope`.
    pub(super) fn new(back_channel: &BackChannel, scope: &Scope) -> Self {
        Self { oidc: back_channel.client().within(scope) }
    }
}

#[async_trait(?Send)]
impl KeySource for OidcKeySource {
    async fn fetch(&self, endpoint: &KeyEndpoint) -> Result<KeySet, String> {
        self.oidc
            .fetch_jwks(&endpoint.url, endpoint.back_channel.as_ref())
            .await
            .map_err(|error| error.to_string())
    }
}
