//! What runs an outpost on Kubernetes: the objects that core's own integration makes, under the
//! same names, labels, selectors and ports, so that ours take their place; with safe defaults,
//! and beside them what core's integration leaves out.

mod component;
mod deployment;
mod expose;
mod guard;
pub(crate) mod object;
mod patch;
mod plan;

pub(crate) use self::component::Component;
use self::plan::Plan;
use crate::input::Input;
use crate::rendered::{File, RenderError, Rendered};
use crate::yaml::{self, Document};

/// Writes the manifests.
///
/// # Errors
/// When an option cannot be followed.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let plan = Plan::of(input)?;
    let mut files = Vec::new();
    for (name, intro, components) in FILES {
        let mut documents = Vec::new();
        for component in components.iter().filter(|component| plan.makes(**component)) {
            for mut document in make(&plan, *component) {
                patch::apply(*component, &plan.options.kubernetes.json_patches, &mut document)?;
                documents.push(document);
            }
        }
        if !documents.is_empty() {
            let mut intro = intro
                .replace("{name}", &plan.names.object)
                .replace("{namespace}", &plan.options.kubernetes.namespace);
            if files.is_empty() {
                intro += &plan.unknown();
            }
            files.push(File { name, text: yaml::file(&intro, &documents) });
        }
    }
    if files.is_empty() {
        return Err(RenderError::Option {
            option: "kubernetes_disabled_components",
            problem: "nothing is left: take out what you want to have".to_owned(),
        });
    }
    Ok(Rendered { files })
}

/// Files, what their first lines say, and what they hold. Kinds that a cluster may not have are in
/// files of their own, which can be left out.
const FILES: [(&str, &str, &[Component]); 4] = [
    (
        "outpost.yaml",
        "The outpost {name} on Kubernetes: kubectl apply -f outpost.yaml\n\
         Names, labels, selectors and ports are those of authentik's own Kubernetes integration, so \
         that the objects take the place of those it made. Two masters of one object undo each \
         other's work: before you apply this, take the integration out of the outpost in authentik \
         (Applications, Outposts, Edit: Integration). Authentik then deletes what it made.\n\
         Made from the outpost's options in authentik: change them there, and render again.",
        &[
            Component::Secret,
            Component::Deployment,
            Component::Service,
            Component::Ingress,
            Component::Disruption,
            Component::Network,
        ],
    ),
    (
        "servicemonitor.yaml",
        "For clusters with the Prometheus operator: kubectl apply -f servicemonitor.yaml",
        &[Component::Monitor],
    ),
    (
        "traefik-middleware.yaml",
        "For clusters with Traefik 3: kubectl apply -f traefik-middleware.yaml\n\
         Name it in the IngressRoutes of applications in forward auth, or in their Ingresses:\n  \
         traefik.ingress.kubernetes.io/router.middlewares: {namespace}-{name}@kubernetescrd",
        &[Component::Middleware],
    ),
    (
        "httproute.yaml",
        "For clusters with the Gateway API: kubectl apply -f httproute.yaml",
        &[Component::Route],
    ),
];

fn make(plan: &Plan<'_>, component: Component) -> Vec<Document> {
    match component {
        Component::Secret => vec![object::secret(plan)],
        Component::Deployment => vec![deployment::deployment(plan)],
        Component::Service => vec![object::service(plan)],
        Component::Monitor => vec![object::monitor(plan)],
        Component::Ingress => expose::ingress(plan).into_iter().collect(),
        Component::Middleware => object::middleware(plan).into_iter().collect(),
        Component::Route => expose::routes(plan),
        Component::Disruption => vec![guard::disruption(plan)],
        Component::Network => vec![guard::network(plan)],
    }
}
