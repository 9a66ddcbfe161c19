//! JSON as text, and the texts of providers: of thousands, few have changed since they were last asked
//! for.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use serde_json::Value;

use crate::core::{spec::ProviderSpec, state::Provider};

/// What providers were last told as.
#[derive(Default)]
pub(crate) struct Told(RefCell<HashMap<u64, Known>>);

struct Known {
    /// The address that it was asked for at: URLs in it begin with that.
    origin: String,
    spec: ProviderSpec,
    text: Arc<str>,
}

impl Told {
    /// What a provider is told as at this address: `record`, which is asked for when it is not known.
    pub(crate) fn text(
        &self,
        origin: &str,
        provider: &Provider,
        record: impl FnOnce() -> Value,
    ) -> Arc<str> {
        let mut told = self.0.borrow_mut();
        match told.get(&provider.pk) {
            Some(known) if known.origin == origin && known.spec == provider.spec => {
                Arc::clone(&known.text)
            }
            _ => {
                let text: Arc<str> = written(&record()).into();
                let spec = provider.spec.clone();
                let known = Known { origin: origin.to_owned(), spec, text: Arc::clone(&text) };
                told.insert(provider.pk, known);
                text
            }
        }
    }

    /// What else the texts are made of has changed.
    pub(crate) fn forget(&mut self) {
        self.0.get_mut().clear();
    }
}

/// A value as text. Not by its `Display`, which is slower by far.
pub(crate) fn written(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// An object that is not empty, with one more key: a list of what is text already.
pub(crate) fn with_list(object: &Value, key: &str, texts: &[Arc<str>]) -> String {
    let mut all = written(object);
    all.pop();
    all.push_str(&format!(",\"{key}\":["));
    for (place, text) in texts.iter().enumerate() {
        if place > 0 {
            all.push(',');
        }
        all.push_str(text);
    }
    all.push_str("]}");
    all
}
