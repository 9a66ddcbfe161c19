//! Figures of one provider, found once and then written without a look-up.

use std::sync::OnceLock;

use outpost_decision::decision::{Action, Reason};
use outpost_decision::provider::Provider;
use prometheus::{Histogram, IntCounter};

use super::PerRequest;
use crate::ops::event::{Decided, RequestEvent, RequestKind};

/// Methods that get a label of their own (RFC 9110, RFC 5789); the rest is `OTHER`.
const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "OTHER"];

/// Label of hosts that no provider names.
const OTHER: &str = "other";

type Cell<T> = OnceLock<T>;

/// The figures of one provider, or of requests that no provider answers for. A figure comes to be
/// when it is first written; what was never seen makes no series.
#[derive(Debug)]
pub(super) struct ProviderFigures {
    family: PerRequest,
    outpost: String,
    name: String,
    host: String,
    upstream_host: String,
    requests: [[Cell<Histogram>; RequestKind::ALL.len()]; METHODS.len()],
    /// By method, whether over TLS, and whether the upstream is the configured one.
    upstreams: [[[Cell<Histogram>; 2]; 2]; METHODS.len()],
    decisions: [Cell<Box<[Cell<IntCounter>; Action::CODES.len()]>>; Reason::ALL.len()],
}

impl ProviderFigures {
    pub(super) fn new(family: &PerRequest, outpost: &str, provider: &Provider) -> Self {
        Self::empty(
            family,
            outpost,
            &provider.name,
            &provider.external.authority.to_string(),
            &upstream_host(provider),
        )
    }

    pub(super) fn of_nobody(family: &PerRequest, outpost: &str) -> Self {
        Self::empty(family, outpost, "", OTHER, OTHER)
    }

    fn empty(
        family: &PerRequest,
        outpost: &str,
        name: &str,
        host: &str,
        upstream_host: &str,
    ) -> Self {
        Self {
            family: family.clone(),
            outpost: outpost.to_owned(),
            name: name.to_owned(),
            host: host.to_owned(),
            upstream_host: upstream_host.to_owned(),
            requests: Default::default(),
            upstreams: Default::default(),
            decisions: std::array::from_fn(|_| Cell::new()),
        }
    }

    /// Whether these are still the figures of `provider`.
    pub(super) fn fit(&self, provider: &Provider) -> bool {
        self.name == provider.name
            && self.host == provider.external.authority.to_string()
            && self.upstream_host == upstream_host(provider)
    }

    pub(super) fn record(&self, event: &RequestEvent) {
        let method = method_index(&event.method);
        if let Some(figure) = self.request(method, event.kind) {
            figure.observe(event.duration.as_secs_f64());
        }
        if let Some(upstream) = &event.upstream {
            let configured = upstream.host == self.upstream_host;
            if let Some(figure) = self.upstream(method, upstream.tls, configured) {
                figure.observe(upstream.duration.as_secs_f64());
            }
        }
        if let Some(decided) = &event.decided
            && let Some(figure) = self.decision(decided)
        {
            figure.inc();
        }
    }

    fn request(&self, method: usize, kind: RequestKind) -> Option<&Histogram> {
        let cell = self.requests.get(method)?.get(kind as usize)?;
        Some(cell.get_or_init(|| {
            let labels = [self.outpost.as_str(), label(method), &self.host, kind.as_str()];
            self.family.request.with_label_values(&labels)
        }))
    }

    fn upstream(&self, method: usize, tls: bool, configured: bool) -> Option<&Histogram> {
        let cell =
            self.upstreams.get(method)?.get(usize::from(tls))?.get(usize::from(configured))?;
        Some(cell.get_or_init(|| {
            let scheme = if tls { "https" } else { "http" };
            // Another host comes from a user's claims: bounded by nothing that we know.
            let upstream = if configured { self.upstream_host.as_str() } else { OTHER };
            let labels = [self.outpost.as_str(), label(method), scheme, &self.host, upstream];
            self.family.upstream.with_label_values(&labels)
        }))
    }

    fn decision(&self, decided: &Decided) -> Option<&IntCounter> {
        let row = self.decisions.get(decided.reason as usize)?.get_or_init(Default::default);
        let cell = row.get(decided.action_index())?;
        Some(cell.get_or_init(|| {
            let labels = [self.name.as_str(), decided.reason.code(), decided.action()];
            self.family.decisions.with_label_values(&labels)
        }))
    }

    /// Takes the series of these figures out of the families. One that is written meanwhile goes
    /// on counting into the void.
    pub(super) fn remove_from(&self, family: &PerRequest) {
        for (method, kinds) in self.requests.iter().enumerate() {
            for (kind, cell) in RequestKind::ALL.into_iter().zip(kinds) {
                if cell.get().is_some() {
                    let labels = [self.outpost.as_str(), label(method), &self.host, kind.as_str()];
                    let _ = family.request.remove_label_values(&labels);
                }
            }
        }
        for (method, schemes) in self.upstreams.iter().enumerate() {
            for (scheme, hosts) in ["http", "https"].into_iter().zip(schemes) {
                for (upstream, cell) in [OTHER, &self.upstream_host].into_iter().zip(hosts) {
                    if cell.get().is_some() {
                        let labels =
                            [self.outpost.as_str(), label(method), scheme, &self.host, upstream];
                        let _ = family.upstream.remove_label_values(&labels);
                    }
                }
            }
        }
        for (reason, row) in Reason::ALL.into_iter().zip(&self.decisions) {
            for (action, cell) in
                Action::CODES.into_iter().zip(row.get().into_iter().flat_map(|row| row.iter()))
            {
                if cell.get().is_some() {
                    let labels = [self.name.as_str(), reason.code(), action];
                    let _ = family.decisions.remove_label_values(&labels);
                }
            }
        }
    }
}

fn upstream_host(provider: &Provider) -> String {
    let Some(internal) = &provider.internal else { return OTHER.to_owned() };
    match (internal.host_str(), internal.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => OTHER.to_owned(),
    }
}

fn method_index(method: &str) -> usize {
    METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len() - 1)
}

/// A method as labels and traces name it: what nobody has heard of is `OTHER`.
#[must_use]
pub fn bounded_method(method: &str) -> &'static str {
    label(method_index(method))
}

fn label(method: usize) -> &'static str {
    METHODS.get(method).copied().unwrap_or("OTHER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_kinds_stand_where_the_tables_expect_them() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{}", reason.code());
        }
        for (index, kind) in RequestKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }

    #[test]
    fn methods_are_a_closed_set() {
        assert_eq!(label(method_index("PATCH")), "PATCH");
        for method in ["patch", "BREW", "", "OTHER", &"X".repeat(9999)] {
            assert_eq!(label(method_index(method)), "OTHER");
        }
    }
}
