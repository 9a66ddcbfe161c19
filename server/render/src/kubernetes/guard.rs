//! What core's integration leaves out: limits to what may happen to the pods.

use serde_json::json;

use super::plan::Plan;
use crate::yaml::Document;

/// At most one pod is taken away at a time. With a single replica a node can still be emptied.
pub(super) fn disruption(plan: &Plan<'_>) -> Document {
    Document::new(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": plan.metadata(&plan.names.object),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": plan.selector()}},
    }))
    .comment("Nodes are emptied one pod of the outpost at a time.")
}

/// The outpost's ports, and no others. Where it may connect to is left open: authentik, the store
/// and applications are known to the operator alone.
pub(super) fn network(plan: &Plan<'_>) -> Document {
    let (inner, open): (Vec<_>, Vec<_>) =
        plan.ports().into_iter().partition(|(name, _)| *name == "http-metrics");
    let port = |(_, port): &(&str, u16)| json!({"port": port, "protocol": "TCP"});
    Document::new(json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": plan.metadata(&plan.names.object),
        "spec": {
            "podSelector": {"matchLabels": plan.selector()},
            "policyTypes": ["Ingress"],
            "ingress": [
                {"ports": open.iter().map(port).collect::<Vec<_>>()},
                {
                    "ports": inner.iter().map(port).collect::<Vec<_>>(),
                    "from": [{"namespaceSelector": {}}],
                },
            ],
        },
    }))
    .comment(
        "Nobody reaches more of a pod than its ports; the operators' pages, for instance, stay \
         closed until they are named here.",
    )
    .note("/spec/ingress/0", "From everywhere: who is believed is listen.trusted_proxy_cidrs.")
    .note("/spec/ingress/1", "Metrics and readiness, for pods of the cluster.")
}
