//! What configuration can be written for.

/// A program, or a platform, that an outpost is put to work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// nginx by itself.
    Nginx,
    /// nginx Proxy Manager.
    NginxProxyManager,
    /// Caddy.
    Caddy,
    /// Envoy.
    Envoy,
    /// HAProxy.
    HaProxy,
    /// Traefik's dynamic configuration as a file.
    Traefik,
    /// Traefik's dynamic configuration as Docker labels.
    TraefikLabels,
    /// Traefik's objects of Kubernetes.
    TraefikCrd,
    /// The same for Traefik 2.
    TraefikCrdV2,
    /// ingress-nginx, without snippets.
    IngressNginx,
    /// Istio, without EnvoyFilters.
    Istio,
    /// The Gateway API, with Envoy Gateway's check.
    Gateway,
    /// The objects that run an outpost on Kubernetes.
    Kubernetes,
    /// The outpost as a service for Docker Compose.
    Compose,
    /// nginx in the form of 2021.5.
    NginxAkprox,
    /// ingress-nginx in the form of 2021.5.
    IngressNginxAkprox,
    /// Traefik's dynamic configuration in the form of 2021.5.
    TraefikAkprox,
    /// Traefik's labels in the form of 2021.5.
    TraefikLabelsAkprox,
    /// Traefik's objects of Kubernetes in the form of 2021.5.
    TraefikCrdAkprox,
}

impl Target {
    /// Every target, in the order of the documentation.
    pub const ALL: [Self; 19] = [
        Self::Nginx,
        Self::NginxProxyManager,
        Self::Caddy,
        Self::Envoy,
        Self::HaProxy,
        Self::Traefik,
        Self::TraefikLabels,
        Self::TraefikCrd,
        Self::TraefikCrdV2,
        Self::IngressNginx,
        Self::Istio,
        Self::Gateway,
        Self::Kubernetes,
        Self::Compose,
        Self::NginxAkprox,
        Self::IngressNginxAkprox,
        Self::TraefikAkprox,
        Self::TraefikLabelsAkprox,
        Self::TraefikCrdAkprox,
    ];

    /// The name by which people ask for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::NginxProxyManager => "nginx-proxy-manager",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
            Self::HaProxy => "haproxy",
            Self::Traefik => "traefik",
            Self::TraefikLabels => "traefik-labels",
            Self::TraefikCrd => "traefik-crd",
            Self::TraefikCrdV2 => "traefik-crd-v2",
            Self::IngressNginx => "ingress-nginx",
            Self::Istio => "istio",
            Self::Gateway => "gateway",
            Self::Kubernetes => "kubernetes",
            Self::Compose => "compose",
            Self::NginxAkprox => "nginx-akprox",
            Self::IngressNginxAkprox => "ingress-nginx-akprox",
            Self::TraefikAkprox => "traefik-akprox",
            Self::TraefikLabelsAkprox => "traefik-labels-akprox",
            Self::TraefikCrdAkprox => "traefik-crd-akprox",
        }
    }

    /// The target of this name.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.code() == code)
    }

    /// What comes out, in half a line for lists of targets: a capital, no full stop. With
    /// [`Self::code`] it is all that help texts and pages say of it.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Nginx => "Server blocks for nginx, with auth_request",
            Self::NginxProxyManager => "The Advanced box of a proxy host in nginx Proxy Manager",
            Self::Caddy => "Site blocks for a Caddyfile, with the check of forward_auth",
            Self::Envoy => "A static configuration for Envoy, with ext_authz",
            Self::HaProxy => "A configuration for HAProxy and a Lua script that asks",
            Self::Traefik => "Dynamic configuration for Traefik 3 as a file, with forwardAuth",
            Self::TraefikLabels => "Docker labels for Traefik 3, as part of a Compose file",
            Self::TraefikCrd => "Middleware and IngressRoute for Traefik 3 on Kubernetes",
            Self::TraefikCrdV2 => "Middleware and IngressRoute for Traefik 2 on Kubernetes",
            Self::IngressNginx => "Ingresses for ingress-nginx, without snippets",
            Self::Istio => "Istio: extension provider, AuthorizationPolicy and VirtualServices",
            Self::Gateway => "Gateway API: HTTPRoutes, with Envoy Gateway's SecurityPolicy",
            Self::Kubernetes => "Manifests that run an outpost on Kubernetes, by its options",
            Self::Compose => "An outpost for Docker Compose, by its options, with Traefik's labels",
            Self::NginxAkprox => "Locations for nginx in the form of 2021.5 (needs compat.akprox)",
            Self::IngressNginxAkprox => "Ingress and annotations in the form of 2021.5",
            Self::TraefikAkprox => "A file for Traefik in the form of 2021.5",
            Self::TraefikLabelsAkprox => "Docker labels for Traefik in the form of 2021.5",
            Self::TraefikCrdAkprox => "Resources for Traefik on Kubernetes in the form of 2021.5",
        }
    }

    /// Whether it configures what stands in front of applications, and so makes no sense without
    /// any.
    #[must_use]
    pub const fn is_for_applications(self) -> bool {
        !matches!(self, Self::Kubernetes | Self::Compose)
    }
}
