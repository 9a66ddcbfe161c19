//! The kinds of objects, by the names that options use.

/// What `kubernetes_disabled_components` and `kubernetes_json_patches` speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    /// The outpost's token and where core is.
    Secret,
    /// The pods.
    Deployment,
    /// The way to them.
    Service,
    /// What Prometheus collects.
    Monitor,
    /// Hosts and paths that lead to the outpost.
    Ingress,
    /// Forward auth for Traefik.
    Middleware,
    /// The same as the Ingress, for the Gateway API.
    Route,
    /// How many pods may be taken away at a time.
    Disruption,
    /// Who may connect.
    Network,
}

impl Component {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Secret,
        Self::Deployment,
        Self::Service,
        Self::Monitor,
        Self::Ingress,
        Self::Middleware,
        Self::Route,
        Self::Disruption,
        Self::Network,
    ];

    /// Core's name of it. The last two are ours: core has no such objects.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Deployment => "deployment",
            Self::Service => "service",
            Self::Monitor => "prometheus servicemonitor",
            Self::Ingress => "ingress",
            Self::Middleware => "traefik middleware",
            Self::Route => "httproute",
            Self::Disruption => "poddisruptionbudget",
            Self::Network => "networkpolicy",
        }
    }

    /// The component of this name, in lower case.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|component| component.name() == name)
    }

    /// All names, for people.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}
