//! The outpost's options (contract 13), as core keeps them, read into a typed form.
//!
//! Core checks little of what operators write there, and older versions of it left options out:
//! null and missing options are their defaults, numbers and flags may be texts and the reverse,
//! lists may be texts with commas. What then still cannot be followed is an error that says what
//! to write.

mod naming;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use self::naming::Names;
pub(crate) use self::naming::{is_label, is_subdomain};
use self::read::Reader;
use crate::rendered::RenderError;

/// The options that renderings follow. `log_level` and `refresh_interval` are not among them: the
/// outpost itself follows these, wherever it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// URL of core.
    pub authentik_host: String,
    /// Whether core's certificate is left unchecked.
    pub authentik_host_insecure: bool,
    /// URL of core for browsers; empty: the same.
    pub authentik_host_browser: String,
    /// What objects are called; see [`Names`].
    pub object_naming_template: String,
    /// Image to run in place of the default one.
    pub container_image: Option<String>,
    /// Docker network to join.
    pub docker_network: Option<String>,
    /// Whether ports of the container are published on the machine.
    pub docker_map_ports: bool,
    /// Labels of the container.
    pub docker_labels: BTreeMap<String, String>,
    /// Those about Kubernetes.
    pub kubernetes: KubernetesOptions,
}

/// The options that begin with `kubernetes_`.
#[derive(Clone, Debug, PartialEq)]
pub struct KubernetesOptions {
    /// How many pods.
    pub replicas: u32,
    /// Where everything lives.
    pub namespace: String,
    /// Added to the Ingress.
    pub ingress_annotations: BTreeMap<String, String>,
    /// Secret with the certificate of the Ingress; `None`: no TLS there.
    pub ingress_secret_name: Option<String>,
    /// Class of the Ingress; `None`: the cluster's default.
    pub ingress_class_name: Option<String>,
    /// `pathType` of the Ingress: `Prefix` or `ImplementationSpecific`. Core takes `Exact` as well,
    /// which is an error here: nothing below the outpost's path would reach it, and nobody could
    /// sign in.
    pub ingress_path_type: String,
    /// Annotations of the HTTPRoute.
    pub httproute_annotations: BTreeMap<String, String>,
    /// Gateways that the HTTPRoute hangs on; none: no HTTPRoute.
    pub httproute_parent_refs: Vec<Map<String, Value>>,
    /// Type of the Service.
    pub service_type: String,
    /// What is not rendered, by core's names, in lower case.
    pub disabled_components: Vec<String>,
    /// Secrets to fetch the image with.
    pub image_pull_secrets: Vec<String>,
    /// RFC 6902 patches, by component.
    pub json_patches: BTreeMap<String, Vec<Value>>,
}

impl Options {
    /// Reads core's map.
    ///
    /// # Errors
    /// On an option that cannot be followed.
    pub fn read(config: &Map<String, Value>) -> Result<Self, RenderError> {
        let read = Reader::new(config);
        Ok(Self {
            authentik_host: read.text("authentik_host")?.unwrap_or_default(),
            authentik_host_insecure: read.flag("authentik_host_insecure", false)?,
            authentik_host_browser: read.text("authentik_host_browser")?.unwrap_or_default(),
            object_naming_template: read
                .text("object_naming_template")?
                .unwrap_or_else(|| "ak-outpost-%(name)s".to_owned()),
            container_image: read.image("container_image")?,
            docker_network: read.text("docker_network")?,
            docker_map_ports: read.flag("docker_map_ports", true)?,
            docker_labels: read.texts_by_name("docker_labels")?,
            kubernetes: KubernetesOptions::read(&read)?,
        })
    }
}

impl KubernetesOptions {
    fn read(read: &Reader<'_>) -> Result<Self, RenderError> {
        Ok(Self {
            replicas: read.count("kubernetes_replicas", 1)?,
            namespace: read.label("kubernetes_namespace")?.unwrap_or_else(|| "default".to_owned()),
            ingress_annotations: read.annotations("kubernetes_ingress_annotations")?,
            ingress_secret_name: read
                .name_or("kubernetes_ingress_secret_name", "authentik-outpost-tls")?,
            ingress_class_name: read.name("kubernetes_ingress_class_name")?,
            ingress_path_type: read
                .one_of("kubernetes_ingress_path_type", &["Prefix", "ImplementationSpecific"])?,
            httproute_annotations: read.annotations("kubernetes_httproute_annotations")?,
            httproute_parent_refs: read.parent_refs("kubernetes_httproute_parent_refs")?,
            service_type: read
                .one_of("kubernetes_service_type", &["ClusterIP", "NodePort", "LoadBalancer"])?,
            disabled_components: read
                .texts("kubernetes_disabled_components")?
                .into_iter()
                .map(|component| component.to_lowercase())
                .collect(),
            image_pull_secrets: read.names("kubernetes_image_pull_secrets")?,
            json_patches: read.patches("kubernetes_json_patches")?,
        })
    }
}
