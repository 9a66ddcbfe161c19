//! All compiled providers and the index from hosts to them. Immutable.

use std::collections::HashMap;
use std::sync::Arc;

use crate::provider::Provider;

/// The compiled configuration that one request is decided by.
#[derive(Debug, Default)]
pub struct Ruleset {
    pub(crate) providers: Vec<Arc<Provider>>,
    pub(crate) exact: HashMap<String, Arc<Provider>>,
    pub(crate) domains: HashMap<String, Arc<Provider>>,
}

impl Ruleset {
    /// Every provider, by name as core orders them.
    #[must_use]
    pub fn providers(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    /// The provider with core's key `pk`.
    #[must_use]
    pub fn provider(&self, pk: i64) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|provider| provider.pk == pk)
    }
}
