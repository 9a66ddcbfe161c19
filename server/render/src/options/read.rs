//! Single options, read with patience.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::naming::{is_label, is_subdomain};
use crate::rendered::RenderError;

pub(super) struct Reader<'a> {
    config: &'a Map<String, Value>,
}

type Name = &'static str;

impl<'a> Reader<'a> {
    pub(super) const fn new(config: &'a Map<String, Value>) -> Self {
        Self { config }
    }

    /// What stands there; null is nothing.
    fn value(&self, name: Name) -> Option<&'a Value> {
        self.config.get(name).filter(|value| !value.is_null())
    }

    /// A text; an empty one, or one of blanks, is none.
    pub(super) fn text(&self, name: Name) -> Result<Option<String>, RenderError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let text = scalar(value).ok_or_else(|| wrong(name, "write a text", value))?;
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err(wrong(name, "write it in one line, without control characters", value));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    pub(super) fn flag(&self, name: Name, default: bool) -> Result<bool, RenderError> {
        let Some(value) = self.value(name) else { return Ok(default) };
        let text = scalar(value).unwrap_or_default();
        match text.trim().to_ascii_lowercase().as_str() {
            "" if value.is_string() => Ok(default),
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(wrong(name, "write true or false", value)),
        }
    }

    pub(super) fn count(&self, name: Name, default: u32) -> Result<u32, RenderError> {
        let Some(value) = self.value(name) else { return Ok(default) };
        let refused = || wrong(name, "write a whole number, 0 or more", value);
        let text = scalar(value).ok_or_else(refused)?;
        let text = text.trim();
        if text.is_empty() {
            return Ok(default);
        }
        // A number that went through a form may have become 3.0.
        text.strip_suffix(".0").unwrap_or(text).parse().map_err(|_| refused())
    }

    /// A list of texts, or one text with commas.
    pub(super) fn texts(&self, name: Name) -> Result<Vec<String>, RenderError> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let texts: Option<Vec<String>> = match value {
            Value::Array(items) => {
                items.iter().filter(|item| !item.is_null()).map(scalar).collect()
            }
            Value::String(text) => Some(text.split(',').map(str::to_owned).collect()),
            _ => None,
        };
        let texts = texts.ok_or_else(|| wrong(name, "write a list of texts", value))?;
        let texts = texts.into_iter().map(|text| text.trim().to_owned());
        Ok(texts.filter(|text| !text.is_empty()).collect())
    }

    /// Texts by their names; a list of `name=text` will do. Null is the same as not there.
    pub(super) fn texts_by_name(
        &self,
        name: Name,
    ) -> Result<BTreeMap<String, String>, RenderError> {
        let Some(value) = self.value(name) else { return Ok(BTreeMap::new()) };
        let refused = || wrong(name, "write texts by their names: {\"name\": \"text\"}", value);
        let mut found = BTreeMap::new();
        match value {
            Value::Object(map) => {
                for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                    found.insert(key.trim().to_owned(), scalar(value).ok_or_else(refused)?);
                }
            }
            Value::Array(items) => {
                for item in items {
                    let (key, text) =
                        item.as_str().and_then(|item| item.split_once('=')).ok_or_else(refused)?;
                    found.insert(key.trim().to_owned(), text.to_owned());
                }
            }
            Value::String(text) if text.trim().is_empty() => {}
            _ => return Err(refused()),
        }
        if found.keys().any(String::is_empty) {
            return Err(wrong(name, "give every text a name", value));
        }
        Ok(found)
    }

    /// Texts whose names are those of annotations: an optional prefix and a name.
    pub(super) fn annotations(&self, name: Name) -> Result<BTreeMap<String, String>, RenderError> {
        let annotations = self.texts_by_name(name)?;
        let fits = |key: &str| {
            let (prefix, key) = key.split_once('/').map_or((None, key), |(p, k)| (Some(p), k));
            let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
            prefix.is_none_or(is_subdomain)
                && key.len() <= 63
                && key.bytes().all(inner)
                && edge(key.as_bytes().first())
                && edge(key.as_bytes().last())
        };
        match annotations.keys().find(|key| !fits(key)) {
            Some(key) => Err(RenderError::Option {
                option: name,
                problem: format!("{key:?} is no name of an annotation: write prefix/name"),
            }),
            None => Ok(annotations),
        }
    }

    /// A name of an object, if there is one.
    pub(super) fn name(&self, name: Name) -> Result<Option<String>, RenderError> {
        match self.text(name)? {
            Some(text) if !is_subdomain(&text) => Err(no_name(name, &text)),
            text => Ok(text),
        }
    }

    /// A name of an object; an empty text is none, and `default` where nothing is set.
    pub(super) fn name_or(&self, name: Name, default: &str) -> Result<Option<String>, RenderError> {
        if self.value(name).is_none() {
            return Ok(Some(default.to_owned()));
        }
        self.name(name)
    }

    /// The name of a namespace.
    pub(super) fn label(&self, name: Name) -> Result<Option<String>, RenderError> {
        match self.text(name)? {
            Some(text) if !is_label(&text) => Err(no_name(name, &text)),
            text => Ok(text),
        }
    }

    pub(super) fn names(&self, name: Name) -> Result<Vec<String>, RenderError> {
        let names = self.texts(name)?;
        match names.iter().find(|text| !is_subdomain(text)) {
            Some(text) => Err(no_name(name, text)),
            None => Ok(names),
        }
    }

    /// A reference to an image: no blanks.
    pub(super) fn image(&self, name: Name) -> Result<Option<String>, RenderError> {
        match self.text(name)? {
            Some(text) if text.contains(char::is_whitespace) => Err(RenderError::Option {
                option: name,
                problem: format!("{text:?} is no image: write registry/name:tag"),
            }),
            text => Ok(text),
        }
    }

    /// One of a few words, in any case; the first where nothing is set.
    pub(super) fn one_of(&self, name: Name, words: &[&str]) -> Result<String, RenderError> {
        let text = self.text(name)?;
        let Some(text) = text.as_deref().or(words.first().copied()) else {
            return Ok(String::new());
        };
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
        found.map(|word| (*word).to_owned()).ok_or_else(|| RenderError::Option {
            option: name,
            problem: format!("{text:?} will not do: write {}", words.join(" or ")),
        })
    }

    /// References to gateways (Gateway API): objects with a name each.
    pub(super) fn parent_refs(&self, name: Name) -> Result<Vec<Map<String, Value>>, RenderError> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let refused = || wrong(name, "write a list of gateways: [{\"name\": \"gateway\"}]", value);
        let items = value.as_array().ok_or_else(refused)?;
        items
            .iter()
            .map(|item| {
                let mut reference = item.as_object().ok_or_else(refused)?.clone();
                reference.retain(|_, value| !value.is_null());
                let named = reference.get("name").and_then(Value::as_str);
                if !named.is_some_and(is_subdomain) {
                    return Err(refused());
                }
                // A form may have made a text of it.
                if let Some(port) = reference.get("port").and_then(Value::as_str) {
                    let port: u16 = port.trim().parse().map_err(|_| refused())?;
                    reference.insert("port".to_owned(), port.into());
                }
                Ok(reference)
            })
            .collect()
    }

    /// Lists of operations by component.
    pub(super) fn patches(&self, name: Name) -> Result<BTreeMap<String, Vec<Value>>, RenderError> {
        let Some(value) = self.value(name) else { return Ok(BTreeMap::new()) };
        let refused = || {
            let say = "write lists of operations by component: {\"deployment\": [{\"op\": ..}]}";
            wrong(name, say, value)
        };
        let map = value.as_object().ok_or_else(refused)?;
        map.iter()
            .filter(|(_, operations)| !operations.is_null())
            .map(|(component, operations)| {
                let operations = operations.as_array().ok_or_else(refused)?;
                Ok((component.to_lowercase(), operations.clone()))
            })
            .collect()
    }
}

/// A value that is a text, or has one.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn no_name(option: Name, text: &str) -> RenderError {
    let problem =
        format!("{text:?} is no name in Kubernetes: lower-case letters, digits and - only");
    RenderError::Option { option, problem }
}

fn wrong(option: Name, say: &str, value: &Value) -> RenderError {
    let mut shown = value.to_string();
    if shown.chars().count() > 80 {
        shown = shown.chars().take(79).chain(['…']).collect();
    }
    RenderError::Option { option, problem: format!("{shown} will not do: {say}") }
}
