//! Configuration for whatever stands around an outpost, written for exactly the providers it
//! serves: what a reverse proxy in front of it is to say, what runs it on Kubernetes or Compose.
//!
//! Pure: the same [`Input`] gives the same text, byte for byte. Nothing secret is ever in it but
//! what [`Input`] was given for that purpose.

mod akprox;
mod caddy;
mod cluster;
mod compose;
mod envoy;
mod front;
mod gateway;
mod haproxy;
mod ingress_nginx;
mod input;
mod istio;
mod kubernetes;
mod lines;
mod nginx;
pub mod options;
pub mod place;
mod quote;
mod rendered;
mod secret;
mod target;
#[cfg(test)]
mod test_support;
mod told;
mod traefik;
pub mod yaml;

pub use input::{Application, Input, Outpost, Site, TlsFiles};
pub use rendered::{File, RenderError, Rendered};
pub use secret::{Secret, SecretKey};
pub use target::Target;

/// Writes the configuration for one target.
///
/// # Errors
/// When the target has no way to do what the providers or the outpost's options ask for. What to
/// change stands in the error.
pub fn render(target: Target, input: &Input) -> Result<Rendered, RenderError> {
    if input.applications.is_empty() && target.is_for_applications() {
        return Err(RenderError::NoApplication);
    }
    match target {
        Target::Nginx => nginx::render(input),
        Target::NginxProxyManager => nginx::proxy_manager::render(input),
        Target::Caddy => caddy::render(input),
        Target::Envoy => envoy::render(input),
        Target::HaProxy => haproxy::render(input),
        Target::Traefik => traefik::render(input),
        Target::TraefikLabels => traefik::labels::render(input),
        Target::TraefikCrd => traefik::custom::render(input, traefik::custom::Version::V3),
        Target::TraefikCrdV2 => traefik::custom::render(input, traefik::custom::Version::V2),
        Target::IngressNginx => ingress_nginx::render(input),
        Target::Istio => istio::render(input),
        Target::Gateway => gateway::render(input),
        Target::Kubernetes => kubernetes::render(input),
        Target::Compose => compose::render(input),
        Target::NginxAkprox => akprox::nginx(input),
        Target::IngressNginxAkprox => akprox::ingress(input),
        Target::TraefikAkprox => akprox::traefik(input),
        Target::TraefikLabelsAkprox => akprox::labels(input),
        Target::TraefikCrdAkprox => akprox::custom(input),
    }
}

/// The targets that can be written for these applications at this site, in the order of
/// [`Target::ALL`]: what a page about a provider offers. Some have no way to do what a provider asks
/// for, such as a wildcard host, or an address where Kubernetes wants a name.
#[must_use]
pub fn suitable(input: &Input) -> Vec<Target> {
    let fits = |target: &Target| target.is_for_applications() && render(*target, input).is_ok();
    Target::ALL.into_iter().filter(fits).collect()
}
