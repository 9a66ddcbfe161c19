//! What one host and port serves: one application, or several by path.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::path::{is_below, of_base};
use crate::provider::Provider;

/// The applications of a host and port, those with the longest path first.
#[derive(Debug, Default)]
pub(crate) struct Site {
    apps: Vec<App>,
}

#[derive(Debug)]
struct App {
    /// Path of the external host, decoded, without a final slash.
    path: String,
    provider: Arc<Provider>,
}

impl Site {
    /// Adds an application.
    ///
    /// # Errors
    /// The provider that has its path already, and keeps it.
    pub(super) fn add(&mut self, provider: &Arc<Provider>) -> Result<(), Arc<Provider>> {
        let path = of_base(&provider.external.path).into_owned();
        if let Some(taken) = self.apps.iter().find(|app| app.path == path) {
            return Err(Arc::clone(&taken.provider));
        }
        self.apps.push(App { path, provider: Arc::clone(provider) });
        self.apps.sort_by_key(|app| Reverse(app.path.len()));
        Ok(())
    }

    /// Whether the path of a request matters.
    pub(crate) fn has_paths(&self) -> bool {
        self.apps.iter().any(|app| !app.path.is_empty())
    }

    /// Every application.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.apps.iter().map(|app| &app.provider)
    }

    /// The path of each, decoded.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.apps.iter().map(|app| app.path.as_str())
    }

    /// Those that `path`, decoded, lies below, the longest first.
    pub(crate) fn below<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a Arc<Provider>> {
        self.apps.iter().filter(move |app| is_below(path, &app.path)).map(|app| &app.provider)
    }

    /// Each application and those whose path lies below its own.
    pub(super) fn nested(&self) -> impl Iterator<Item = (&Arc<Provider>, &Arc<Provider>)> {
        self.apps.iter().flat_map(|outer| {
            let below =
                move |inner: &&App| inner.path != outer.path && is_below(&inner.path, &outer.path);
            self.apps.iter().filter(below).map(|inner| (&outer.provider, &inner.provider))
        })
    }
}
