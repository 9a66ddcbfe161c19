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
}

impl Target {
    /// Every target, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Nginx,
        Self::NginxProxyManager,
        Self::Caddy,
        Self::IngressNginx,
        Self::Istio,
        Self::Gateway,
        Self::Kubernetes,
        Self::Compose,
    ];

    /// The name by which people ask for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::NginxProxyManager => "nginx-proxy-manager",
            Self::Caddy => "caddy",
            Self::IngressNginx => "ingress-nginx",
            Self::Istio => "istio",
            Self::Gateway => "gateway",
            Self::Kubernetes => "kubernetes",
            Self::Compose => "compose",
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
            Self::Caddy => "Site blocks for a Caddyfile, with forward_auth",
            Self::IngressNginx => "Ingresses for ingress-nginx, without snippets",
            Self::Istio => "Istio: extension provider, AuthorizationPolicy and VirtualServices",
            Self::Gateway => "Gateway API: HTTPRoutes, with Envoy Gateway's SecurityPolicy",
            Self::Kubernetes => "Manifests that run an outpost on Kubernetes, by its options",
            Self::Compose => "An outpost for Docker Compose, by its options, with Traefik's labels",
        }
    }

    /// Whether it configures what stands in front of applications, and so makes no sense without
    /// any.
    #[must_use]
    pub const fn is_for_applications(self) -> bool {
        match self {
            Self::Nginx | Self::NginxProxyManager | Self::Caddy => true,
            Self::IngressNginx | Self::Istio | Self::Gateway => true,
            Self::Kubernetes | Self::Compose => false,
        }
    }
}
