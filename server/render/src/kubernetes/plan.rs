//! What all objects have in common.

use serde_json::{Map, Value, json};

use super::{Component, patch};
use crate::input::Input;
use crate::options::{Names, Options};
use crate::quote;
use crate::rendered::RenderError;

/// What is to be made, and of what.
pub(super) struct Plan<'a> {
    pub(super) input: &'a Input,
    pub(super) options: Options,
    pub(super) names: Names,
    /// Whether the ports of the 2021.5 outpost are served, too.
    pub(super) akprox: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn of(input: &'a Input) -> Result<Self, RenderError> {
        let options = Options::read(&input.outpost.config)?;
        patch::check(&options.kubernetes.json_patches)?;
        let names = Names::of(&input.outpost, &options.object_naming_template)?;
        if let Some(store) = &input.site.store {
            store.check()?;
        }
        let akprox = input.applications.iter().any(|application| application.provider.akprox);
        Ok(Self { input, options, names, akprox })
    }

    /// Says which names of components to leave out are none, for the first lines of a file. They
    /// are passed over, as core does: a later version of core may know them.
    pub(super) fn unknown(&self) -> String {
        let disabled = self.options.kubernetes.disabled_components.iter();
        let unknown: Vec<String> = disabled
            .filter(|name| Component::of_name(name).is_none())
            .map(|name| quote::comment(name))
            .collect();
        if unknown.is_empty() {
            return String::new();
        }
        format!(
            "\nThe option kubernetes_disabled_components leaves out what is not made here: {}. The \
             names are: {}.",
            unknown.join(", "),
            Component::names(),
        )
    }

    /// Whether an operator wants the component.
    pub(super) fn makes(&self, component: Component) -> bool {
        let disabled = &self.options.kubernetes.disabled_components;
        !disabled.iter().any(|name| name == component.name())
    }

    /// `metadata` of an object: core's labels.
    pub(super) fn metadata(&self, name: &str) -> Value {
        json!({
            "name": name,
            "namespace": self.options.kubernetes.namespace,
            "labels": self.labels(),
        })
    }

    fn labels(&self) -> Value {
        json!({
            "app.kubernetes.io/instance": self.names.slug,
            "app.kubernetes.io/managed-by": "goauthentik.io",
            "app.kubernetes.io/name": "authentik-proxy",
            "app.kubernetes.io/version": self.version(),
            "goauthentik.io/outpost-name": self.names.slug,
            "goauthentik.io/outpost-type": "proxy",
            "goauthentik.io/outpost-uuid": self.names.uuid,
        })
    }

    /// Labels of the pods by which they are selected: core's. A selector cannot be changed, so
    /// nothing may be in it that another version would write in another way.
    pub(super) fn selector(&self) -> Map<String, Value> {
        [
            ("app.kubernetes.io/managed-by", "goauthentik.io"),
            ("app.kubernetes.io/name", "authentik-outpost-proxy"),
            ("goauthentik.io/outpost-name", self.names.slug.as_str()),
            ("goauthentik.io/outpost-type", "proxy"),
            ("goauthentik.io/outpost-uuid", self.names.uuid.as_str()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
    }

    /// Our version as the value of a label.
    pub(super) fn version(&self) -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let version = self.input.site.version.chars();
        let version: String = version.map(|c| if fits(c) { c } else { '-' }).take(63).collect();
        version.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
    }

    /// Ports by name: core's, in its order.
    pub(super) fn ports(&self) -> Vec<(&'static str, u16)> {
        let mut ports = vec![("http", 9000), ("http-metrics", 9300), ("https", 9443)];
        if self.akprox {
            ports.extend([("http-akprox", 4180), ("https-akprox", 4443)]);
        }
        ports
    }
}
