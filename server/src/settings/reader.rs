//! Typed reading of merged layers. A getter that fails notes the mistake and returns a stand-in, so
//! that the next one is read, too; nobody sees a stand-in, since a mistake fails the whole.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use config::{Value, ValueKind};
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use super::hints::{example, reference_hint};
use super::layers::{Environment, Layers, Origin, customary_variable};
use super::mistake::Mistake;
use super::reference::{Resolved, resolve};
use super::values;
use crate::downstream::Address;

/// What stands in place of a secret wherever settings are shown.
pub(super) const MASK: &str = "******";

/// A setting in effect, as it is shown to operators.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Effective {
    pub(super) key: &'static str,
    pub(super) value: toml::Value,
    pub(super) origin: Origin,
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    layers: Layers,
    environment: &'a Environment,
    effective: Vec<Effective>,
}

/// A value on its way to its type.
pub(super) struct Found {
    origin: Origin,
    pub(super) kind: ValueKind,
    /// Whether it came as text from outside TOML and may be read as any type.
    loose: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: Layers, environment: &'a Environment) -> Self {
        Self { layers, environment, effective: Vec::new() }
    }

    /// Everything read, everything wrong, and the names of variables that are none of ours.
    pub(super) fn finish(self) -> (Vec<Effective>, Vec<Mistake>, Vec<String>) {
        (self.effective, self.layers.mistakes, self.layers.foreign)
    }

    /// Whether nothing has been wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.layers.mistakes.is_empty()
    }

    /// Notes a mistake about `key`, under the name by which it was set.
    pub(super) fn mistake(&mut self, key: &str, problem: impl Into<String>) {
        let origin = self.layers.values.get(key).map_or(Origin::Default, Origin::of);
        self.mistake_at(key, &origin, problem.into());
    }

    fn mistake_at(&mut self, key: &str, origin: &Origin, problem: String) {
        let value = example(key)
            .map(|text| toml::Value::String(text.to_owned()))
            .or_else(|| self.layers.defaults.get(key).cloned());
        let (place, example) = match origin {
            Origin::File(path) => (
                format!("{key} in {path}"),
                value.map(|value| {
                    format!("{} = {value}", key.rsplit('.').next().unwrap_or_default())
                }),
            ),
            Origin::Default => {
                let name = customary_variable(key);
                let example = value.map(|value| format!("{name}={}", plain(&value)));
                (name, example)
            }
            Origin::Variable(name) => {
                (name.clone(), value.map(|value| format!("{name}={}", plain(&value))))
            }
        };
        self.layers.mistakes.push(Mistake { place, problem, example: example.unwrap_or_default() });
    }

    /// The value of `key` with references followed; `None` after a mistake.
    fn find(&mut self, key: &'static str) -> Option<Found> {
        let Some(value) = self.layers.values.get(key) else {
            if !self.layers.defaults.is_empty() {
                self.mistake(key, "is missing in config/default.toml");
            }
            return None;
        };
        let origin = Origin::of(value);
        let loose = matches!(origin, Origin::Variable(_));
        let Value { kind, .. } = value.clone();
        let ValueKind::String(text) = &kind else {
            return Some(Found { origin, kind, loose });
        };
        match resolve(text, self.environment) {
            Ok(Resolved::Plain) => Some(Found { origin, kind, loose }),
            Ok(Resolved::Found(text)) => {
                Some(Found { origin, kind: ValueKind::String(text), loose: true })
            }
            Err(problem) => {
                self.mistake_at(key, &origin, format!("{problem}{}", reference_hint(key, text)));
                None
            }
        }
    }

    /// Reads one setting: `parse` gets the value and answers with it and how to show it.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        stand_in: T,
        parse: impl FnOnce(&Found) -> Result<(T, toml::Value), String>,
    ) -> T {
        let Some(found) = self.find(key) else { return stand_in };
        match parse(&found) {
            Ok((value, shown)) => {
                self.effective.push(Effective { key, value: shown, origin: found.origin });
                value
            }
            Err(problem) => {
                self.mistake_at(key, &found.origin, problem);
                stand_in
            }
        }
    }

    /// A text as it stands.
    pub(super) fn text(&mut self, key: &'static str) -> String {
        self.read(key, String::new(), |found| {
            let text = found.text()?;
            Ok((text.to_owned(), text.into()))
        })
    }

    /// A text that must be there and is never shown.
    /// Blanks around it are not part of it: a line break comes along with what is pasted into a file,
    /// and from there into a variable.
    pub(super) fn secret(&mut self, key: &'static str) -> SecretString {
        self.read(key, SecretString::default(), |found| match found.text()?.trim() {
            "" => Err("is required and not set".to_owned()),
            text => secret(text),
        })
    }

    /// A text that is never shown; `None` when empty.
    pub(super) fn optional_secret(&mut self, key: &'static str) -> Option<SecretString> {
        self.read(key, None, |found| match found.text()?.trim() {
            "" => Ok((None, "".into())),
            text => secret(text).map(|(secret, mask)| (Some(secret), mask)),
        })
    }

    /// A file to be read later; `None` when empty.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.read(key, None, |found| match found.text()? {
            "" => Ok((None, "".into())),
            // The likely cause; the content may be a private key and is not quoted.
            text if text.contains(char::is_control) => {
                Err("must be the path of a file, not what is in it".to_owned())
            }
            text => Ok((Some(text.into()), text.into())),
        })
    }

    /// An http or https URL; `None` when empty.
    pub(super) fn url(&mut self, key: &'static str) -> Option<Url> {
        self.read(key, None, |found| match found.text()? {
            "" => Ok((None, "".into())),
            text => base_url(text).map(|url| (Some(url), text.into())),
        })
    }

    /// Core's address, which must be there.
    pub(super) fn core_url(&mut self, key: &'static str, stand_in: &str) -> Option<Url> {
        let stand_in = Url::parse(stand_in).ok();
        self.read(key, stand_in, |found| match found.text()? {
            "" => Err("is required and not set".to_owned()),
            text => core_url(text).map(|url| (Some(url), text.into())),
        })
    }

    /// The same; `None` when empty.
    pub(super) fn optional_core_url(&mut self, key: &'static str) -> Option<Url> {
        self.read(key, None, |found| match found.text()? {
            "" => Ok((None, "".into())),
            text => core_url(text).map(|url| (Some(url), text.into())),
        })
    }

    /// true or false.
    pub(super) fn switch(&mut self, key: &'static str) -> bool {
        self.read(key, false, |found| match &found.kind {
            ValueKind::Boolean(switch) => Ok((*switch, (*switch).into())),
            ValueKind::String(text) if found.loose => values::switch(text)
                .map(|switch| (switch, switch.into()))
                .ok_or_else(|| format!("{text:?} is neither true nor false")),
            _ => Err("must be true or false".to_owned()),
        })
    }

    /// A whole number within `range`.
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u32>) -> usize {
        let number = self.read(key, 0, |found| {
            let number = match &found.kind {
                ValueKind::I64(number) => *number,
                ValueKind::String(text) if found.loose => {
                    text.parse().map_err(|_| format!("{text:?} is not a whole number"))?
                }
                _ => return Err("must be a whole number".to_owned()),
            };
            match u32::try_from(number) {
                Ok(inside) if range.contains(&inside) => Ok((inside, number.into())),
                _ => Err(format!("{number} is not between {} and {}", range.start(), range.end())),
            }
        });
        usize::try_from(number).unwrap_or(usize::MAX)
    }

    /// A duration within `range`, as Go writes it.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        self.read(key, Duration::ZERO, |found| {
            let text = match &found.kind {
                ValueKind::String(text) => text,
                _ => return Err("must be a duration with a unit, in quotes".to_owned()),
            };
            let duration =
                values::duration(text).map_err(|problem| format!("{text:?} {problem}"))?;
            if range.contains(&duration) {
                Ok((duration, values::duration_text(duration).into()))
            } else {
                Err(format!(
                    "{text:?} is not between {} and {}",
                    values::duration_text(*range.start()),
                    values::duration_text(*range.end())
                ))
            }
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
        stand_in: T,
    ) -> T {
        self.read(key, stand_in, |found| {
            let text = found.text()?;
            choices
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(text))
                .map(|(name, value)| (*value, (*name).into()))
                .ok_or_else(|| {
                    let names: Vec<&str> = choices
                        .iter()
                        .map(|(name, _)| *name)
                        .filter(|name| !name.is_empty())
                        .collect();
                    format!("{text:?} is none of {}", names.join(", "))
                })
        })
    }

    /// Addresses to listen on; none when `off`.
    pub(super) fn listeners(&mut self, key: &'static str) -> Vec<SocketAddr> {
        self.list(key, "an address to listen on", values::listen)
    }

    /// Addresses of the data plane to listen on; none when `off`.
    pub(super) fn data_listeners(&mut self, key: &'static str) -> Vec<Address> {
        self.list(key, "an address, unix:/path or systemd:<number> to listen on", values::address)
    }

    /// Networks; none when `off`.
    pub(super) fn networks(&mut self, key: &'static str) -> Vec<IpNet> {
        self.list(key, "a network (address/length)", values::network)
    }

    /// Names of headers, in lower case.
    pub(super) fn header_names(&mut self, key: &'static str) -> Vec<String> {
        self.list(key, "a header name", |text| {
            http::HeaderName::try_from(text).ok().map(|name| name.as_str().to_owned())
        })
    }

    fn list<T: ToString>(
        &mut self,
        key: &'static str,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        self.read(key, Vec::new(), |found| {
            let texts = found.texts()?;
            let mut items = Vec::new();
            let mut wrong = Vec::new();
            for text in &texts {
                match parse(text) {
                    Some(item) => items.push(item),
                    None => wrong.push(format!("{text:?}")),
                }
            }
            match wrong.as_slice() {
                [] => {
                    let shown = items.iter().map(|item| item.to_string().into()).collect();
                    Ok((items, toml::Value::Array(shown)))
                }
                [one] => Err(format!("{one} is not {what}")),
                many => Err(format!("none of {} is {what}", many.join(", "))),
            }
        })
    }
}

impl Found {
    pub(super) fn text(&self) -> Result<&str, String> {
        match &self.kind {
            ValueKind::String(text) => Ok(text),
            _ => Err("must be a text, in quotes".to_owned()),
        }
    }

    /// The items of a list, be it a TOML list or a text with commas.
    pub(super) fn texts(&self) -> Result<Vec<String>, String> {
        match &self.kind {
            ValueKind::String(text) if text.eq_ignore_ascii_case("off") => Ok(Vec::new()),
            ValueKind::String(text) => Ok(text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect()),
            ValueKind::Array(items) => items
                .iter()
                .map(|item| match &item.kind {
                    ValueKind::String(text) => Ok(text.clone()),
                    _ => Err("must be a list of texts".to_owned()),
                })
                .collect(),
            _ => Err("must be a list of texts".to_owned()),
        }
    }
}

fn secret(text: &str) -> Result<(SecretString, toml::Value), String> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("holds blanks or control characters".to_owned());
    }
    Ok((text.into(), MASK.into()))
}

/// Core's address: an http or https URL, or `unix:///path/of/socket`.
fn core_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "unix" => {
            let has_host = url.host_str().is_some_and(|host| !host.is_empty());
            if has_host || url.path().len() < 2 {
                return Err("names no socket; write unix:///path/of/socket".to_owned());
            }
            plain_url(url)
        }
        _ => base_url(text),
    }
}

fn base_url(text: &str) -> Result<Url, String> {
    // The text itself stays out of the messages: it may hold a password before an @.
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("has the scheme {:?}, and must have http or https", url.scheme()));
    }
    plain_url(url)
}

fn plain_url(url: Url) -> Result<Url, String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query or a fragment".to_owned());
    }
    Ok(url)
}

/// A value as it stands in an environment variable.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
